"""What went over the wire: frames as values, and what they say together."""
