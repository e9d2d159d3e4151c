"""The doors for programs: what homes send, and what staff programs read."""
