"""A stranger adds a device in one file: all find it there, and refuse it where it is wrong.

The device is a toothbrush that advertises for how long it brushed, of a company that nobody is.
"""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices import catalog, registry
from devices.codec import Device
from devices.metrics import METRICS
from gateway.decode import decode_lines
from simulators.frames import sayable, saying_of

ROOT = Path(__file__).parents[2]
FILE = '''
"""A toothbrush that is not there: company FFFE, a flags byte, and seconds as u16, little-endian."""

from devices.codec import NOTHING_KNOWN, Claim, DecodeError, Device, KnownBy, Vector, raw_bytes
from devices.model import Advertisement, Decoded, Event, Measurement


def decode(raw, known):
    if not isinstance(raw, Advertisement) or 0xFFFE not in raw.manufacturer_data:
        raise DecodeError("no toothbrush", raw_bytes(raw))
    data = raw.manufacturer_data[0xFFFE]
    if len(data) != 3:
        raise DecodeError("a toothbrush says three bytes", data)
    seconds = int.from_bytes(data[1:], "little")
    said = Measurement(device=raw.address, metric="duration", value=float(seconds), unit="s")
    pressed = Event(device=raw.address, event="button_pressed", detail="press")
    return Decoded((said,), (pressed,) if data[0] & 1 else ())


def encode(*, measurements=(), events=(), facts=(), known=NOTHING_KNOWN):
    said = [item for item in measurements if item.metric == "duration"]
    if len(said) != 1 or len(said) != len(measurements):
        raise ValueError("a toothbrush says for how long it brushed, and nothing else")
    return bytes((bool(events),)) + round(said[0].value).to_bytes(2, "little")


DEVICE = Device(
    key="toothbrush",
    title="A toothbrush",
    known_by=KnownBy.SPECIFICATION,
    sources=("its maker would say so here",),
    claims=(Claim(manufacturer=0xFFFE),),
    metrics=("duration",),
    events=("button_pressed",),
    decode=decode,
    encode=encode,
    vectors=(
        Vector(
            at="FFFE",
            frame="007800",
            expected={"duration": (120.0, "s")},
            source="composed from its layout",
        ),
        Vector(at="FFFE", frame="00", expected=None, source="composed: cut"),
    ),
)
'''
ADVERT = {
    "advertisement": {"address": "A4:C1:38:00:00:01", "manufacturer_data": {"0xFFFE": "017800"}}
}


def forget() -> None:
    registry.devices.cache_clear()
    registry._catalogue.cache_clear()
    sys.modules.pop("devices.catalog.toothbrush", None)


@pytest.fixture
def toothbrush(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Device]:
    """The catalogue with one file more."""
    (tmp_path / "toothbrush.py").write_text(FILE)
    monkeypatch.setattr(catalog, "__path__", [*catalog.__path__, str(tmp_path)])
    forget()
    found = registry.by_key("toothbrush")
    assert found is not None
    yield found
    monkeypatch.undo()
    forget()


def test_the_registry_finds_it(toothbrush: Device) -> None:
    assert toothbrush in registry.devices()


def test_homebeat_decode_says_what_it_says(toothbrush: Device) -> None:
    (answer,) = decode_lines([json.dumps(ADVERT)])
    said = json.loads(answer)
    assert [(item["metric"], item["value"], item["unit"]) for item in said["readings"]] == [
        ("duration", 120.0, "s")
    ]
    assert [item["event"] for item in said["events"]] == ["button_pressed"]


def test_it_can_be_played(toothbrush: Device) -> None:
    brushed = sayable(toothbrush, saying_of(toothbrush, ["duration=150"]))
    assert [one.content.hex() for one in brushed.frames] == ["009600"]
    both = sayable(toothbrush, saying_of(toothbrush, ["duration=150", "button_pressed"]))
    assert [(one.at, one.content.hex()) for one in both.frames] == [("FFFE", "019600")]


def test_it_is_in_the_generated_list(toothbrush: Device) -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    page = generate.devices_page()
    assert "## A toothbrush" in page
    assert "manufacturer `0xFFFE`" in page
    assert "its maker would say so here" in page


@pytest.mark.processes
@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(("", ""), None, id="as it is"),
        pytest.param(
            ("Claim(manufacturer=0xFFFE)", "Claim(manufacturer=0xFFFE), Claim(manufacturer=1177)"),
            "both claim 1177",
            id="a clash",
        ),
        pytest.param(('key="toothbrush"', 'key="bthome"'), "both claim 'bthome'", id="a key twice"),
        pytest.param(('"s"', '""'), "in_a_unit_of_its_metric", id="no unit"),
        pytest.param(('"s"', '"jiffy"'), "in_a_unit_of_its_metric", id="no such unit"),
        pytest.param(
            ('sources=("its maker would say so here",)', "sources=()"),
            "test_a_device_has_its_sources",
            id="no source",
        ),
        pytest.param(
            ('source="composed from its layout"', 'source=""'),
            "test_a_device_has_its_sources",
            id="a vector without its source",
        ),
        pytest.param(
            ("if len(data) != 3:", "if len(data) > data[5]:"), "IndexError", id="another exception"
        ),
        pytest.param(('metrics=("duration",)', "metrics=()"), "is_said_is_among", id="not named"),
        pytest.param(
            ('metric="duration", value', 'metric="brushing", value'), "brushing", id="no metric"
        ),
        pytest.param(('"little")\n    said', '"big")\n    said'), "test_a_vector", id="misread"),
        pytest.param(
            ('to_bytes(2, "little")', 'to_bytes(2, "big")'), "encoded_again", id="miswritten"
        ),
    ],
)
def test_the_invariants_fail_where_it_is_wrong(
    tmp_path: Path, change: tuple[str, str], said: str | None
) -> None:
    assert change[0] in FILE
    (tmp_path / "toothbrush.py").write_text(FILE.replace(*change) if change[0] else FILE)
    done = subprocess.run(
        [sys.executable, "-c", RUNS, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if said is None:
        assert done.returncode == 0, done.stdout
        assert " passed" in done.stdout
    else:
        assert done.returncode not in (0, 5), done.stdout
        assert said in done.stdout + done.stderr


RUNS = """
import sys
import pytest
from devices import catalog
catalog.__path__.append(sys.argv[1])
words = ["-q", "-rf", "--tb=short", "-p", "no:cacheprovider", "-k", "toothbrush or bthome"]
sys.exit(pytest.main([*words, "tests/devices/test_catalogue.py"]))
"""


def test_the_toothbrush_measures_what_the_table_has() -> None:
    assert METRICS["duration"].unit == "s"
