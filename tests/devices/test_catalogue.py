"""What holds for every device of the catalogue, and for every vector of every device."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from devices.codec import DecodeError, Device, Vector, summary
from devices.metrics import METRICS, Kind
from devices.model import Decoded, Measurement, Raw
from devices.registry import devices, index, match
from devices.units import unit_of

DEVICES = [pytest.param(device, id=device.key) for device in devices()]
VECTORS = [
    pytest.param(device, vector, id=f"{device.key}-{vector.at[:8]}-{vector.frame[:40]}")
    for device in devices()
    for vector in device.vectors
]
UNDERSTOOD = [row for row in VECTORS if row.values[1].expected is not None]
TELLING = [row for row in UNDERSTOOD if row.values[1].facts is not None]
FrameOf = Callable[[Device, bytes, Vector], Raw]
ContentOf = Callable[[Device, Vector], bytes]


def encoded(device: Device, decoded: Decoded, vector: Vector) -> bytes:
    return device.encode(
        measurements=decoded.measurements,
        events=decoded.events,
        facts=decoded.facts,
        known={"at": vector.at, **vector.known},
    )


@pytest.mark.parametrize(("device", "vector"), VECTORS)
def test_a_vector_says_what_its_source_says(
    device: Device, vector: Vector, frame: FrameOf, content: ContentOf
) -> None:
    raw = frame(device, content(device, vector), vector)
    assert match(raw) is device
    if vector.expected is None:
        with pytest.raises(DecodeError) as refused:
            device.decode(raw, vector.known)
        assert refused.value.raw == content(device, vector)
    else:
        assert summary(device.decode(raw, vector.known)) == vector.expected


@pytest.mark.parametrize(("device", "vector"), TELLING)
def test_a_vector_tells_its_facts_and_its_encoder_keeps_them(
    device: Device, vector: Vector, frame: FrameOf, content: ContentOf
) -> None:
    decoded = device.decode(frame(device, content(device, vector), vector), vector.known)
    assert {fact.name: fact.value for fact in decoded.facts} == vector.facts
    again = frame(device, encoded(device, decoded, vector), vector)
    assert device.decode(again, vector.known).facts == decoded.facts


@pytest.mark.parametrize("device", DEVICES)
def test_a_vector_of_a_frame_that_is_no_measurement_says_which_facts_it_tells(
    device: Device,
) -> None:
    silent = [
        vector
        for vector in device.vectors
        if device.key.startswith("gatt.") and vector.expected == {} and vector.facts is None
    ]
    assert not silent


@pytest.mark.parametrize(("device", "vector"), UNDERSTOOD)
def test_a_vector_is_encoded_again_to_its_own_bytes(
    device: Device, vector: Vector, frame: FrameOf, content: ContentOf
) -> None:
    original = content(device, vector)
    decoded = device.decode(frame(device, original, vector), vector.known)
    if not vector.lossless:
        assert vector.note, "say why the bytes differ"
    assert (encoded(device, decoded, vector) == original) is vector.lossless


@pytest.mark.parametrize(("device", "vector"), UNDERSTOOD)
def test_what_is_encoded_again_says_the_same(
    device: Device, vector: Vector, frame: FrameOf, content: ContentOf
) -> None:
    decoded = device.decode(frame(device, content(device, vector), vector), vector.known)
    again = frame(device, encoded(device, decoded, vector), vector)
    repeated = device.decode(again, vector.known)
    assert summary(repeated) == summary(decoded)
    assert repeated.events == decoded.events


@pytest.mark.parametrize(("device", "vector"), UNDERSTOOD)
def test_a_vector_cut_at_any_length_says_less_or_is_refused(
    device: Device, vector: Vector, frame: FrameOf, content: ContentOf
) -> None:
    whole = content(device, vector)
    full = device.decode(frame(device, whole, vector), vector.known)
    values = [(item.metric, item.value) for item in full.measurements]
    for length in range(len(whole)):
        try:
            cut = device.decode(frame(device, whole[:length], vector), vector.known)
        except DecodeError:
            continue
        if vector.open_ended:
            continue
        assert [(item.metric, item.value) for item in cut.measurements] == values[
            : len(cut.measurements)
        ]
        assert len(cut.events) <= len(full.events)


@pytest.mark.parametrize(
    ("device", "vector"),
    [
        row
        for row in UNDERSTOOD
        if row.values[0].key.startswith("gatt.") and not row.values[1].open_ended
    ],
)
def test_a_characteristic_that_is_not_whole_or_too_long_is_refused(
    device: Device, vector: Vector, frame: FrameOf, content: ContentOf
) -> None:
    whole = content(device, vector)
    for changed in (*(whole[:length] for length in range(len(whole))), whole + b"\x2a"):
        with pytest.raises(DecodeError):
            device.decode(frame(device, changed, vector), vector.known)


@pytest.mark.parametrize(("device", "vector"), VECTORS)
def test_a_vector_with_junk_behind_it_is_decoded_or_refused(
    device: Device, vector: Vector, frame: FrameOf, content: ContentOf
) -> None:
    for junk in (b"\x00", b"\xff", b"\xff" * 40, b"{", bytes(range(256))):
        raw = frame(device, content(device, vector) + junk, vector)
        try:
            assert isinstance(device.decode(raw, vector.known), Decoded)
        except DecodeError:
            continue


@pytest.mark.parametrize("device", DEVICES)
def test_a_device_has_its_sources_its_claims_and_a_vector_of_each_claim(
    device: Device, frame: FrameOf, content: ContentOf
) -> None:
    assert device.sources
    assert device.claims
    assert device.title
    assert all(vector.source for vector in device.vectors)
    for claim in device.claims:
        heard = index([replace(device, claims=(claim,))]).match
        assert any(
            heard(frame(device, content(device, vector), vector)) for vector in device.vectors
        )


@pytest.mark.parametrize("device", DEVICES)
def test_a_claim_names_one_thing(device: Device) -> None:
    for claim in device.claims:
        fields = (claim.characteristic, claim.service_data, claim.manufacturer, claim.topic)
        assert sum(field is not None for field in fields) == 1


@pytest.mark.parametrize("device", DEVICES)
def test_a_device_names_metrics_and_events_of_the_table_once(device: Device) -> None:
    assert len(set(device.metrics)) == len(device.metrics)
    assert all(METRICS[name].kind in (Kind.QUANTITY, Kind.STATE) for name in device.metrics)
    assert all(METRICS[name].kind is Kind.EVENT for name in device.events)


@pytest.mark.parametrize(("device", "vector"), UNDERSTOOD)
def test_what_is_said_is_among_what_the_device_names_and_in_a_unit_of_its_metric(
    device: Device, vector: Vector, frame: FrameOf, content: ContentOf
) -> None:
    raw = frame(device, content(device, vector), vector)
    decoded = device.decode(raw, vector.known)
    assert {item.metric for item in decoded.measurements} <= set(device.metrics)
    assert {item.event for item in decoded.events} <= set(device.events)
    assert [unit_of(item.metric, item.unit) for item in decoded.measurements] == [
        item.unit for item in decoded.measurements
    ]


@pytest.mark.parametrize(("device", "vector"), UNDERSTOOD)
def test_what_is_said_is_about_the_subject_unless_a_bridge_speaks(
    device: Device, vector: Vector, frame: FrameOf, content: ContentOf
) -> None:
    raw = frame(device, content(device, vector), vector)
    decoded = device.decode(raw, vector.known)
    said = {item.device for item in (*decoded.measurements, *decoded.events, *decoded.facts)}
    own = device.subject(raw)
    assert all(name == own or name.startswith(own + "/") for name in said) or (
        "/bridge/" in vector.at or vector.at.endswith("/config")
    )


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_has_a_unit_a_title_and_a_range(name: str) -> None:
    metric = METRICS[name]
    assert metric.unit
    assert metric.title
    assert metric.low < metric.high
    assert unit_of(name, metric.unit) == metric.unit


def test_a_decoder_answers_a_frame_of_another_kind_with_a_decode_error(
    content: ContentOf, frame: FrameOf
) -> None:
    by_kind = {type(frame(row, b"x", row.vectors[0])): row for row in devices()}
    assert len(by_kind) == 3
    for device in devices():
        for other in by_kind.values():
            foreign = frame(other, b"x", other.vectors[0])
            if type(foreign) is not type(frame(device, b"x", device.vectors[0])):
                with pytest.raises(DecodeError):
                    device.decode(foreign, {})


def test_an_encoder_refuses_what_its_frames_can_not_say() -> None:
    foreign = Measurement(device="A4:C1:38:00:00:01", metric="symptom.pillows", value=1.0, unit="1")
    refusing = [device for device in devices() if not device.key.startswith("gatt.")]
    assert refusing
    for device in refusing:
        with pytest.raises(ValueError):
            device.encode(measurements=(foreign,))
