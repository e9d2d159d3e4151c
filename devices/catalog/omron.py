"""Omron's cuffs say in their advertisements who they are, and nothing that they measured.

Company 020E beside the service 1810; the measurement comes over GATT (gatt.blood_pressure). Its
bytes are not documented, and are kept as they are. Facts: `company_id`, `service_uuids` (short)
and `advertised` (hex).
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
    raw_bytes,
)
from devices.facts import fields_of, told
from devices.model import Advertisement, Decoded, Event, Fact, Measurement, Raw

COMPANY = 0x020E


def decode(raw: Raw, known: Known) -> Decoded:
    if not isinstance(raw, Advertisement) or not raw.manufacturer_data.get(COMPANY):
        raise DecodeError("no data of Omron in the frame", raw_bytes(raw))
    services = [assigned_number(uuid) for uuid in raw.service_uuids]
    fields: dict[str, object] = {"company_id": COMPANY}
    if services:
        fields["service_uuids"] = services
    fields["advertised"] = raw.manufacturer_data[COMPANY].hex()
    return Decoded(facts=told(raw.address, fields))


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """The bytes of the fact `advertised`."""
    advertised = fields_of(facts).get("advertised")
    if measurements or events or not isinstance(advertised, str):
        raise ValueError("Omron's advertisement says no measurement")
    return bytes.fromhex(advertised)


DEVICE = Device(
    key="omron",
    title="Omron's cuffs, as they advertise",
    known_by=KnownBy.CAPTURED,
    sources=("eigger/hass-omron issue #11, a log of an HEM-6232T",),
    claims=(Claim(manufacturer=COMPANY),),
    metrics=(),
    decode=decode,
    encode=encode,
    vectors=(
        Vector(
            at="020E",
            frame="0109b80064000000",
            expected={},
            facts={"company_id": COMPANY, "advertised": "0109b80064000000"},
            source="eigger/hass-omron issue #11, a log of an HEM-6232T",
            address="00:5F:BF:71:81:18",
            open_ended=True,
        ),
    ),
)
