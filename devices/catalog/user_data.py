"""User data service: who stands on the scale. The control point (2A9F), the slot in use (2A9A), the
change increment (2A99), and of the person first name (2A8A), date of birth (2A85), gender (2A8C),
height (2A8E).

2A9F, little-endian: op u8 and its parameters; a response (0x20) is the request's op, a result and,
for some, a slot. A scale gives out no weight before `consent`; then some take the person's data
back, unchanged, with a higher increment, before they measure more than weight.
"""

from collections.abc import Sequence
from enum import IntEnum

from devices import wall_clock
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
from devices.facts import fields_of, told, value_of, worded
from devices.fields import Cursor, u16, u32
from devices.model import Decoded, Event, Fact, Measurement, Raw

CONTROL_POINT, BIRTH, FIRST_NAME = "2A9F", "2A85", "2A8A"
INCREMENT, GENDER, HEIGHT = "2A99", "2A8C", "2A8E"
MOST_CONSENT = 9999


# Bluetooth SIG, User Data Service 1.1, section 3.3.
class Op(IntEnum):
    REGISTER = 0x01
    CONSENT = 0x02
    DELETE_DATA = 0x03
    LIST_USERS = 0x04
    DELETE_USER = 0x05
    RESPONSE = 0x20


SUCCESS = 1
RESULT_WORDS = {
    1: "success", 2: "op not supported", 3: "invalid parameter", 4: "operation failed",
    5: "user not authorised",
}  # fmt: skip
PARAMETERS: dict[int, tuple[tuple[str, int], ...]] = {
    Op.REGISTER: (("consent_code", 2),),
    Op.CONSENT: (("user_index", 1), ("consent_code", 2)),
    Op.DELETE_DATA: (),
    Op.LIST_USERS: (),
    Op.DELETE_USER: (("user_index", 1),),
}
"""Name and bytes of what each request carries."""
ANSWERS = {Op.REGISTER: "user_index", Op.LIST_USERS: "users", Op.DELETE_USER: "user_index"}
"""What a response to these may carry, in one byte."""

NUMBERS = {
    "2A99": ("database_change_increment", 4),
    "2A9A": ("user_index", 1),
    "2A8C": ("gender", 1),
    "2A8E": ("height_cm", 2),
}
"""Fact and bytes of the characteristics that are one number."""
TEXTS = {BIRTH: "date_of_birth", FIRST_NAME: "first_name"}
GENDERS = {0: "male", 1: "female", 2: "unspecified"}


def register(consent_code: int) -> bytes:
    """Ask the scale for a new slot; its response says which."""
    return bytes((Op.REGISTER,)) + _code(consent_code)


def consent(user_index: int, consent_code: int) -> bytes:
    """Ask the scale to measure for this slot."""
    return bytes((Op.CONSENT, user_index)) + _code(consent_code)


def _code(consent_code: int) -> bytes:
    if not 0 <= consent_code <= MOST_CONSENT:
        raise ValueError(f"a consent code is 0 to {MOST_CONSENT}, not {consent_code}")
    return u16(consent_code)


def decode(raw: Raw, known: Known) -> Decoded:
    heard = value_of(raw, "a user data characteristic")
    at = assigned_number(heard.characteristic)
    frame = Cursor(heard.value)
    fields: dict[str, object] = {}
    if at in NUMBERS:
        name, size = NUMBERS[at]
        number = int.from_bytes(frame.take(size), "little")
        fields = worded(name, number, GENDERS if name == "gender" else {})
    elif at == BIRTH:
        date = frame.take(4)
        midnight = Cursor(date + bytes(3))
        fields["date_of_birth"] = wall_clock.read(midnight, heard.value).partition("T")[0]
    elif at == FIRST_NAME:
        try:
            fields["first_name"] = frame.take(frame.left).partition(b"\0")[0].decode()
        except UnicodeDecodeError as wrong:
            raise DecodeError(f"no UTF-8: {wrong.reason}", heard.value) from None
    else:
        fields = _control_point(frame, heard.value)
    frame.finish()
    return Decoded(facts=told(heard.address, fields))


def _control_point(frame: Cursor, whole: bytes) -> dict[str, object]:
    op = frame.u8()
    fields: dict[str, object] = {"op": op}
    if op == Op.RESPONSE:
        request_op, result = frame.u8(), frame.u8()
        fields["request_op"] = request_op
        fields |= worded("result", result, RESULT_WORDS)
        fields["succeeded"] = result == SUCCESS
        if request_op in ANSWERS and frame.left:
            fields[ANSWERS[Op(request_op)]] = frame.u8()
        return fields
    if op not in PARAMETERS:
        raise DecodeError(f"op {op} is none of the user control point's", whole)
    for name, size in PARAMETERS[op]:
        fields[name] = int.from_bytes(frame.take(size), "little")
    return fields


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """The bytes of the facts, for the characteristic known["at"]; else for the control point."""
    fields = fields_of(facts)
    at = str(known.get("at", CONTROL_POINT))
    needed = NUMBERS[at][0] if at in NUMBERS else TEXTS.get(at, "op")
    if needed not in fields:
        raise ValueError(f"{at} says nothing without the fact `{needed}`")
    if at in NUMBERS:
        return _unsigned(fields[needed], NUMBERS[at][1])
    if at == BIRTH:
        return wall_clock.write(f"{fields[needed]}T00:00:00")[:4]
    if at == FIRST_NAME:
        return str(fields[needed]).encode()
    op = fields["op"]
    if op != Op.RESPONSE:
        if op not in PARAMETERS:
            raise ValueError(f"op {op} is none of the user control point's")
        return bytes((op,)) + b"".join(
            _unsigned(fields[name], size) for name, size in PARAMETERS[op]
        )
    request_op = fields["request_op"]
    answer = fields.get(ANSWERS.get(request_op, ""))
    carried = b"" if answer is None else bytes((answer,))
    return bytes((op, request_op, fields["result"])) + carried


def _unsigned(value: int, size: int) -> bytes:
    return u32(value) if size == 4 else u16(value) if size == 2 else bytes((value,))


_SCALE_SYNC = "KristianP26/ble-scale-sync@3cce009 tests/scales/beurer-bf720.test.ts"
_SIG_PYTHON = "RonanB96/bluetooth-sig-python@27bdb3d tests/gatt/characteristics/"

DEVICE = Device(
    key="gatt.user_data",
    title="People of a Bluetooth scale (user data service)",
    known_by=KnownBy.CAPTURED,
    sources=(
        "Bluetooth SIG, User Data Service 1.1, sections 3.1 to 3.3",
        "Bluetooth SIG, GATT Specification Supplement",
    ),
    claims=(
        Claim(characteristic=CONTROL_POINT),
        *(Claim(characteristic=name) for name in NUMBERS),
        *(Claim(characteristic=name) for name in TEXTS),
    ),
    metrics=(),
    decode=decode,
    encode=encode,
    vectors=(
        Vector(
            at=CONTROL_POINT,
            frame="0201a80e",
            expected={},
            facts={"op": 2, "user_index": 1, "consent_code": 3752},
            source=_SCALE_SYNC,
        ),
        Vector(
            at=CONTROL_POINT,
            frame="200205",
            expected={},
            facts={
                "op": 32,
                "request_op": 2,
                "result": 5,
                "succeeded": False,
                "result_words": "user not authorised",
            },
            source=_SCALE_SYNC,
        ),
        Vector(
            at=CONTROL_POINT,
            frame="200201",
            expected={},
            facts={
                "op": 32,
                "request_op": 2,
                "result": 1,
                "succeeded": True,
                "result_words": "success",
            },
            source=_SCALE_SYNC,
        ),
        Vector(
            at=CONTROL_POINT,
            frame="200101",
            expected={},
            facts={
                "op": 32,
                "request_op": 1,
                "result": 1,
                "succeeded": True,
                "result_words": "success",
            },
            source=_SIG_PYTHON + "test_user_control_point.py (synthetic)",
            open_ended=True,
        ),
        Vector(
            at="2A99",
            frame="06000000",
            expected={},
            facts={"database_change_increment": 6},
            source=_SCALE_SYNC,
            note="captured from a Beurer BF788, as the next three",
        ),
        Vector(
            at="2A85",
            frame="bf070808",
            expected={},
            facts={"date_of_birth": "1983-08-08"},
            source=_SCALE_SYNC,
        ),
        Vector(
            at=FIRST_NAME,
            frame="416c696365",
            expected={},
            facts={"first_name": "Alice"},
            source=_SIG_PYTHON + "test_first_name.py (synthetic)",
            open_ended=True,
        ),
        Vector(
            at="2A8C",
            frame="00",
            expected={},
            facts={"gender": 0, "gender_words": "male"},
            source=_SCALE_SYNC,
        ),
        Vector(
            at="2A8E",
            frame="c000",
            expected={},
            facts={"height_cm": 192},
            source=_SCALE_SYNC,
        ),
        Vector(
            at="2A9A",
            frame="05",
            expected={},
            facts={"user_index": 5},
            source=_SIG_PYTHON + "test_user_index.py (synthetic)",
        ),
    ),
)
