"""Tests: ``test_<module>`` mirrors ``harness/``."""
