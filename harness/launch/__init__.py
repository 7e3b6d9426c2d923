"""How a peer process comes to life. Effects, at the edge: nothing here knows what is said on the control channel."""
