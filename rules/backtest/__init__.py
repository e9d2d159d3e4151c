"""What a pack would have said about readings of the past, and how well: no clock, no files."""
