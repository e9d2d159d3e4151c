"""Readings -> findings. Pure: no I/O, no clock, no random number; time is an argument."""
