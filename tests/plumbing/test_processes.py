import json
import os
import pwd
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from plumbing import processes
from plumbing.processes import ChildFailed, ProgramMissing, find_program, free_port, start

PYTHON = sys.executable


def say(text: str) -> list[str]:
    return [PYTHON, "-c", text]


def alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
    return "State:\tZ" not in status


def wait_for(condition, limit_s: float = 10.0) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('{"ready": 1}', flush=True)
time.sleep(60)
"""

PARENT = """
import sys, time, threading
from pathlib import Path
from plumbing.processes import start
folder = Path(sys.argv[1])
children = []
def begin():
    children.append(start([sys.executable, "-c", "import time; time.sleep(60)"],
                          log=folder / "grandchild.log"))
thread = threading.Thread(target=begin)
thread.start()
thread.join()
print('{"pid": %d}' % children[0].pid, flush=True)
time.sleep(60)
"""


@pytest.mark.processes
def test_a_child_is_ready_when_it_says_so(tmp_path: Path) -> None:
    code = """
import json, time
print("noise")
print(json.dumps({"ready": "x", "n": 1}), flush=True)
time.sleep(60)
"""
    with start(say(code), log=tmp_path / "log") as child:
        assert child.wait_for_json("ready", 10) == {"ready": "x", "n": 1}
    assert child.exit_code == -signal.SIGTERM


@pytest.mark.processes
def test_what_an_earlier_run_said_does_not_make_a_child_ready(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(json.dumps({"ready": "an earlier run"}) + "\n")
    child = start(say("import time; time.sleep(60)"), log=tmp_path / "log")
    with child, pytest.raises(ChildFailed, match=r"in 0\.2 s"):
        child.wait_for_json("ready", 0.2)


@pytest.mark.processes
def test_a_child_that_ends_early_shows_its_log(tmp_path: Path) -> None:
    code = "import sys; print('the disk is full', file=sys.stderr); sys.exit(3)"
    child = start(say(code), log=tmp_path / "log")
    with child, pytest.raises(ChildFailed, match=r"ended with 3 (?s:.*)the disk is full"):
        child.wait_until(lambda: False, 10)


@pytest.mark.processes
def test_output_and_log_are_two_files_when_asked(tmp_path: Path) -> None:
    code = "import sys; print('out'); print('log', file=sys.stderr)"
    child = start(say(code), log=tmp_path / "log", output=tmp_path / "out")
    assert child.wait(10) == 0
    assert (tmp_path / "out").read_text() == "out\n"
    assert (tmp_path / "log").read_text() == "log\n"


@pytest.mark.processes
def test_a_child_that_will_not_stop_is_killed_after_the_limit(tmp_path: Path) -> None:
    child = start(say(STUBBORN), log=tmp_path / "log")
    child.wait_for_json("ready", 10)
    assert child.stop(limit_s=0.2) == -signal.SIGKILL


@pytest.mark.processes
def test_stopping_twice_is_harmless(tmp_path: Path) -> None:
    child = start(say("pass"), log=tmp_path / "log")
    assert child.stop() == child.stop()


@pytest.mark.processes
def test_a_killed_parent_leaves_no_child_even_one_started_by_a_thread_that_ended(
    tmp_path: Path,
) -> None:
    parent = start([PYTHON, "-c", PARENT, str(tmp_path)], log=tmp_path / "log", folder=Path.cwd())
    grandchild = parent.wait_for_json("pid", 10)["pid"]
    assert alive(grandchild)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait(10)
    wait_for(lambda: not alive(grandchild))


@pytest.mark.processes
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a program as someone else")
def test_a_child_of_another_user_keeps_its_death_signal(tmp_path: Path) -> None:
    code = (
        "import ctypes, os; held = ctypes.c_int(); ctypes.CDLL(None).prctl(2, ctypes.byref(held));"
        "print(os.geteuid(), os.getegid(), os.getgroups(), held.value)"
    )
    nobody = pwd.getpwnam("nobody")
    child = start(["/usr/bin/env", "python3", "-c", code], log=tmp_path / "log", user=nobody)
    assert child.wait(10) == 0
    said = (tmp_path / "log").read_text().strip()
    assert said == f"{nobody.pw_uid} {nobody.pw_gid} [] {int(signal.SIGTERM)}"


def test_a_missing_program_says_what_to_install(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HOMEBEAT_CACHE", str(tmp_path))
    with pytest.raises(ProgramMissing, match="apt-get install some-package"):
        find_program("no-such-program", package="some-package")


def test_a_program_in_the_cache_comes_with_its_libraries(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HOMEBEAT_CACHE", str(tmp_path))
    program = tmp_path / "usr/sbin/no-such-program"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (tmp_path / "usr/lib/x86_64-linux-gnu").mkdir(parents=True)
    found = find_program("no-such-program")
    assert found.path == program
    libraries = found.environment["LD_LIBRARY_PATH"].split(os.pathsep)
    assert str(tmp_path / "usr/lib/x86_64-linux-gnu") in libraries


def test_the_cache_of_the_checkout_is_used_without_a_setting(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("HOMEBEAT_CACHE", raising=False)
    monkeypatch.chdir(tmp_path)
    beside_the_code = Path(processes.__file__).parent.parent / ".cache" / "homebeat"
    assert processes.cache_folder() == beside_the_code
    (tmp_path / ".cache/homebeat").mkdir(parents=True)
    assert processes.cache_folder() == tmp_path / ".cache/homebeat"


def test_a_free_port_can_be_listened_on() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port()))
