"""Device information service: who made it and which version it is. Each characteristic is a text in
UTF-8; some makers end or fill it with zero bytes, and what is behind the first one is passed over.
"""

from collections.abc import Sequence

from devices.codec import (
    NOTHING_KNOWN,
    Claim,
    DecodeError,
    Device,
    Known,
    KnownBy,
    Vector,
    assigned_number,
)
from devices.facts import fields_of, told, value_of
from devices.model import Decoded, Event, Fact, Measurement, Raw

# Bluetooth SIG, Device Information Service 1.2, section 3.
TEXTS = {
    "2A29": "manufacturer",
    "2A24": "model",
    "2A25": "serial_number",
    "2A27": "hardware_revision",
    "2A26": "firmware_revision",
    "2A28": "software_revision",
}


def decode(raw: Raw, known: Known) -> Decoded:
    heard = value_of(raw, "a device information characteristic")
    name = TEXTS.get(assigned_number(heard.characteristic))
    if name is None:
        raise DecodeError("not a text of the device information service", heard.value)
    try:
        text = heard.value.partition(b"\0")[0].decode()
    except UnicodeDecodeError as wrong:
        raise DecodeError(f"no UTF-8: {wrong.reason}", heard.value) from None
    return Decoded(facts=told(heard.address, {name: text.strip()}))


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """The text of the fact that the characteristic known["at"] is about; else of the only fact."""
    fields = fields_of(facts)
    name = TEXTS.get(str(known.get("at")), next(iter(fields), ""))
    if name not in fields:
        raise ValueError(f"no fact says {name or 'anything'}")
    return str(fields[name]).encode()


_CUFF = "noble/noble issue 158"
_SENSOR = "pvvx/ATC_MiThermometer issue 92"

DEVICE = Device(
    key="gatt.device_information",
    title="Maker and version of a Bluetooth device",
    known_by=KnownBy.CAPTURED,
    sources=("Bluetooth SIG, Device Information Service 1.2, section 3",),
    claims=tuple(Claim(characteristic=name) for name in TEXTS),
    metrics=(),
    decode=decode,
    encode=encode,
    vectors=(
        Vector(
            at="2A29",
            frame="49535343",
            expected={},
            facts={"manufacturer": "ISSC"},
            source=_CUFF,
            note="read from a blood pressure monitor U80IH, as the next two",
            open_ended=True,
        ),
        Vector(
            at="2A24",
            frame="425435303530",
            expected={},
            facts={"model": "BT5050"},
            source=_CUFF,
            open_ended=True,
        ),
        Vector(
            at="2A25",
            frame="384344453532363336323645",
            expected={},
            facts={"serial_number": "8CDE5263626E"},
            source=_CUFF,
            open_ended=True,
        ),
        Vector(
            at="2A27",
            frame="42312e3400",
            expected={},
            facts={"hardware_revision": "B1.4"},
            source=_SENSOR,
            note="with a zero byte at its end, as the next",
            lossless=False,
            open_ended=True,
        ),
        Vector(
            at="2A26",
            frame="6769746875622e636f6d2f7076767800",
            expected={},
            facts={"firmware_revision": "github.com/pvvx"},
            source=_SENSOR,
            note="with a zero byte at its end",
            lossless=False,
            open_ended=True,
        ),
        Vector(
            at="2A28",
            frame="56332e30",
            expected={},
            facts={"software_revision": "V3.0"},
            source=_SENSOR,
            open_ended=True,
        ),
        Vector(
            at="2A29",
            frame="fffefd",
            expected=None,
            source=(
                "RonanB96/bluetooth-sig-python@27bdb3d "
                "tests/gatt/characteristics/test_manufacturer_name_string.py (synthetic)"
            ),
        ),
    ),
)
