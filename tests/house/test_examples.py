"""The example settings are read as they stand, and show every key that there is."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

import gateway.config
import server.config
import simulators.homes.config
from gateway.plan import load_packs, load_plan

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
EXAMPLES = {
    "gateway.example.toml": (gateway.config.load, gateway.config.GatewayConfig),
    "server.example.toml": (server.config.load, server.config.ServerConfig),
}
HOME = DEPLOY / "home.example.toml"
PLAN = DEPLOY / "plan.example.yaml"
FOR_DEMOS_ONLY = {"home_time", "machine_start", "home_start", "paces", "times", "for_s"}


def with_shown_keys(text: str) -> str:
    """The example with the keys that it only shows switched on."""
    return re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)


@pytest.mark.parametrize(("name", "load"), [(n, e[0]) for n, e in EXAMPLES.items()], ids=EXAMPLES)
def test_an_example_is_read_as_it_stands(name, load):
    load(DEPLOY / name)


def keys_of(struct: type[msgspec.Struct]) -> set[str]:
    """Every key of the settings, those of sections included."""
    keys = set()
    for field in msgspec.structs.fields(struct):
        keys.add(field.encode_name)
        for below in (field.type, *getattr(field.type, "__args__", ())):
            if isinstance(below, type) and issubclass(below, msgspec.Struct):
                keys |= keys_of(below)
    return keys


@pytest.mark.parametrize(
    ("name", "settings"), [(n, e[1]) for n, e in EXAMPLES.items()], ids=EXAMPLES
)
def test_an_example_shows_every_key(name, settings):
    shown = set(
        re.findall(r"^(?:# +)?\[*([\w.]+)(?: =|\]+$)", (DEPLOY / name).read_text(), re.MULTILINE)
    )
    shown = {part for key in shown for part in key.split(".")}
    assert keys_of(settings) - FOR_DEMOS_ONLY - shown == set()


@pytest.mark.parametrize(
    ("name", "settings"), [(n, e[1]) for n, e in EXAMPLES.items()], ids=EXAMPLES
)
def test_a_key_that_an_example_only_shows_has_the_value_that_it_says(name, settings):
    text = (DEPLOY / name).read_text()
    plain, switched_on = (
        msgspec.convert(
            tomllib.loads(each), settings, strict=True, dec_hook=lambda kind, value: kind(value)
        )
        for each in (text, with_shown_keys(text))
    )
    differing = {
        field
        for field in ("page", "mqtt", "ble", "server", "deadman", "escalation", "sessions", "demo")
        if getattr(plain, field, None) != getattr(switched_on, field, None)
    }
    assert differing == set()


@pytest.mark.parametrize("switched_on", [False, True], ids=["as it stands", "all switched on"])
def test_the_example_home_is_read(switched_on, tmp_path):
    home = tmp_path / "home.toml"
    text = HOME.read_text()
    if switched_on:
        text = re.sub(r"^# (?=\[\[|\w+ = )", "", text, flags=re.MULTILINE)
        text = re.sub(r"^(\[person\.body\.fever\]|onset = .*)$", "", text, flags=re.MULTILINE)
    home.write_text(text)
    assert bool(simulators.homes.config.load(home).proxies) is switched_on


def test_a_device_of_the_example_home_is_what_the_example_gateway_takes_it_for():
    known = {
        device.device: device.kind
        for device in gateway.config.load(DEPLOY / "gateway.example.toml").devices
    }
    home = simulators.homes.config.load(HOME).devices
    met = [device for device in home if device.device in known]
    assert [device.device for device in met if known[device.device] != device.kind] == []
    assert met


def test_the_example_plan_can_be_used():
    assert load_plan(PLAN, load_packs()).rules


def test_the_example_devices_measure_people_of_the_example_plan():
    people = load_plan(PLAN, load_packs()).people
    devices = gateway.config.load(DEPLOY / "gateway.example.toml").devices
    assert {device.patient for device in devices} <= set(people)
