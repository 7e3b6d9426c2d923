"""Peers as data: their manifests, tools and builds, and the control protocol that they speak."""
