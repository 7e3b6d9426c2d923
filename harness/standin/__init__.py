"""A peer in front of an unmodified program: it keeps the contract, the program holds the conversations.

Packed into one archive (``harness/peer/program.py``) that needs nothing but its language's own library: it runs in images, too.
"""
