"""An answer on its way in: what the mail says, which touch it answers, what it means (docs/behaviour.md 7)."""
