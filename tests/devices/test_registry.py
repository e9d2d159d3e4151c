"""A frame finds its device by what the device claims."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from devices.codec import Claim, Device
from devices.model import Advertisement, CharacteristicValue, MqttMessage, Raw
from devices.registry import ClaimClash, by_key, devices, index, match

AT = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)


def value_of(characteristic: str) -> CharacteristicValue:
    return CharacteristicValue(
        address="A4:C1:38:00:00:01", characteristic=characteristic, value=b"", received_at=AT
    )


def message(topic: str) -> MqttMessage:
    return MqttMessage(topic=topic, payload=b"", received_at=AT)


def advert(uuids: Sequence[str] = (), companies: Sequence[int] = ()) -> Advertisement:
    return Advertisement(
        address="A4:C1:38:00:00:01",
        received_at=AT,
        service_data=dict.fromkeys(uuids, b"x"),
        manufacturer_data=dict.fromkeys(companies, b"x"),
    )


def made_up(*claims: Claim, key: str = "made_up") -> Device:
    return replace(devices()[0], key=key, claims=claims)


FCD2 = "0000fcd2-0000-1000-8000-00805f9b34fb"


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        pytest.param(value_of("2A35"), "gatt.blood_pressure", id="assigned-number"),
        pytest.param(
            value_of("00002a35-0000-1000-8000-00805f9b34fb"), "gatt.blood_pressure", id="full-uuid"
        ),
        pytest.param(advert([FCD2]), "bthome", id="service-data"),
        pytest.param(
            advert(["0000181a-0000-1000-8000-00805f9b34fb", FCD2]), "bthome", id="the-second-uuid"
        ),
        pytest.param(message("zigbee2mqtt/hall/door"), "zigbee2mqtt", id="topic"),
        pytest.param(message("zigbee2mqtt"), "zigbee2mqtt", id="the-parent-of-a-filter"),
        pytest.param(message("kitchen/zigbee2mqtt/hall"), None, id="another-topic"),
        pytest.param(value_of("FFFF"), None, id="another-characteristic"),
        pytest.param(advert(companies=[0xFFFF]), None, id="another-company"),
    ],
)
def test_a_frame_belongs_to_the_device_that_claims_it(raw: Raw, key: str | None) -> None:
    found = match(raw)
    assert (found.key if found else None) == key
    assert found is (by_key(key) if key else None)


def test_a_device_of_one_file_is_found_by_its_own_claims() -> None:
    device = made_up(Claim(manufacturer=0xFFFE), Claim(topic="lamps/+/state"))
    found = index((*devices(), device))
    assert found.match(advert(companies=[0xFFFE])) is device
    assert found.match(message("lamps/hall/state")) is device
    assert found.match(message("lamps/hall/1/state")) is None
    assert found.keys["made_up"] is device


@pytest.mark.parametrize(
    ("topic", "key"),
    [
        pytest.param("home/1/x", "exact", id="every-level-named"),
        pytest.param("home/2/x", "plus", id="one-level-open"),
        pytest.param("home/2/y", "hash", id="the-rest-open"),
        pytest.param("home/1/y", "hash", id="back-from-a-level-that-leads-nowhere"),
    ],
)
def test_the_most_exact_filter_wins(topic: str, key: str) -> None:
    found = index(
        (
            made_up(Claim(topic="home/#"), key="hash"),
            made_up(Claim(topic="home/+/x"), key="plus"),
            made_up(Claim(topic="home/1/x"), key="exact"),
        )
    ).match(message(topic))
    assert found is not None
    assert found.key == key


@pytest.mark.parametrize(
    "clash",
    [
        pytest.param(made_up(Claim(characteristic="2A35")), id="characteristic"),
        pytest.param(made_up(Claim(service_data=FCD2)), id="service-data"),
        pytest.param(made_up(Claim(topic="zigbee2mqtt/#")), id="topic"),
        pytest.param(made_up(key="bthome"), id="key"),
    ],
)
def test_two_devices_that_claim_one_frame_are_refused(clash: Device) -> None:
    with pytest.raises(ClaimClash, match=clash.key):
        index((*devices(), clash))


def test_two_devices_of_one_manufacturer_are_refused() -> None:
    company = Claim(manufacturer=0xFFFE)
    with pytest.raises(ClaimClash):
        index((made_up(company, key="one"), made_up(company, key="two")))


def test_an_unknown_key_is_no_device() -> None:
    assert by_key("gatt.kettle") is None
