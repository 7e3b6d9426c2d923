"""Performing cases: peers alive, conversations held, traces gathered. Never judges."""
