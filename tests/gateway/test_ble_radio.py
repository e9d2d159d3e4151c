"""The radio against a mock BlueZ: what is on the air arrives, whatever goes wrong on the way."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

pytestmark = pytest.mark.processes

BTHOME = "0000fcd2-0000-1000-8000-00805f9b34fb"
RUUVI = 0x0499
AT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)

VECTORS = [
    json.loads(line) for line in Path("/work/shared/vectors/gatt.jsonl").read_text().splitlines()
]
