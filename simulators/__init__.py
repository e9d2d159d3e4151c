"""Homes, people and devices for testers: they meet the gateway over the radio and the broker."""
