"""What people and machines call: the command line, HTTP, the start of every process, the local stack."""
