"""P5: from a reading at home to its alert on the nurse's screen, everything on one machine.

A nurse's browser is signed in and has the worklist open: it hears of news (SSE) and asks for the
list's rows, as the page does.
"""

import json
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import httpx
from msgspec import Struct

from plumbing.clock import monotonic_s
from plumbing.processes import Child, ChildFailed, ProgramMissing, free_port, start
from plumbing.signing import load_or_make_key, public_hex
from simulators.bench.latency import Waits, pace, waits
from simulators.bench.load import EVERY_CROSSING, alarms, too_high
from simulators.bench.settings import GATEWAY, Home
from simulators.bench.subjects import READY_S, gateway, value_of, with_a_broker
from simulators.bench.wire import Wire

READINGS_PER_S = 8
"""Every second one makes an alert."""
_WARM_UP = 10
_LAST_S = 5.0
_DATABASE_S = 60.0
_NEWS_S = 30.0
"""An open page is sent something every 10 s."""

_SETTINGS = """\
listen = "127.0.0.1:{port}"
data = "data"
[[gateways]]
id = "{gateway}"
public_key = "{key}"
people = {people}
[demo]
users = true
password = "{password}"
"""
_PERSON = """\
[[people]]
id = "{person}"
name = "{person}"
"""
_PASSWORD = "bench"  # noqa: S105 - of a server that lives for a minute, on loopback


class NotMeasured(Exception):
    """Server or browser did not come up, or no alert came; the message says what to do."""


class Seen(Struct, frozen=True):
    """`news`: the event has come. `row`: the list that the page then asked for has it."""

    news: Waits
    row: Waits


class Browser:
    """The nurse's: what it was told of each alert, and when, in machine seconds."""

    def __init__(self, url: str) -> None:
        self.news_s: dict[str, float] = {}
        self.rows_s: dict[str, float] = {}
        self._client = httpx.Client(base_url=url, timeout=_NEWS_S, headers={"Origin": url})
        self._open = threading.Event()
        self._hearing = threading.Thread(target=self._hear, daemon=True)

    def open_worklist(self) -> None:
        """Sign in, and have the page open. Raises httpx.HTTPError or TimeoutError."""
        form = {"name": "nurse", "password": _PASSWORD}
        self._client.post("/sign-in", data=form, follow_redirects=True).raise_for_status()
        self._hearing.start()
        if not self._open.wait(READY_S):
            raise TimeoutError("the server sent no news to a signed-in nurse")

    def _hear(self) -> None:
        kind = ""
        # The server ends the stream when it stops.
        with suppress(httpx.HTTPError), self._client.stream("GET", "/live") as stream:
            for line in stream.iter_lines():
                if line.startswith("event:"):
                    kind = line.removeprefix("event:").strip()
                    self._open.set()
                elif line.startswith("data:") and kind == "alert":
                    self._look(str(json.loads(line.removeprefix("data:"))["id"]))

    def _look(self, alert: str) -> None:
        self.news_s.setdefault(alert, monotonic_s())
        if alert in self.rows_s:
            return
        shown = self._client.get("/worklist").text
        at_s = monotonic_s()
        for known in self.news_s:
            if known not in self.rows_s and f'data-alert="{known}"' in shown:
                self.rows_s[known] = at_s


def home_to_screen(folder: Path, residents: int) -> Seen:
    """Publish to a running home at READINGS_PER_S, and watch a nurse's browser.

    Everyone in the home causes one alert, since a second one would join the first, as one row.
    Raises NotMeasured.
    """
    try:
        return _home_to_screen(folder, residents)
    except (ChildFailed, ProgramMissing, httpx.HTTPError, TimeoutError, ValueError) as error:
        raise NotMeasured(str(error)) from error


def _home_to_screen(folder: Path, residents: int) -> Seen:
    people = Home(sensors=residents, residents=residents)
    messages = alarms(residents)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    sent_s: dict[float, float] = {}
    with with_a_broker(folder) as broker_port:
        home = gateway(
            folder / "home",
            broker_port,
            EVERY_CROSSING,
            timed=False,
            home=people,
            server_url=url,
        )
        key_file = folder / "home" / "data" / "gateway.key"
        with _server(folder / "server", port, key_file, people) as server:
            server.wait_for_json("ready", _DATABASE_S)
            browser = Browser(url)
            browser.open_worklist()
            with home.start() as child, Wire(broker_port) as wire:
                child.wait_for_json("ready", READY_S)
                pace(wire, messages, READINGS_PER_S, sent_s)
                _wait_for(browser, len(too_high(messages, EVERY_CROSSING)))
    values = {alert.id: value_of(alert) for alert in home.alerts()}
    expected = too_high(messages, EVERY_CROSSING) & {one.value for one in messages[_WARM_UP:]}
    return Seen(
        news=waits(expected, sent_s, _by_value(browser.news_s, values)),
        row=waits(expected, sent_s, _by_value(browser.rows_s, values)),
    )


def _server(folder: Path, port: int, key_file: Path, home: Home) -> Child:
    """`homebeat server run` with its own database, knowing this home and a nurse."""
    folder.mkdir(parents=True, exist_ok=True)
    key = public_hex(load_or_make_key(key_file))
    file = folder / "server.toml"
    settings = _SETTINGS.format(
        port=port, gateway=GATEWAY, key=key, people=json.dumps(home.people), password=_PASSWORD
    )
    people = [_PERSON.format(person=person) for person in home.people]
    file.write_text("".join([settings, *people]))
    return start(
        [sys.executable, "-m", "homebeat", "server", "run", "--config", str(file)],
        name="server",
        log=folder / "log",
        output=folder / "output",
        folder=folder,
    )


def _wait_for(browser: Browser, alerts: int) -> None:
    end_s = monotonic_s() + _LAST_S
    while len(browser.rows_s) < alerts and monotonic_s() < end_s:
        time.sleep(0.05)


def _by_value(at_s: dict[str, float], values: dict[str, float]) -> dict[float, float]:
    return {values[alert]: when for alert, when in at_s.items() if alert in values}
