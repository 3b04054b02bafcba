"""The parts of the replies role: intake (match and stop) and classification."""
