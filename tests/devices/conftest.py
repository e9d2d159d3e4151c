"""Frames as the vectors describe them, and where the vectors of other implementations are."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from devices.codec import Device, Vector
from devices.model import Advertisement, CharacteristicValue, MqttMessage, Raw

HEARD_AT = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)


def _frame(device: Device, content: bytes, vector: Vector) -> Raw:
    if any(claim.topic for claim in device.claims):
        return MqttMessage(topic=vector.at, payload=content, received_at=HEARD_AT)
    if any(claim.service_data for claim in device.claims):
        return Advertisement(
            address=vector.address, received_at=HEARD_AT, service_data={vector.at: content}
        )
    if any(claim.manufacturer for claim in device.claims):
        return Advertisement(
            address=vector.address,
            received_at=HEARD_AT,
            manufacturer_data={int(vector.at, 16): content},
        )
    return CharacteristicValue(
        address=vector.address, characteristic=vector.at, value=content, received_at=HEARD_AT
    )


def _content(device: Device, vector: Vector) -> bytes:
    if any(claim.topic for claim in device.claims):
        return vector.frame.encode()
    return bytes.fromhex(vector.frame)


@pytest.fixture(scope="session")
def frame() -> Callable[[Device, bytes, Vector], Raw]:
    """Those bytes, heard where the vector was heard."""
    return _frame


@pytest.fixture(scope="session")
def content() -> Callable[[Device, Vector], bytes]:
    """The bytes of a vector."""
    return _content


def _shared() -> Path:
    default = Path(__file__).parents[3] / "shared"
    return Path(os.environ.get("HOMEBEAT_SHARED", default)) / "vectors"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `shared_gatt`, `shared_adverts` or `shared_mqtt` runs once a line."""
    for name in ("gatt", "adverts", "mqtt"):
        if f"shared_{name}" not in metafunc.fixturenames:
            continue
        path = _shared() / f"{name}.jsonl"
        if not path.is_file():
            reason = f"no vectors at {path}: set HOMEBEAT_SHARED to the folder that holds vectors/"
            absent = pytest.param(None, id="absent", marks=pytest.mark.skip(reason=reason))
            metafunc.parametrize(f"shared_{name}", [absent])
            continue
        wanted: Callable[[dict[str, Any]], bool] = metafunc.module.BELONGS[name]
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        rows = [
            pytest.param(line, id=f"{number}-{_short(line)}")
            for number, line in enumerate(lines, 1)
            if wanted(line)
        ]
        metafunc.parametrize(f"shared_{name}", rows)


def _short(line: dict[str, Any]) -> str:
    if "meaning" in line:
        return str(line["meaning"])[:40]
    if "characteristic" in line:
        return f"{line['characteristic']}-{line['hex']}"
    return str(line["source"]).rpartition("::")[2]
