"""The demo: the shipped programs, started by their commands, with a simulated home."""
