"""x"""


class Probe:
    pass


def smoke_peer(a, b):
    pass
