"""Recorded frames, and readings of the past, said again: into a broker or a mock BlueZ.

Frames are JSON lines as `homebeat decode` takes them, each with its time (`at`, ISO 8601 with its
zone). Readings are CSV as `homebeat backtest` takes them; a device of the catalogue says them
(`kind`), or a message for a mapping: {"value", "unit", "time"} on replay/<patient>/<metric>.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from devices.codec import Device, full_uuid
from devices.metrics import METRICS
from devices.model import Advertisement, CharacteristicValue, MqttMessage, Raw
from devices.registry import match
from devices.units import UnitError, to_canonical
from simulators.backtest.csv_files import READINGS, table
from simulators.backtest.rows import InputError, us_of
from simulators.ble.bluez import MockBlueZ
from simulators.ble.peripheral import Advert
from simulators.play.air import Played, appear
from simulators.play.frames import (
    ADDRESS,
    Frame,
    Over,
    Spoken,
    Unsayable,
    heard,
    over,
    own_name,
    saying,
    spoken,
)

REPEATS_FOR_S = 1.0
DELIVERED_WITHIN_S = 600.0
SETTLES_S = 2.0


class NotReplayed(Exception):
    """The recording can't be played; the message says which line, and what is wrong with it."""


class _Advertisement(Struct):
    address: str
    name: str | None = None
    service_uuids: list[str] = []
    manufacturer_data: dict[str, str] = {}
    service_data: dict[str, str] = {}


class _Line(Struct):
    at: datetime | None = None
    characteristic: str | None = None
    hex: str = ""
    address: str = ADDRESS
    name: str | None = None
    advertisement: _Advertisement | None = None
    topic: str | None = None
    payload: msgspec.Raw = msgspec.Raw(b'""')
    retained: bool = False


_parse = msgspec.json.Decoder(_Line).decode
_text = msgspec.json.Decoder(str).decode


@dataclass(frozen=True, slots=True)
class Recorded:
    """One frame, and when it was heard; None: at once after the one before it."""

    at: datetime | None
    raw: Raw


def recorded(path: Path, kind: Device | None = None) -> list[Recorded]:
    """The frames of a file in order of time. Raises NotReplayed."""
    try:
        if path.suffixes[:1] == [".csv"]:
            return sorted(_readings(path, kind), key=lambda one: one.at or _NEVER)
        with path.open("rb") as file:
            return _in_order(_frames(path, file))
    except InputError as error:
        raise NotReplayed(str(error)) from error
    except OSError as error:
        raise NotReplayed(f"{path} can't be read: {error.strerror}") from error


def _in_order(frames: Iterable[Recorded]) -> list[Recorded]:
    """A frame without a time stays behind the one before it."""
    placed: list[tuple[datetime, int, Recorded]] = []
    last = _NEVER
    for number, one in enumerate(frames):
        last = one.at or last
        placed.append((last, number, one))
    return [one for _, _, one in sorted(placed, key=lambda row: row[:2])]


def _frames(path: Path, lines: Iterable[bytes]) -> Iterator[Recorded]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            said = _parse(line)
            yield Recorded(_zoned(said.at), _raw(said))
        except (msgspec.DecodeError, ValueError) as error:
            raise NotReplayed(f"{path}:{number}: {error}") from error


def _zoned(at: datetime | None) -> datetime | None:
    if at is not None and at.tzinfo is None:
        raise ValueError("`at` has no zone: write it like 2025-03-01T08:30+00:00")
    return at


def _raw(line: _Line) -> Raw:
    """ValueError where the line names no frame or its bytes are not hex."""
    if line.topic is not None:
        payload = bytes(line.payload)
        if payload.startswith(b'"'):
            payload = _text(payload).encode()
        return MqttMessage(
            topic=line.topic, payload=payload, received_at=_NEVER, retained=line.retained
        )
    if line.characteristic is not None:
        return CharacteristicValue(
            address=line.address.upper(),
            characteristic=line.characteristic.upper().removeprefix("0X"),
            value=bytes.fromhex(line.hex),
            received_at=_NEVER,
            name=line.name,
        )
    if line.advertisement is not None:
        said = line.advertisement
        return Advertisement(
            address=said.address.upper(),
            received_at=_NEVER,
            name=said.name,
            service_uuids=tuple(said.service_uuids),
            service_data={
                full_uuid(uuid) if len(uuid) == 4 else uuid.lower(): bytes.fromhex(data)
                for uuid, data in said.service_data.items()
            },
            manufacturer_data={
                int(company, 0): bytes.fromhex(data)
                for company, data in said.manufacturer_data.items()
            },
        )
    raise ValueError("it names no topic, no characteristic and no advertisement")


def _readings(path: Path, kind: Device | None) -> Iterator[Recorded]:
    patients: dict[str, str] = {}
    for number, row in enumerate(table(path, READINGS), 2):
        patient, metric, value, unit, taken_at = row
        try:
            us = us_of(taken_at, ZoneInfo("UTC"))
            at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=us)
            number_ = float(value)
        except (ValueError, OverflowError):
            raise NotReplayed(f"{path}:{number}: {value!r} at {taken_at!r} can't be read") from None
        if kind is None:
            said = {"value": number_, "unit": unit, "time": at.isoformat()}
            topic, payload = f"replay/{patient}/{metric}", msgspec.json.encode(said)
            yield Recorded(at, MqttMessage(topic=topic, payload=payload, received_at=_NEVER))
        elif metric in kind.metrics:
            address = patients.setdefault(patient, _address_of(kind, len(patients)))
            yield from _by_device(kind, address, metric, number_, unit, at, f"{path}:{number}")


def _address_of(kind: Device, number: int) -> str:
    """Of the device of the nth patient."""
    if over(kind) is Over.MQTT:
        return own_name(kind) if number == 0 else f"replay-{number + 1}"
    return f"{ADDRESS[:-5]}{number >> 8 & 0xFF:02X}:{(number & 0xFF) + 1 & 0xFF:02X}"


def _by_device(
    kind: Device, address: str, metric: str, value: float, unit: str, at: datetime, place: str
) -> Iterator[Recorded]:
    dated = {Over.GATT: at.replace(tzinfo=None), Over.MQTT: at}.get(over(kind))
    try:
        canonical = to_canonical(metric, value, unit)
        what = saying({metric: canonical}, {metric: METRICS[metric].unit}, {}, {}, dated)
        said = spoken(kind, what, address)
    except (UnitError, Unsayable) as error:
        raise NotReplayed(f"{place}: {error}") from error
    for frame in (*said.announced, *said.frames):
        yield Recorded(at, heard(kind, frame, address))


def lasts_s(frames: Sequence[Recorded], speed: float) -> float:
    """How long `paced` waits in all."""
    times = [one.at for one in frames if one.at is not None]
    return (times[-1] - times[0]).total_seconds() / speed if speed and times else 0.0


async def paced(
    frames: Sequence[Recorded], speed: float, send: Callable[[Raw], Awaitable[None]]
) -> None:
    """Send each when it is due: `speed` seconds of the recording in one of ours; 0: at once."""
    before: datetime | None = None
    for one in frames:
        if speed and before is not None and one.at is not None:
            await asyncio.sleep(max((one.at - before).total_seconds(), 0.0) / speed)
        before = one.at or before
        await send(one.raw)


async def onto_air(
    frames: Sequence[Recorded], speed: float, bluez: MockBlueZ, local: Callable[[], datetime]
) -> int:
    """Every address is a peripheral, which says its frames once somebody scans. How many were said.

    `local` is what the clocks of the devices show: the time of whoever listens, so that what they
    say of the past counts as stored. Raises NotReplayed where a frame is none of Bluetooth, or of
    no device of the catalogue.
    """
    played = dict(_peripherals(bluez, frames, local))
    await bluez.until(lambda: bluez.scanning, DELIVERED_WITHIN_S)

    async def send(raw: Raw) -> None:
        if isinstance(raw, Advertisement):
            bluez.advertise(raw.address, _advert(raw), REPEATS_FOR_S)
        elif isinstance(raw, CharacteristicValue):
            played[raw.address].say(Frame(raw.characteristic, raw.value))

    await paced(frames, speed, send)
    await bluez.until(lambda: all(one.delivered for one in played.values()), DELIVERED_WITHIN_S)
    await asyncio.sleep(SETTLES_S)
    return len(frames)


def _peripherals(
    bluez: MockBlueZ, frames: Sequence[Recorded], local: Callable[[], datetime]
) -> Iterator[tuple[str, Played]]:
    by_address: dict[str, list[Raw]] = {}
    for one in frames:
        if isinstance(one.raw, MqttMessage):
            raise NotReplayed(f"{one.raw.topic} is a topic: write --over mqtt")
        by_address.setdefault(one.raw.address, []).append(one.raw)
    for address, raws in by_address.items():
        codecs = [codec for codec in map(match, raws) if codec is not None]
        codec = next((one for one in codecs if one.gatt is not None), codecs[0] if codecs else None)
        if codec is None:
            raise NotReplayed(f"no device of the catalogue says what {address} says")
        values = [raw for raw in raws if isinstance(raw, CharacteristicValue)]
        said = tuple(Frame(raw.characteristic, raw.value) for raw in values)
        name = next((raw.name for raw in raws if not isinstance(raw, MqttMessage) and raw.name), "")
        yield (
            address,
            appear(bluez, Spoken(codec, address, (), said, ()), address, local, name=name),
        )


def _advert(raw: Advertisement) -> Advert:
    return Advert(
        service_uuids=raw.service_uuids,
        service_data=raw.service_data,
        manufacturer_data=raw.manufacturer_data,
        rssi_dbm=raw.rssi_dbm or Advert().rssi_dbm,
    )


_NEVER = datetime.fromtimestamp(0, UTC)
