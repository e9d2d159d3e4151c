"""Control point of a continuous glucose monitor (2AAC): what it is asked and set, and its answers.

Layout, little-endian: op u8, operand, [E2E-CRC u16 of all bytes before it]. Each op has an operand
of one size, so two bytes more are the CRC. Levels are SFLOATs in mg/dL, rates in mg/dL/min.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from devices.catalog.cgm import CRC_BYTES, WRONG_CRC, crc
from devices.codec import NOTHING_KNOWN, Claim, DecodeError, Device, Known, KnownBy, Vector
from devices.facts import fields_of, from_plain, plain, told, value_of, worded
from devices.fields import Cursor, to_sfloat, u16
from devices.model import Decoded, Event, Fact, Measurement, Raw, Unread

CONTROL_POINT = "2AAC"
RESPONSE = 0x1C

# Bluetooth SIG, Continuous Glucose Monitoring Service 1.0.2, section 3.8: each alert level has
# three ops, to set it, to ask for it and to answer.
_LEVELS = (
    (0x07, "high_alert_mg_dl"), (0x0A, "low_alert_mg_dl"), (0x0D, "hypo_alert_mg_dl"),
    (0x10, "hyper_alert_mg_dl"), (0x13, "rate_of_decrease_mg_dl_min"),
    (0x16, "rate_of_increase_mg_dl_min"),
)  # fmt: skip
_CALIBRATION = (
    ("sfloat", "calibration_mg_dl"), ("u16", "calibration_time_min"), ("u8", "type_location"),
    ("u16", "next_calibration_min"), ("u16", "calibration_number"), ("u8", "calibration_status"),
)  # fmt: skip
OPERANDS: Mapping[int, tuple[tuple[str, str], ...]] = {
    0x01: (("u8", "interval_min"),), 0x02: (), 0x03: (("u8", "interval_min"),),
    0x04: _CALIBRATION, 0x05: (("u16", "calibration_number"),), 0x06: _CALIBRATION,
    **{op: (("sfloat", name),) for first, name in _LEVELS for op in (first, first + 2)},
    **{first + 1: () for first, _ in _LEVELS},
    0x19: (), 0x1A: (), 0x1B: (),
    RESPONSE: (("u8", "request_op"), ("u8", "response")),
}  # fmt: skip
SIZES = {"u8": 1, "u16": 2, "sfloat": 2}
RESULT_WORDS = {
    1: "success", 2: "op not supported", 3: "invalid operand", 4: "procedure not completed",
    5: "parameter out of range",
}  # fmt: skip


def decode(raw: Raw, known: Known) -> Decoded:
    heard = value_of(raw, "the control point of a glucose monitor")
    frame = Cursor(heard.value)
    op = frame.u8()
    if op not in OPERANDS:
        raise DecodeError(f"op {op} is reserved", heard.value)
    size = 1 + sum(SIZES[kind] for kind, _ in OPERANDS[op])
    sealed = len(heard.value) == size + CRC_BYTES
    if sealed and crc(heard.value[:size]) != int.from_bytes(heard.value[size:], "little"):
        facts = told(heard.address, {"crc_ok": False})
        return Decoded(facts=facts, unread=(Unread(WRONG_CRC, heard.value),))
    fields: dict[str, object] = {"op": op}
    for kind, name in OPERANDS[op]:
        fields[name] = plain(frame.sfloat()) if kind == "sfloat" else _number(frame, kind)
    if op == RESPONSE:
        fields |= worded("response", heard.value[2], RESULT_WORDS)
    if sealed:
        frame.u16()
        fields["crc_ok"] = True
    frame.finish()
    return Decoded(facts=told(heard.address, fields))


def _number(frame: Cursor, kind: str) -> int:
    return frame.u16() if kind == "u16" else frame.u8()


def encode(
    *,
    measurements: Sequence[Measurement] = (),
    events: Sequence[Event] = (),
    facts: Sequence[Fact] = (),
    known: Known = NOTHING_KNOWN,
) -> bytes:
    """The bytes of the facts; with the E2E-CRC where `crc_ok` is told, a wrong one if it is false.

    Of a frame that could not be read (no `op`): one that asks for the interval.
    """
    fields = fields_of(facts)
    crc_ok = fields.get("crc_ok")
    op = fields.get("op", 0x02 if crc_ok is False else None)
    if op is None:
        raise ValueError("a control point says nothing without the fact `op`")
    body = bytes((op,)) + b"".join(
        _written(kind, fields[name]) for kind, name in OPERANDS.get(op, ())
    )
    if crc_ok is None:
        return body
    return body + u16(crc(body) if crc_ok else crc(body) ^ 1)


def _written(kind: str, value: Any) -> bytes:
    if kind == "sfloat":
        return u16(to_sfloat(from_plain(value)))
    return u16(value) if kind == "u16" else bytes((value,))


_NORDIC = (
    "NordicSemiconductor/Android-BLE-Common-Library@1c86e44 ble-common/src/test/java/no/"
    "nordicsemi/android/ble/common/callback/cgm/CGMSpecificOpsControlPointDataCallbackTest.java"
)


def _said(frame: str, facts: Mapping[str, object], note: str = "", *, exact: bool = True) -> Vector:
    return Vector(
        at=CONTROL_POINT,
        frame=frame,
        expected={},
        facts=facts,
        source=_NORDIC,
        note=note,
        lossless=exact,
        open_ended="crc_ok" in facts,
    )


def _answered(result: int, words: str) -> dict[str, object]:
    return {"op": 28, "request_op": 2, "response": result, "response_words": words}


DEVICE = Device(
    key="gatt.cgm_control",
    title="Settings of a continuous glucose monitor (its control point)",
    known_by=KnownBy.SPECIFICATION,
    sources=("Bluetooth SIG, Continuous Glucose Monitoring Service 1.0.2, section 3.8",),
    claims=(Claim(characteristic=CONTROL_POINT),),
    metrics=(),
    decode=decode,
    encode=encode,
    vectors=(
        _said("1c0201", _answered(1, "success")),
        _said("1c0202", _answered(2, "op not supported")),
        _said("1c02013c3b", _answered(1, "success") | {"crc_ok": True}),
        _said("1c0202a709", _answered(2, "op not supported") | {"crc_ok": True}),
        _said("030b", {"op": 3, "interval_min": 11}),
        _said("030a8a75", {"op": 3, "interval_min": 10, "crc_ok": True}),
        _said("090cf0", {"op": 9, "high_alert_mg_dl": 1.2}),
        _said("0c0bc034be", {"op": 12, "low_alert_mg_dl": 0.0011, "crc_ok": True}),
        _said("0f0100", {"op": 15, "hypo_alert_mg_dl": 1.0}),
        _said(
            "120a20",
            {"op": 18, "hyper_alert_mg_dl": 1000.0},
            "with another exponent than ours",
            exact=False,
        ),
        _said(
            "150110",
            {"op": 21, "rate_of_decrease_mg_dl_min": 10.0},
            "with another exponent than ours",
            exact=False,
        ),
        _said(
            "180a40",
            {"op": 24, "rate_of_increase_mg_dl_min": 100_000.0},
            "with another exponent than ours",
            exact=False,
        ),
        _said(
            "0601200a00321400010004bfb2",
            {
                "op": 6,
                "calibration_mg_dl": 100.0,
                "calibration_time_min": 10,
                "type_location": 0x32,
                "next_calibration_min": 20,
                "calibration_number": 1,
                "calibration_status": 4,
                "crc_ok": True,
            },
            "with another exponent than ours",
            exact=False,
        ),
        Vector(at=CONTROL_POINT, frame="060a01", expected=None, source=_NORDIC),
    ),
)
