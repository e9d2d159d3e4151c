"""I/O at home: hears devices, keeps the journal, decides with rules, speaks to the person."""
