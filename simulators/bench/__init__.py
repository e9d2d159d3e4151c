"""Measures this machine: the shipped programs beside a bare loop, in one run."""
