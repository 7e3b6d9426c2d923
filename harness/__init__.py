"""Parley: programs in different languages hold the conversations that the RFCs define, and are judged by them.

One direction, and the packages show it: spec -> plan -> run -> judge -> report. ``ARCHITECTURE.md`` draws it.
"""

__version__ = "0.1.0"
CONTRACT = 1
"""The version of the peer contract (``peers/README.md``) that this harness speaks."""
