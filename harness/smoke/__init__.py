"""Holding a peer against the contract page, rule by rule, and explaining each miss.

Owns nothing itself: ``probe`` has the words, ``subject`` the living peer, ``stage`` what a rule acts with, ``rules`` the rules
in the order of the page, ``runner`` their order and bounds. Nothing here knows specs, cases or verdicts of a run.
"""

from harness.smoke.probe import Probe
from harness.smoke.runner import smoke_peer

__all__ = ["Probe", "smoke_peer"]
