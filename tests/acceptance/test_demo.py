"""The demo, as a newcomer starts it: the whole chain holds, a cut is noticed, nothing stays."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import psycopg
import pytest

from simulators.demo.cuts import LinkName
from simulators.demo.database import address
from simulators.demo.folder import Life

pytestmark = pytest.mark.processes

MARK = "HOMEBEAT_TEST_MARK"
"""An environment variable that every program of a demo inherits, so that each can be found."""
UP_WITHIN_S = 100.0
GONE_WITHIN_S = 20.0


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "homebeat", "demo", *words]


def new_folder() -> Path:
    """A short path (it holds sockets) that the database's own user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="homebeat-demo-test-"))
    folder.chmod(0o711)
    return folder


def living(mark: str) -> list[str]:
    """What still runs of the demo with that mark."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal():
            continue
        try:
            if f"{MARK}={mark}".encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def until(condition: Callable[[], bool], limit_s: float, what: str) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, f"not within {limit_s:g} s: {what}"
        time.sleep(0.1)


# The check -----------------------------------------------------------------------------------


def run_check(*words: str) -> tuple[int, dict[str, Any], str]:
    folder = new_folder()
    try:
        done = subprocess.run(
            command("--check", "--within", "150", "--folder", str(folder), *words),
            capture_output=True,
            text=True,
            timeout=170,
            check=False,
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


@pytest.mark.timeout(180)
def test_the_whole_chain_holds() -> None:
    code, report, said = run_check()
    assert code == 0, said
    kinds = ("bluetooth_readings", "mqtt_readings", "prompts", "answers", "alerts")
    assert all(report["counts"][kind] >= 1 for kind in (*kinds, "acknowledgements")), report
    trace = report["traces"][0]
    assert all(trace[step] for step in trace), trace
    assert trace["raw"].startswith("scales/bathroom ")
    assert trace["acknowledgement"]["actor"] == "nurse"
    assert all(report["readings"][way]["raw"] for way in ("bluetooth", "mqtt"))
    assert "missing" not in report


@pytest.mark.chaos
@pytest.mark.timeout(180)
@pytest.mark.parametrize("link", list(LinkName))
def test_a_cut_link_fails_the_check_and_is_named(link: LinkName) -> None:
    code, report, said = run_check("--cut", link)
    assert (code, report["missing"]["link"]) == (1, link), said
    assert f"'{link}'" in said


def test_a_cut_without_a_check_is_refused() -> None:
    done = subprocess.run(
        command("--cut", "radio"), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "--check" in done.stderr


# A life of two starts --------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """What is in the folder once no program runs any more."""

    home_time: datetime
    at_home: set[str]
    left: list[str]


@dataclass(frozen=True)
class TwoStarts:
    first: Found
    first_exit: int
    first_stop_s: float
    pages_that_ended: int
    at_the_server_in_the_first: set[str]
    at_the_server_in_the_second: set[str]
    second: Found


def start_demo(folder: Path, mark: str) -> tuple[subprocess.Popen[str], dict[str, str]]:
    output = folder / "said.jsonl"
    with output.open("w") as file:
        process = subprocess.Popen(
            command("--json", "--folder", str(folder / "demo")),
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, MARK: mark},
            start_new_session=True,
        )
    until(
        lambda: output.read_text().endswith("\n") or process.poll() is not None,
        UP_WITHIN_S,
        "the addresses",
    )
    assert process.poll() is None, output.read_text()
    addresses: dict[str, str] = json.loads(output.read_text())
    return process, addresses


def readings_at_home(folder: Path) -> set[str]:
    with sqlite3.connect(folder / "demo/gateway/journal.sqlite3") as journal:
        return {id_ for (id_,) in journal.execute("SELECT id FROM record WHERE kind = 'reading'")}


def readings_at_the_server(folder: Path) -> set[str]:
    with psycopg.connect(address(folder / "demo/server"), autocommit=True) as database:
        return {id_ for (id_,) in database.execute("SELECT id FROM readings")}


def after_the_end(folder: Path, mark: str) -> Found:
    end = time.monotonic() + GONE_WITHIN_S
    while living(mark) and time.monotonic() < end:
        time.sleep(0.1)
    life = msgspec.json.decode((folder / "demo/life.json").read_bytes(), type=Life)
    assert life.last is not None
    return Found(life.last, readings_at_home(folder), living(mark))


def open_streams(addresses: dict[str, str], browser: httpx.Client) -> list[httpx.Response]:
    """News streams of the home page and of the worklist, as two open pages hold them."""
    worklist = addresses["worklist"]
    signed_in = browser.post(
        f"{worklist}/sign-in",
        data={"name": "nurse", "password": "demo"},
        headers={"Origin": worklist},
    )
    assert signed_in.status_code == 303
    streams = []
    for url in (f"{addresses['home_page']}/changes", f"{worklist}/live"):
        stream = browser.send(browser.build_request("GET", url), stream=True)
        assert stream.headers["content-type"].startswith("text/event-stream")
        streams.append(stream)
    return streams


def ends(stream: httpx.Response) -> bool:
    try:
        for _ in stream.iter_raw():
            pass
    except httpx.RemoteProtocolError:
        return True
    except httpx.ReadTimeout:
        return False
    return True


@pytest.fixture(scope="module")
def two_starts() -> Iterator[TwoStarts]:
    folder, mark = new_folder(), uuid4().hex
    try:
        process, addresses = start_demo(folder, mark)
        with httpx.Client(timeout=GONE_WITHIN_S) as browser:
            streams = open_streams(addresses, browser)
            until(lambda: len(readings_at_the_server(folder)) >= 20, 60, "20 readings")
            at_the_server = readings_at_the_server(folder)
            stopped_at = time.monotonic()
            process.send_signal(signal.SIGINT)
            exit_code = process.wait(60)
            stop_s = time.monotonic() - stopped_at
            pages_that_ended = sum(ends(stream) for stream in streams)
        first = after_the_end(folder, mark)

        process, _ = start_demo(folder, mark)
        at_the_server_again = readings_at_the_server(folder)
        process.kill()
        process.wait(10)
        yield TwoStarts(
            first,
            exit_code,
            stop_s,
            pages_that_ended,
            at_the_server,
            at_the_server_again,
            after_the_end(folder, mark),
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


two_starts_take_long = pytest.mark.timeout(300)


@two_starts_take_long
def test_ctrl_c_ends_every_program_with_pages_open(two_starts: TwoStarts) -> None:
    assert two_starts.first_exit == 0
    assert two_starts.first.left == []
    assert two_starts.pages_that_ended == 2
    assert two_starts.first_stop_s < GONE_WITHIN_S


@two_starts_take_long
def test_a_second_start_keeps_every_reading(two_starts: TwoStarts) -> None:
    assert two_starts.at_the_server_in_the_first
    assert two_starts.at_the_server_in_the_first <= two_starts.at_the_server_in_the_second
    assert two_starts.first.at_home <= two_starts.second.at_home


@two_starts_take_long
def test_home_time_goes_on_after_a_stop(two_starts: TwoStarts) -> None:
    assert two_starts.second.home_time > two_starts.first.home_time


@two_starts_take_long
def test_killing_the_demo_leaves_no_program(two_starts: TwoStarts) -> None:
    assert two_starts.second.left == []
