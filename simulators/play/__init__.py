"""Devices of the catalogue as they are played: what each says comes from its own `encode`.

`frames` finds where a device can say what a tester wants, `faults` is what may go wrong with a
frame, and `air` and `topics` put frames on a mock BlueZ or a broker.
"""
