"""The measured home is one that anyone could have: the gateway reads it, and nothing is tuned."""

from pathlib import Path

import pytest

from gateway.config import GatewayConfig, HomeDevice, Mqtt, ServerLink, load
from gateway.plan import load_plan
from simulators.bench.load import EVERY_CROSSING, P1_RULES, SENSORS, Rules, burst
from simulators.bench.settings import (
    GATEWAY,
    NO_SERVER,
    ONE_PERSON,
    Home,
    device,
    gateway_toml,
    plan_yaml,
    write_home,
)


def config(folder: Path, *, timed: bool) -> GatewayConfig:
    toml = gateway_toml(
        ONE_PERSON, broker_port=1999, page_port=8999, server_url=NO_SERVER, timed=timed
    )
    return load(write_home(folder, plan_yaml(ONE_PERSON, P1_RULES), toml))


@pytest.mark.parametrize("timed", [True, False], ids=["with timestamps", "without timestamps"])
def test_only_what_a_home_must_say_differs_from_the_defaults(tmp_path: Path, timed: bool) -> None:
    found = config(tmp_path, timed=timed)
    assert found.mqtt is not None
    assert found.mqtt == Mqtt(port=1999, topics=(), mappings=found.mqtt.mappings)
    assert found.server == ServerLink(url=NO_SERVER)
    assert found == GatewayConfig(
        id=GATEWAY,
        data=tmp_path / "data",
        plan=tmp_path / "plan.yaml",
        server=found.server,
        page=type(found.page)(listen="127.0.0.1:8999"),
        mqtt=found.mqtt,
        devices=tuple(
            HomeDevice(device=device(sensor), patient="tester-0") for sensor in range(SENSORS)
        ),
    )
    assert {mapping.time for mapping in found.mqtt.mappings} == {"ts" if timed else ""}


def test_every_topic_that_is_published_is_mapped(tmp_path: Path) -> None:
    mqtt = config(tmp_path, timed=True).mqtt
    assert mqtt is not None
    assert {mapping.topic for mapping in mqtt.mappings} == {
        message.topic for message in burst(SENSORS, None)
    }


@pytest.mark.parametrize("rules", [P1_RULES, EVERY_CROSSING], ids=["P1", "every crossing"])
def test_the_plan_has_both_rules_for_each_sensor_alone(tmp_path: Path, rules: Rules) -> None:
    write_home(tmp_path, plan_yaml(ONE_PERSON, rules), "")
    plan = load_plan(tmp_path / "plan.yaml", {})
    by_kind = {rule.kind: rule for rule in plan.rules}
    assert set(by_kind) == {"threshold", "trend"}
    assert all(rule.per_device for rule in plan.rules)
    assert by_kind["threshold"].params.above == rules.above
    assert (by_kind["threshold"].debounce.k, by_kind["threshold"].debounce.n) == (
        rules.running,
        rules.running,
    )
    assert by_kind["trend"].params.samples == rules.samples
    assert by_kind["trend"].params.rising_per_hour == rules.rising_per_hour


def test_in_a_house_of_many_everyone_has_both_rules_and_a_sensor(tmp_path: Path) -> None:
    house = Home(sensors=6, residents=3)
    write_home(tmp_path, plan_yaml(house, P1_RULES), "")
    plan = load_plan(tmp_path / "plan.yaml", {})
    assert set(plan.people) == set(house.people)
    assert len(plan.rules) == 6
    assert [house.person(sensor) for sensor in range(6)] == [*house.people, *house.people]
