"""A home's Bluetooth devices as virtual controllers of bumble: real HCI, ATT and SMP, no radio.

The same peripherals and minds as on the mock BlueZ (simulators/ble), for a gateway that runs its
own stack. `room.Room` holds them, and offers the gateway its adapter on a TCP port. Needs the extra
`bumble`.
"""
