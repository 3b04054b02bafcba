"""Faust made safe: groups, tables and recovery are Faust's; what is written, acked and by whom is decided here."""
