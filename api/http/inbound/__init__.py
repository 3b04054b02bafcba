"""Providers of inbound mail: each reads one kind of signed call (docs/behaviour.md 7.1)."""
