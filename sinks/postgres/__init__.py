"""Postgres: the ledger that decides what may leave, and the stores of the other roles."""
