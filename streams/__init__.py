"""Faust made safe: consumer groups, tables and recovery are Faust's; what is written, when it is acked and who may write is decided here."""
