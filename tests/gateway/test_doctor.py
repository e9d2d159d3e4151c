"""`doctor` and the settings: each thing that is wrong is named, with what to do."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.config import ConfigError, load
from gateway.doctor import examine
from plumbing.processes import free_port

PLAN = 'version: "1"\npeople: [{id: margaret, name: Margaret}]\n'


def write(folder: Path, more: str = "", plan: str = PLAN) -> Path:
    (folder / "plan.yaml").write_text(plan)
    path = folder / "gateway.toml"
    path.write_text(
        f'id = "home-1"\ndata = "data"\nplan = "plan.yaml"\n'
        f'[server]\nurl = "http://127.0.0.1:{free_port()}"\n{more}'
    )
    return path


def troubles(path: Path) -> dict[str, str]:
    return {part.name: part.trouble for part in examine(path) if part.trouble}


def test_a_home_that_lacks_only_its_server_is_told_just_that(tmp_path: Path) -> None:
    assert list(troubles(write(tmp_path))) == ["server"]


def test_a_broker_that_is_not_there_is_named_with_its_address(tmp_path: Path) -> None:
    port = free_port()
    found = troubles(write(tmp_path, f"[mqtt]\nport = {port}\n"))
    assert f"127.0.0.1:{port}: Connection refused. " in found["MQTT broker"]


def test_a_device_of_someone_whom_the_plan_does_not_know_is_named(tmp_path: Path) -> None:
    found = troubles(write(tmp_path, '[[devices]]\ndevice = "scale"\npatient = "joan"\n'))
    assert "joan" in found["care plan"]


def test_a_damaged_journal_is_found(tmp_path: Path) -> None:
    path = write(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "journal.sqlite3").write_bytes(b"no database" * 1000)
    assert "journal" in troubles(path)


def test_a_gateway_that_runs_is_asked_how_its_adapter_is(tmp_path: Path) -> None:
    listens = {"name": "Bluetooth", "state": "listens on tcp-client:x", "trouble": ""}
    with page_of_a_gateway({"gateway": "home-1", "parts": [listens]}) as port:
        path = write(
            tmp_path,
            f'[page]\nlisten = "127.0.0.1:{port}"\n'
            '[ble]\nenabled = true\ntransport = "tcp-client:127.0.0.1:1"\n',
        )
        parts = {part.name: part for part in examine(path)}
    assert parts["Bluetooth"].state == listens["state"]
    assert not parts["Bluetooth"].trouble


@contextmanager
def page_of_a_gateway(health: dict[str, object]) -> Iterator[int]:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(health).encode())

        def log_message(self, *args: object) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        serving.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            serving.join()


def test_a_weak_source_is_named_and_is_no_fault(tmp_path: Path) -> None:
    parts = {part.name: part for part in examine(write(tmp_path, "[mqtt]\n"))}
    assert "QoS 0" in parts["Zigbee2MQTT"].state
    assert not parts["Zigbee2MQTT"].trouble


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id = ", "can't be read as TOML"),
        ('id = "x"', "missing required field"),
        ('id = "x"\ndata = "d"\nplan = "p"\n[server]\nurl = "ftp://x"', "http://"),
        ('id = "x"\ndata = "d"\nplan = "p"\nsever = 1\n[server]\nurl = "http://x"', "sever"),
        (
            (
                'id = "x"\ndata = "d"\nplan = "p"\n[server]\nurl = "http://x"\n'
                '[[devices]]\ndevice = "a"\npatient = "b"\n[[devices]]\ndevice = "a"\npatient = "c"'
            ),
            "twice",
        ),
    ],
    ids=["not TOML", "too little", "no web address", "a slip of the pen", "a device twice"],
)
def test_settings_that_can_not_be_used_say_which_key(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=says):
        load(path)


def test_settings_that_are_not_there_say_what_to_copy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"deploy/gateway\.example\.toml"):
        load(tmp_path / "gateway.toml")


def test_the_command_exits_with_1_when_something_is_wrong(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["doctor", "--config", str(write(tmp_path))])
    assert result.exit_code == 1
    assert "!! server: not reached" in result.output


def test_a_gateway_that_is_not_running_is_said_to_be_so(tmp_path: Path) -> None:
    path = write(tmp_path, f'[page]\nlisten = "127.0.0.1:{free_port()}"\n')
    result = CliRunner().invoke(app, ["status", "--config", str(path)])
    assert result.exit_code == 2
    assert "homebeat gateway run" in result.output
