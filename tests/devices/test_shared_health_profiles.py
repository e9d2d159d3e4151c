"""What other implementations say of a health profile's frame, our devices say: each line.

The lines of cuffs, scales, oximeters and batteries are in test_shared_vectors.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from devices.codec import DecodeError, summary
from devices.model import CharacteristicValue, Decoded
from devices.registry import match

AT = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
BUILT = {
    "2A1C", "2A1E", "2A1D", "2A37", "2A38", "2A18", "2A34", "2A51", "2A9C", "2AA7", "2AA8",
    "2AA9", "2AAA", "2AAB", "2A2B", "2A08", "2A9F", "2A52", "2A60", "2A49",
}  # fmt: skip
BELONGS = {"gatt": lambda line: line["characteristic"] in BUILT}

# What the source calls it: our metric, and the unit where the frame names none.
READ = {
    "heart_rate": ("pulse_rate", "/min"),
    "energy_expended_kJ": ("energy_expended", "kJ"),
    "temperature": ("body_temperature", "Cel"),
    "displayed_mg_dl": ("blood_glucose", "mg/dL"),
    "body_fat_pct": ("body_fat", "%"),
    "basal_metabolism_kJ": ("basal_metabolism", "kJ"),
    "impedance_ohm": ("body_impedance", "Ohm"),
    "weight": ("body_weight", "kg"),
    "height": ("body_height", "m"),
}
FRAME_UNITS = {"lb": "[lb_av]", "F": "[degF]"}
IN_THE_UNIT_OF_THE_FRAME = {"weight", "temperature"}


def answer(line: dict[str, Any]) -> Decoded:
    raw = CharacteristicValue(
        address="A4:C1:38:00:00:01",
        characteristic=line["characteristic"],
        value=bytes.fromhex(line["hex"]),
        received_at=AT,
    )
    device = match(raw)
    assert device is not None
    return device.decode(raw, {})


def expected_readings(said: dict[str, Any], facts: dict[str, Any]) -> dict[str, object]:
    """What a placeholder holds is no reading: it is told, and not stored."""
    unit = FRAME_UNITS.get(said.get("unit", ""))
    expected: dict[str, object] = {}
    for name, (metric, usual) in READ.items():
        if name in said and name not in facts.get("placeholder", {}):
            own = unit if unit and name in IN_THE_UNIT_OF_THE_FRAME else usual
            expected[metric] = (float(said[name]), own)
    intervals = [(float(count), "s/1024") for count in said.get("rr_intervals_1_1024s", [])]
    if intervals:
        expected["rr_interval"] = intervals[0] if len(intervals) == 1 else intervals
    if "timestamp" in said:
        expected["taken_at"] = said["timestamp"]
    return expected


def expected_facts(said: dict[str, Any]) -> dict[str, object]:
    """All other fields are facts under the source's own names; the unit of glucose is one, too."""
    elsewhere = {*READ, "rr_intervals_1_1024s", "timestamp", "height_unit"}
    if "concentration" not in said:
        elsewhere.add("unit")
    return {name: value for name, value in said.items() if name not in elsewhere}


def test_a_profile_s_frame_says_what_its_source_says(shared_gatt: dict[str, Any]) -> None:
    if shared_gatt.get("invalid"):
        with pytest.raises(DecodeError) as refused:
            answer(shared_gatt)
        assert refused.value.raw.hex() == shared_gatt["hex"]
        return
    said = shared_gatt["expected"]
    assert said
    decoded = answer(shared_gatt)
    facts = {fact.name: fact.value for fact in decoded.facts}
    readings = summary(decoded)
    wanted = expected_readings(said, facts)
    assert {name: readings.get(name) for name in wanted} == wanted
    told = expected_facts(said)
    assert {name: facts.get(name) for name in told} == told
    if "placeholder" in facts:
        assert not decoded.measurements
        shown = facts["placeholder"]
        assert isinstance(shown, dict)
        assert {name: shown[name] for name in READ if name in said} == said
