"""Record access control point (2A52): what stored records a device is asked for, and its answers.

Layout, little-endian: op u8, operator u8, operand. A request's operand is a filter u8 with one
bound, or two for a range; a count is u8, u16 or u32; a response is the request's op and a result.
"No records found" is an answer, not a failure. Requests are for a driver to write:
`records_from(43)` asks for what is new behind record 42.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

from devices.codec import NOTHING_KNOWN, Claim, DecodeError, Device, Known, KnownBy, Vector
from devices.facts import fields_of, told, value_of, worded
from devices.fields import Cursor, u16
from devices.model import Decoded, Event, Fact, Measurement, Raw

CONTROL_POINT = "2A52"


# Bluetooth SIG, Glucose Service 1.0.1, section 3.4, which all users of 2A52 follow.
class Op(IntEnum):
    REPORT = 1
    DELETE = 2
    ABORT = 3
    COUNT = 4
    COUNT_RESPONSE = 5
    RESPONSE = 6


class Operator(IntEnum):
    NULL = 0
    ALL = 1
    UP_TO = 2
    FROM = 3
    RANGE = 4
    FIRST = 5
    LAST = 6


SUCCESS, NO_RECORDS = 1, 6
RESULT_WORDS = {
    1: "success", 2: "op not supported", 3: "invalid operator", 4: "operator not supported",
    5: "invalid operand", 6: "no records found", 7: "abort unsuccessful",
    8: "procedure not completed", 9: "operand not supported",
}  # fmt: skip
BY_SEQUENCE = 1
BOUNDS = {Operator.UP_TO: 1, Operator.FROM: 1, Operator.RANGE: 2}
"""How many bounds a filter has; operators not named take no filter."""
REQUESTS = (Op.REPORT, Op.DELETE, Op.COUNT)
COUNT_SIZES = (1, 2, 4)


def request(op: Op, operator: Operator, *sequences: int) -> bytes:
    """The bytes that ask for records by their sequence numbers (`sequences`: the bounds)."""
    if len(sequences) != BOUNDS.get(operator, 0):
        raise ValueError(f"{operator.name} takes {BOUNDS.get(operator, 0)} bounds")
    bounds = b"".join(map(u16, sequences))
    return bytes((op, operator)) + (bytes((BY_SEQUENCE,)) + bounds if bounds else b"")


def all_records() -> bytes:
    return request(Op.REPORT, Operator.ALL)


def records_from(sequence: int) -> bytes:
    """Ask for the records of this sequence number and above."""
    return request(Op.REPORT, Operator.FROM, sequence)


def abort() -> bytes:
    return request(Op.ABORT, Operator.NULL)


def decode(raw: Raw, known: Known) -> Decoded:
    heard = value_of(raw, "the record access control point")
    frame = Cursor(heard.value)
    op, operator = frame.u8(), frame.u8()
    operand = frame.take(frame.left)
    if op == 0:
        raise DecodeError("op 0 is reserved", heard.value)
    if op in (Op.COUNT_RESPONSE, Op.RESPONSE, Op.ABORT) and operator != Operator.NULL:
        raise DecodeError(f"op {op} has no operator, and this has {operator}", heard.value)
    fields: dict[str, object] = {"op": op}
    match op:
        case Op.COUNT_RESPONSE:
            if len(operand) not in COUNT_SIZES:
                raise DecodeError(f"a count of {len(operand)} bytes", heard.value)
            fields["count"] = int.from_bytes(operand, "little")
            fields["count_bytes"] = len(operand)
        case Op.RESPONSE:
            if len(operand) != 2:
                raise DecodeError("a response is two bytes: request and result", heard.value)
            fields["request_op"] = operand[0]
            fields |= worded("response", operand[1], RESULT_WORDS)
            fields["succeeded"] = operand[1] in (SUCCESS, NO_RECORDS)
        case Op.ABORT if operand:
            raise DecodeError("an abort has no operand", heard.value)
        case Op.REPORT | Op.DELETE | Op.COUNT:
            fields |= {"operator": operator} | _filter(operator, operand, heard.value)
        case _:
            fields["operator"] = operator
            fields |= {"operand": operand.hex()} if operand else {}
    return Decoded(facts=told(heard.address, fields))


def _filter(operator: int, operand: bytes, whole: bytes) -> dict[str, object]:
    if operator not in range(Operator.ALL, Operator.LAST + 1):
        raise DecodeError(f"no records are chosen by operator {operator}", whole)
    bounds = BOUNDS.get(Operator(operator), 0)
    if bool(operand) != bool(bounds):
        raise DecodeError(f"operator {operator} takes {bounds} bounds", whole)
    if not operand:
        return {}
    fields: dict[str, object] = {"operand": operand.hex(), "filter": operand[0]}
    if operand[0] == BY_SEQUENCE:
        frame = Cursor(operand[1:])
        if len(operand) != 1 + 2 * bounds:
            raise DecodeError(f"operator {operator} takes {bounds} sequence numbers", whole)
        fields["sequences"] = [frame.u16() for _ in range(bounds)]
    return fields


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """The bytes of the facts `op`, `operator` (else 0) and `operand`, or of a count or response."""
    fields = fields_of(facts)
    if "op" not in fields:
        raise ValueError("a control point says nothing without the fact `op`")
    return bytes((fields["op"], fields.get("operator", Operator.NULL))) + _operand(fields)


def _operand(fields: dict[str, Any]) -> bytes:
    if "request_op" in fields:
        return bytes((fields["request_op"], fields["response"]))
    if "count" in fields:
        size: int = fields.get("count_bytes", 2)
        return int(fields["count"]).to_bytes(size, "little")
    return bytes.fromhex(fields.get("operand", ""))


_NORDIC = (
    "NordicSemiconductor/Android-BLE-Common-Library@c078e25 ble-common/src/test/java/no/"
    "nordicsemi/android/ble/common/callback/RecordAccessControlPointDataCallbackTest.java"
)
_OMRON = "StanfordSpezi/SpeziDevices Tests/SpeziOmronTests/SpeziOmronTests.swift"


def _answer(request_op: int, result: int, words: str) -> Vector:
    return Vector(
        at=CONTROL_POINT,
        frame=bytes((6, 0, request_op, result)).hex(),
        expected={},
        facts={
            "op": 6,
            "request_op": request_op,
            "response": result,
            "succeeded": result in (1, 6),
            "response_words": words,
        },
        source=_NORDIC,
    )


DEVICE = Device(
    key="gatt.record_access",
    title="Stored records of a Bluetooth health device (record access control point)",
    known_by=KnownBy.SPECIFICATION,
    sources=(
        "Bluetooth SIG, Glucose Service 1.0.1, section 3.4",
        "Bluetooth SIG, GATT Specification Supplement, Record Access Control Point",
    ),
    claims=(Claim(characteristic=CONTROL_POINT),),
    metrics=(),
    decode=decode,
    encode=encode,
    vectors=(
        _answer(1, 1, "success"),
        _answer(12, 2, "op not supported"),
        _answer(1, 3, "invalid operator"),
        _answer(2, 4, "operator not supported"),
        _answer(1, 5, "invalid operand"),
        _answer(1, 6, "no records found"),
        _answer(3, 7, "abort unsuccessful"),
        _answer(2, 8, "procedure not completed"),
        _answer(2, 9, "operand not supported"),
        Vector(
            at=CONTROL_POINT,
            frame="0600010a",
            expected={},
            facts={"op": 6, "request_op": 1, "response": 10, "succeeded": False},
            source=_NORDIC,
        ),
        Vector(
            at=CONTROL_POINT,
            frame="050001",
            expected={},
            facts={"op": 5, "count": 1, "count_bytes": 1},
            source=_NORDIC,
            open_ended=True,
        ),
        Vector(
            at=CONTROL_POINT,
            frame="05000201",
            expected={},
            facts={"op": 5, "count": 258, "count_bytes": 2},
            source=_NORDIC,
            open_ended=True,
        ),
        Vector(
            at=CONTROL_POINT,
            frame="050004030201",
            expected={},
            facts={"op": 5, "count": 16_909_060, "count_bytes": 4},
            source=_NORDIC,
            open_ended=True,
        ),
        Vector(at=CONTROL_POINT, frame="0500030201", expected=None, source=_NORDIC),
        Vector(
            at=CONTROL_POINT,
            frame="060101",
            expected=None,
            source=_NORDIC,
            note="a response has no operator",
        ),
        Vector(
            at=CONTROL_POINT,
            frame="0101",
            expected={},
            facts={"op": 1, "operator": 1},
            source=_OMRON,
        ),
        Vector(
            at=CONTROL_POINT,
            frame="0401",
            expected={},
            facts={"op": 4, "operator": 1},
            source=_OMRON,
        ),
        Vector(
            at=CONTROL_POINT,
            frame="0300",
            expected={},
            facts={"op": 3, "operator": 0},
            source=(
                "RonanB96/bluetooth-sig-python@a49b951 "
                "tests/gatt/characteristics/test_record_access_control_point.py (synthetic)"
            ),
        ),
        Vector(
            at=CONTROL_POINT,
            frame="0103012d00",
            expected={},
            facts={
                "op": 1,
                "operator": 3,
                "operand": "012d00",
                "filter": 1,
                "sequences": [45],
            },
            source="pauldemarco/flutter_blue issue 830",
            note="what a Contour Plus One is asked: records from 45 onwards",
        ),
        Vector(
            at=CONTROL_POINT,
            frame="010304ffff",
            expected={},
            facts={"op": 1, "operator": 3, "operand": "04ffff", "filter": 4},
            source=_OMRON,
            note="a filter of Omron's own",
            open_ended=True,
        ),
        Vector(
            at=CONTROL_POINT,
            frame="1100ffff",
            expected={},
            facts={"op": 17, "operator": 0, "operand": "ffff"},
            source=_OMRON,
            note="an op of Omron's own: the sequence number of the latest record",
            open_ended=True,
        ),
    ),
)
