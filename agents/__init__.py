"""The roles, one file a consumer group: each reads, lets the domain decide, and writes. No rule lives here."""
