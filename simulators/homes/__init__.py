"""Simulated homes: a person among devices, heard over a mock radio and a real broker."""
