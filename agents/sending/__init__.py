"""The parts of the sender role: what it holds, how a mailbox sends, what is told of it, and the take-over."""
