"""From scenarios and peers to cases: which conversations are held by whom. Pure."""
