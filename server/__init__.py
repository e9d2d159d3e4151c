"""I/O at the centre: takes records from homes, opens alerts, shows the worklist."""
