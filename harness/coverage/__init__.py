"""What of the standards is checked: requirement records against conversations, rules, mutants and a run's results.

Owns counting and showing. Knows nothing of how a run comes about, and judges nothing.
"""
