"""The single writer of a lead, as pure decisions: (lead, event, now, definitions) -> (lead, effects)."""
