"""Hosts and the wires between them. Effects, at the edge: nothing here knows of peers or conversations."""
