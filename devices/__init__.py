"""Bytes and JSON <-> measurements. Pure: no I/O, no clock, no random number."""
