"""Bluetooth at home: hears advertisements, and visits devices that have something to say."""
