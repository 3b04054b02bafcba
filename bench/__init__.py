"""Measurements and fault runs. Every figure in docs/performance.md comes from here."""
