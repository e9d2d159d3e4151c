"""Which of the settings' devices the radio looks for, and how."""

from zoneinfo import ZoneInfo

import pytest

from gateway.ble.settings import BleDevice, Slot
from gateway.config import HomeDevice
from gateway.run import ble_device, is_on_air
from rules.model import Person

PEOPLE = {"margaret": Person(id="margaret", name="Margaret", timezone="Europe/London")}


@pytest.mark.parametrize(
    ("device", "kind", "on_air"),
    [
        pytest.param("A4:C1:38:00:00:01", "gatt.blood_pressure", True, id="an address"),
        pytest.param("A4:C1:38:00:00:01", "bthome", True, id="an address that broadcasts"),
        pytest.param("Contour", "gatt.glucose", True, id="a name of a health device"),
        pytest.param("zigbee2mqtt/hall", "zigbee2mqtt", False, id="a topic"),
        pytest.param("bathroom scale", "", False, id="a mapping"),
    ],
)
def test_the_radio_looks_for_addresses_and_for_names_of_health_devices(
    device: str, kind: str, on_air: bool
) -> None:
    settings = HomeDevice(device=device, patient="margaret", kind=kind)
    assert is_on_air(ble_device(settings, PEOPLE)) is on_air


def test_a_device_has_its_persons_zone_and_what_the_settings_say_of_it() -> None:
    settings = HomeDevice(
        device="a4:c1:38:00:00:06",
        patient="margaret",
        kind="gatt.weight_scale",
        name="Scale",
        user_index=2,
        consent_code=1234,
        passkey=7,
        delete_records=True,
    )
    device = ble_device(settings, PEOPLE)
    assert device.id == "A4:C1:38:00:00:06"
    assert device == BleDevice(
        address="a4:c1:38:00:00:06",
        kind="gatt.weight_scale",
        name="Scale",
        zone=ZoneInfo("Europe/London"),
        passkey=7,
        slot=Slot(2, 1234),
        delete_records=True,
    )
