"""Which devices a simulated home can have, what sets each off, and what a deed is in metrics."""

from collections.abc import Mapping

from simulators.people.person import Deed

STATES: Mapping[Deed, tuple[str, float]] = {
    Deed.OPENS: ("door_open", 1.0),
    Deed.CLOSES: ("door_open", 0.0),
    Deed.MOVES: ("movement", 1.0),
    Deed.LEAVES: ("movement", 0.0),
    Deed.BOILS: ("power", 2150.0),
    Deed.BOILED: ("power", 0.4),
}
EVENTS: Mapping[str, tuple[str, str]] = {
    "sos": ("sos_pressed", "emergency"),
    "button": ("button_pressed", "press"),
}
"""By model: the event of a press, and the device's own word for it."""
DEEDS: Mapping[tuple[str, str], tuple[Deed, ...]] = {
    ("", "scale"): (Deed.WEIGHS,),
    ("gatt.weight_scale", ""): (Deed.WEIGHS,),
    ("gatt.weight_scale", "consent"): (Deed.WEIGHS,),
    ("gatt.blood_pressure", ""): (Deed.BLOOD_PRESSURE,),
    ("gatt.pulse_oximeter", ""): (Deed.OXYGEN,),
    ("gatt.thermometer", ""): (Deed.TEMPERATURE,),
    ("gatt.glucose", ""): (Deed.GLUCOSE,),
    ("zigbee2mqtt", "movement"): (Deed.MOVES, Deed.LEAVES),
    ("zigbee2mqtt", "contact"): (Deed.OPENS, Deed.CLOSES),
    ("zigbee2mqtt", "contact reversed"): (Deed.OPENS, Deed.CLOSES),
    ("zigbee2mqtt", "plug"): (Deed.BOILS, Deed.BOILED),
    ("zigbee2mqtt", "sos"): (Deed.PRESSES,),
    ("bthome", "contact"): (Deed.OPENS, Deed.CLOSES),
    ("bthome", "button"): (Deed.PRESSES,),
}
"""By kind and model: what sets a device off."""
