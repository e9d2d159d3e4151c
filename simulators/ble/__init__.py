"""A mock BlueZ on a D-Bus of its own, so that bleak's Linux backend runs unchanged without a radio.

`bus.private_bus` is the bus, and `bluez.MockBlueZ` on it the hand that presses, pairs and breaks.
A program hears it by DBUS_SYSTEM_BUS_ADDRESS, set before its first use of Bluetooth.
"""
