"""One line an event, for a person or a machine, and nothing about anybody's health in it."""

import json
import logging
import re

import pytest

from plumbing.logs import JSON_SWITCH, Log, start_logs


@pytest.fixture(autouse=True)
def _own_handlers():
    """Leave the logging of the test run as it was."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before[0], before[1]


LOG = Log("gateway.sync")


def test_a_line_says_when_how_grave_where_and_what(capsys):
    start_logs(as_json=False)
    LOG.info("batch committed", records=500, wait_s=0.5, to="server one", ok=True, left=None)
    line = capsys.readouterr().err
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info gateway\.sync batch committed "
        r'records=500 wait_s=0\.5 to="server one" ok=true left=null\n',
        line,
    )


def test_json_holds_the_same_facts(capsys, monkeypatch):
    monkeypatch.setenv(JSON_SWITCH, "json")
    start_logs()
    LOG.warning("broker lost", wait_s=1.5)
    line = json.loads(capsys.readouterr().err)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "warning",
        "from": "gateway.sync",
        "event": "broker lost",
        "wait_s": 1.5,
    }


@pytest.mark.parametrize("as_json", [False, True], ids=["line", "json"])
@pytest.mark.parametrize("value", ["a\nb", 'a"b', "a=b", "a\x1b[31mb", "\u2028"])
def test_no_value_can_forge_a_line(capsys, value, as_json):
    start_logs(as_json=as_json)
    LOG.info("topic refused", topic=value)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].isprintable()


def _fail_with(error: Exception) -> Exception:
    with pytest.raises(type(error)) as caught:
        raise error
    return caught.value


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("weight of Margaret is 71.2"), "ValueError"),
        (ConnectionRefusedError(111, "Connection refused"), "ConnectionRefusedError(ECONNREFUSED)"),
        (OSError("no number"), "OSError"),
    ],
    ids=["one of ours", "the system's", "without a number"],
)
def test_an_error_is_its_type_and_place_never_its_message(capsys, error, kind):
    start_logs(as_json=True)
    LOG.error("not kept", error=_fail_with(error))
    text = capsys.readouterr().err
    line = json.loads(text)
    assert line["error"] == kind
    assert re.fullmatch(r"test_logs\.py:\d+", line["at"])
    assert "71.2" not in text


def test_a_librarys_traceback_is_its_type_and_place_too(capsys):
    start_logs(as_json=False)
    error = _fail_with(KeyError("71.2 kg"))
    logging.getLogger("library").error("it failed\n<Task with 71.2 kg>", exc_info=error)
    text = capsys.readouterr().err
    assert "library it failed error=KeyError at=test_logs.py:" in text
    assert "71.2" not in text


LEVELS = {
    "ours from info": ("homebeat.gateway", logging.INFO, False, True),
    "ours no debug": ("homebeat.gateway", logging.DEBUG, False, False),
    "ours with debug": ("homebeat.gateway", logging.DEBUG, True, True),
    "a library's info": ("library", logging.INFO, True, False),
    "a library's warning": ("library", logging.WARNING, False, True),
}


@pytest.mark.parametrize(("name", "level", "debug", "shown"), LEVELS.values(), ids=LEVELS)
def test_what_is_shown_is_ours_from_info_and_a_librarys_from_warning(
    capsys, name, level, debug, shown
):
    start_logs(debug=debug)
    logging.getLogger(name).log(level, "it happened")
    assert ("it happened" in capsys.readouterr().err) is shown


def test_a_field_may_bear_any_name(capsys):
    start_logs(as_json=True)
    LOG.info("device heard", name="hall door", args="x")
    line = json.loads(capsys.readouterr().err)
    assert (line["name"], line["args"]) == ("hall door", "x")
