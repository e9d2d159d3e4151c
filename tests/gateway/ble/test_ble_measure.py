"""What is timed is the real path: the home's sensors are handed on, once for each thing said."""

import asyncio

from gateway.ble.measure import PHONES, REPEATS, SENSORS, hear


def test_each_thing_that_a_sensor_says_is_handed_on_once_and_no_phone_is() -> None:
    turns = 4 * REPEATS
    _, handed_on = asyncio.run(hear(turns * (SENSORS + PHONES)))
    assert handed_on == SENSORS * turns // REPEATS
