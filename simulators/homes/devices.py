"""A home's devices: what each says of a deed, as bytes that `devices` encodes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from devices.codec import Device, Known
from devices.metrics import METRICS
from devices.model import Decoded, Event, Fact, Measurement, MqttMessage
from devices.registry import by_key
from devices.units import convert
from simulators.ble.consent_scale import ConsentScale, consent_scale
from simulators.ble.device_clock import CLOCK, DeviceClock
from simulators.ble.glucose_meter import GlucoseMeter, glucose_meter
from simulators.ble.mind import Mind
from simulators.ble.peripheral import (
    Advert,
    Characteristic,
    Pairing,
    Peripheral,
    Service,
    upkeep_services,
)
from simulators.ble.peripheral import Faults as LinkFaults
from simulators.homes.config import DeviceConfig
from simulators.homes.roles import EVENTS, STATES
from simulators.homes.spoiled import NoFrames, Spoiled, mapped_scale
from simulators.mqtt import Publication, scale_payload
from simulators.people.person import Deed, Happening
from simulators.play.frames import Frame
from simulators.zigbee import BASE, MODELS, announcements

Publish = Callable[[Publication], None]

SIGNAL_DBM = -62
ADVERTS_FOR_EACH_CHANGE = 3
"""A BTHome device says a change several times, since nobody confirms an advertisement."""


class Air(Protocol):
    """What a Bluetooth device needs of the radio around it: MockBlueZ has it."""

    def add_peripheral(self, peripheral: Peripheral, mind: Mind | None = None) -> None: ...
    def wake(self, address: str) -> None: ...
    def advertise(self, address: str, advert: Advert | None = None) -> None: ...
    def store(self, address: str, characteristic: str, *values: bytes) -> None: ...
    def faults(self, address: str) -> LinkFaults: ...


class SimulatedDevice(Protocol):
    config: DeviceConfig
    faults: Spoiled

    def start(self) -> None:
        """Be there: announce, advertise."""

    def notice(self, happening: Happening) -> None:
        """Say what happened, as the device does."""


def said(config: DeviceConfig, happening: Happening, metrics: tuple[str, ...]) -> Decoded:
    """What a device that knows these metrics says of a deed, to the digits that it shows."""
    if happening.what is Deed.PRESSES:
        name, detail = EVENTS[config.model]
        event = Event(device=config.device, event=name, detail=detail, taken_at=happening.at)
        return Decoded(events=(event,))
    found = dict([STATES[happening.what]]) if happening.what in STATES else happening.values
    return Decoded(
        tuple(
            Measurement(
                device=config.device,
                metric=metric,
                value=round(value, METRICS[metric].decimals),
                unit=METRICS[metric].unit,
                taken_at=happening.at,
            )
            for metric, value in found.items()
            if metric in metrics
        )
    )


class MqttScale:
    """A scale with a tongue of its own: the gateway reads it through a mapping."""

    def __init__(self, config: DeviceConfig, publish: Publish) -> None:
        self.config = config
        self.faults = Spoiled(mapped_scale(config.device), config.device, published(publish))

    def start(self) -> None:
        """It says nothing until somebody steps on it."""

    def notice(self, happening: Happening) -> None:
        payload = scale_payload(happening.values["body_weight"], happening.at)
        self.faults.send(Frame(self.config.device, payload))


class ZigbeeSensor:
    """A sensor behind Zigbee2MQTT, which is told to add the time (`last_seen: ISO_8601`)."""

    def __init__(self, config: DeviceConfig, publish: Publish) -> None:
        self.config = config
        self._name = config.device.removeprefix(f"{BASE}/")
        self._codec = _codec(config)
        self._known = _exposes(self._codec, self._name, config.model)
        self.faults = Spoiled(self._codec, config.device, published(publish), self._known)

    def start(self) -> None:
        """Its bridge speaks for it: see `announce_zigbee`."""

    def notice(self, happening: Happening) -> None:
        what = said(self.config, happening, self._codec.metrics)
        payload = self._codec.encode(
            measurements=what.measurements, events=what.events, known=self._known
        )
        self.faults.send(Frame(f"{BASE}/{self._name}", payload))


def published(publish: Publish) -> Callable[[Frame], None]:
    """How a frame gets to the broker."""

    def send(frame: Frame) -> None:
        publish(Publication(topic=frame.at, payload=frame.content, retained=frame.retained))

    return send


def announce_zigbee(configs: tuple[DeviceConfig, ...], publish: Publish) -> None:
    """What Zigbee2MQTT retains of all its sensors."""
    sensors = {
        config.device.removeprefix(f"{BASE}/"): MODELS[config.model]
        for config in configs
        if config.kind == "zigbee2mqtt"
    }
    for publication in announcements(sensors):
        publish(publication)


class GattDevice:
    """A Bluetooth health device: it measures, wakes, and gives what it holds to who subscribes.

    Its clock shows the local time of the home, without a zone, and may be wrong until it is set.
    """

    def __init__(
        self, config: DeviceConfig, air: Air, zone: ZoneInfo, now: Callable[[], datetime]
    ) -> None:
        self.config = config
        self._air = air
        self._zone = zone
        self._codec = _codec(config)
        self._clock = local_clock(config, zone, now)
        self.faults = Spoiled(self._codec, config.device, self._store)

    def start(self) -> None:
        profile = self._codec.gatt
        assert profile is not None, f"{self._codec.key} is no GATT profile"
        self._air.add_peripheral(
            Peripheral(
                address=self.config.device,
                name=self.config.name,
                services=(
                    Service(
                        profile.service,
                        tuple(Characteristic(uuid, ("indicate",)) for uuid in profile.subscribe),
                    ),
                    CLOCK,
                    *upkeep_services(model=self._codec.title.partition(" (")[0]),
                ),
                advert=Advert(service_uuids=(profile.service,), rssi_dbm=SIGNAL_DBM),
                pairing=Pairing.JUST_WORKS if profile.bonded else Pairing.NONE,
            ),
            self._clock,
        )

    def notice(self, happening: Happening) -> None:
        profile = self._codec.gatt
        assert profile is not None
        local = happening.at.astimezone(self._zone).replace(tzinfo=None, microsecond=0)
        local += timedelta(seconds=round(self._clock.ahead.total_seconds()))
        what = said(self.config, happening, self._codec.metrics)
        frame = self._codec.encode(
            measurements=[replace(item, taken_at=local) for item in what.measurements]
        )
        self.faults.send(Frame(profile.subscribe[0], frame))

    def _store(self, frame: Frame) -> None:
        if self.faults.cuts_link:
            self._air.faults(self.config.device).lose_confirmations += 1
        self._air.store(self.config.device, frame.at, frame.content)


class Meter:
    """A glucose meter: it keeps what it measured, and gives it to who asks for its records."""

    def __init__(
        self, config: DeviceConfig, air: Air, zone: ZoneInfo, now: Callable[[], datetime]
    ) -> None:
        self.config = config
        self.faults: Spoiled = NoFrames(
            "a meter gives its records when it is asked: no frame of its own"
        )
        self._air = air
        self._meter = GlucoseMeter(local_clock(config, zone, now))

    def start(self) -> None:
        self._air.add_peripheral(glucose_meter(self.config.device, self.config.name), self._meter)

    def notice(self, happening: Happening) -> None:
        metric = "blood_glucose"
        shown = round(happening.values[metric], METRICS[metric].decimals)
        self._meter.measure(convert(metric, shown, METRICS[metric].unit, "mg/dL"))
        self._air.wake(self.config.device)


class PeoplesScale:
    """A scale that keeps people apart: it speaks once it was told for whom."""

    SLOT = 1

    def __init__(
        self, config: DeviceConfig, air: Air, zone: ZoneInfo, now: Callable[[], datetime]
    ) -> None:
        self.config = config
        self.faults: Spoiled = NoFrames(
            "a scale that keeps people apart speaks when it is told for whom"
        )
        self._air = air
        self._scale = ConsentScale(local_clock(config, zone, now))

    def start(self) -> None:
        peripheral = consent_scale(self.config.device, self.config.name)
        self._air.add_peripheral(peripheral, self._scale)

    def notice(self, happening: Happening) -> None:
        decimals = METRICS["body_weight"].decimals
        self._scale.weigh(self.SLOT, round(happening.values["body_weight"], decimals))
        self._air.wake(self.config.device)


def local_clock(config: DeviceConfig, zone: ZoneInfo, now: Callable[[], datetime]) -> DeviceClock:
    """`now` is home time."""
    return DeviceClock(
        lambda: now().astimezone(zone).replace(tzinfo=None),
        timedelta(seconds=config.clock_ahead_s),
    )


class BthomeDevice:
    """A contact or a button that says all in its advertisements, each with a packet id."""

    def __init__(self, config: DeviceConfig, air: Air, last_packet: int) -> None:
        self.config = config
        self._air = air
        self._codec = _codec(config)
        self._packet = last_packet
        self.faults = Spoiled(self._codec, config.device, self._advertise)

    def start(self) -> None:
        self._air.add_peripheral(Peripheral(address=self.config.device, name=self.config.name))

    def notice(self, happening: Happening) -> None:
        self._packet = (self._packet + 1) % 256
        what = said(self.config, happening, self._codec.metrics)
        packet = Fact(device=self.config.device, name="packet_id", value=self._packet)
        data = self._codec.encode(
            measurements=what.measurements, events=what.events, facts=(packet,)
        )
        service = self._codec.claims[0].service_data
        assert service is not None
        self.faults.send(Frame(service, data))

    def _advertise(self, frame: Frame) -> None:
        advert = Advert(service_data={frame.at: frame.content}, rssi_dbm=SIGNAL_DBM)
        for _ in range(ADVERTS_FOR_EACH_CHANGE):
            self._air.advertise(self.config.device, advert)


def _codec(config: DeviceConfig) -> Device:
    codec = by_key(config.kind)
    assert codec is not None, f"{config.kind} was checked when the settings were read"
    return codec


def _exposes(codec: Device, name: str, model: str) -> Known:
    """What a gateway learns of the sensor from its bridge: so both hold the same polarity."""
    for publication in announcements({name: MODELS[model]}):
        if publication.topic.endswith("/bridge/devices"):
            heard = MqttMessage(
                topic=publication.topic,
                payload=publication.payload,
                received_at=datetime.fromtimestamp(0, UTC),
            )
            return {fact.name: fact.value for fact in codec.decode(heard, {}).facts}
    return {}
