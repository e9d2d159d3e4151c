"""What becomes of an alert: its states, who may be late, and who is silent."""
