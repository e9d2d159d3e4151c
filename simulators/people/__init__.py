"""Simulated people: a body, habits and a day, the same for the same seed and date."""
