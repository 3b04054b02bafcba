"""The wire contract: one frozen pydantic model for each message, one file for each topic family.

Models ignore unknown fields when reading (a newer producer never breaks an older consumer) and refuse them
when built in code (a typing mistake never reaches a topic). `docs/contract/` is generated from these models.
"""
