"""Pure decisions: (state, event, now, definitions) -> (new state, effects). No I/O, no clock, no randomness."""
