"""The tester's page: a hand in the simulated home."""
