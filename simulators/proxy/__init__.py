"""A simulated ESPHome node that is a Bluetooth proxy: it speaks the native API over TCP.

`node.Node` is the node and `room.Room` what is around it. Its messages are those that
aioesphomeapi ships, so the package is needed (`homebeat[proxies]`).
"""
