"""What must hold of the wire decoder for any octets, and the fuzzer that looks for octets of which it does not."""
