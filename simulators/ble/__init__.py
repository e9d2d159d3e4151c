"""A mock BlueZ on a D-Bus of its own, so that bleak's Linux backend runs unchanged without a radio.

`run` serves it until it is cancelled; `MockBlueZ` is the hand that presses, pairs and breaks.
A program hears it by DBUS_SYSTEM_BUS_ADDRESS, set before its first use of Bluetooth.
"""
