"""What real Bluetooth devices and BlueZ do, what simulates each, and the test that shows it.

Fifteen ways in which they surprise: a table for the docs and for the test that holds it true.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Behaviour:
    """`simulated` is "module:name"; `shown` is "file::test" below tests/."""

    does: str
    simulated: str
    shown: str


RADIO = "gateway/ble/test_ble_radio.py::"
DRIVERS = "gateway/ble/test_ble_drivers.py::"

BEHAVIOURS: tuple[Behaviour, ...] = (
    Behaviour(
        "Blood pressure is indicated, and a read of it fails.",
        "simulators.ble.device:Device.read",
        "simulators/test_ble_mock.py::test_blood_pressure_can_be_indicated_but_not_read",
    ),
    Behaviour(
        "A failed measurement is indicated too: special values in the place of numbers.",
        "simulators.play.faults:FAULTS",
        "simulators/test_play.py::test_a_fault_makes_no_wrong_reading_and_loses_nothing_in_silence",
    ),
    Behaviour(
        "One maker writes in the other byte order; another is deaf just after discovery.",
        "simulators.ble.peripheral:Peripheral",
        RADIO + "test_a_device_that_is_deaf_after_discovery_hears_the_subscription",
    ),
    Behaviour(
        "A cuff does not advertise its service, and its address changes: it is known by its name.",
        "simulators.ble.peripheral:Advert",
        DRIVERS + "test_a_device_given_by_its_name_is_visited_whatever_its_address_is",
    ),
    Behaviour(
        "A bond that the device lost looks like a link that is cut each time.",
        "simulators.ble.bluez:MockBlueZ.forget_bond",
        RADIO + "test_a_stale_bond_is_told_after_three_aborts_and_nothing_is_removed",
    ),
    Behaviour(
        "A pairing is proved by a second reading after a power cycle.",
        "simulators.ble.bluez:MockBlueZ.sleep",
        RADIO + "test_a_second_reading_comes_over_the_same_bond_after_a_power_cycle",
    ),
    Behaviour(
        "Connect says that it is busy; services are resolved before their objects are there; an "
        "adapter can't connect while it scans.",
        "simulators.ble.peripheral:Faults",
        RADIO + "test_a_connection_that_fails_is_tried_again_until_the_value_is_there",
    ),
    Behaviour(
        "A value leaves before the subscription is answered; a reconnect doubles one.",
        "simulators.ble.peripheral:Faults",
        RADIO + "test_a_value_that_a_reconnect_doubles_is_passed_on_as_it_came",
    ),
    Behaviour(
        "A device is awake after it measured only.",
        "simulators.ble.device:Device.wake",
        RADIO + "test_a_device_that_fell_asleep_in_the_queue_is_not_waited_for",
    ),
    Behaviour(
        "Equal advertisements repeat, and BlueZ drops repeats; a packet id tells presses apart.",
        "simulators.ble.shown:Shown.hear",
        RADIO + "test_presses_are_told_apart_by_their_packet_id_and_repeats_are_not_passed",
    ),
    Behaviour(
        "A meter gives its records when it is asked; its numbers may run the other way, and it may "
        "leave with the last.",
        "simulators.ble.glucose_meter:MeterFaults",
        DRIVERS + "test_a_meter_whose_numbers_run_the_other_way_hides_nothing",
    ),
    Behaviour(
        "A scale that keeps people apart is silent before it is told for whom; stubs and values "
        "that are not yet at rest come with the weight.",
        "simulators.ble.consent_scale:ConsentScale",
        DRIVERS + "test_of_one_weighing_the_value_at_rest_is_passed_on_and_stubs_are_shown",
    ),
    Behaviour(
        "Records on a device are wanted by other apps too.",
        "simulators.ble.glucose_meter:GlucoseMeter.forget",
        DRIVERS + "test_records_are_deleted_only_where_the_settings_say_so",
    ),
    Behaviour(
        "A device's clock is at 1970 or in 2094, or an hour off after the change of summer time.",
        "simulators.ble.device_clock:DeviceClock",
        DRIVERS + "test_a_clock_is_compared_before_it_is_set_to_local_time",
    ),
    Behaviour(
        "bluetoothd vanishes while the bus lives on, and nobody is told.",
        "simulators.ble.bluez:MockBlueZ.vanish",
        RADIO + "test_a_bluetoothd_that_dies_and_returns_is_noticed_and_used_again",
    ),
)
"""In the order of the design's list."""
