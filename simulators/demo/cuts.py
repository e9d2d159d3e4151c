"""Each link of the chain, and how a tester cuts it. No product has a hook for this.

A cut is made in the files before anything starts, by the tester's page once the home stands, or
with the programs that run.
"""

from collections.abc import Callable
from enum import StrEnum

import httpx
import psycopg
from msgspec import Struct
from msgspec.structs import replace

from plumbing.processes import free_port
from simulators.demo.database import address
from simulators.demo.folder import Folder
from simulators.demo.programs import Programs
from simulators.demo.settings import Settings


class LinkName(StrEnum):
    RADIO = "radio"
    BROKER = "broker"
    RULE = "rule"
    PROMPT = "prompt"
    ANSWER = "answer"
    SYNC = "sync"
    ALERT = "alert"
    PAGE = "page"


class Stage(Struct, frozen=True):
    """The running demo, as far as it stands, for a cut to reach into."""

    folder: Folder
    settings: Settings
    programs: Programs

    @property
    def tester(self) -> str:
        return f"http://127.0.0.1:{self.settings.ports.tester}"


def _same(settings: Settings) -> Settings:
    return settings


def _nothing(stage: Stage) -> None:
    pass


class Cut(Struct, frozen=True):
    """When what is broken. By default, nothing ever is."""

    settings: Callable[[Settings], Settings] = _same
    with_the_home: Callable[[Stage], None] = _nothing
    """Before the gateway starts."""
    with_all: Callable[[Stage], None] = _nothing
    nurse_is_kept_out: bool = False


def _press(switch: str) -> Callable[[Stage], None]:
    def press(stage: Stage) -> None:
        httpx.post(f"{stage.tester}/{switch}", timeout=5.0)

    return press


def _stop_the_broker(stage: Stage) -> None:
    stage.programs.children.pop("broker").stop()


_REFUSE_ALERTS = """
CREATE FUNCTION tester_refuses() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'cut by a tester'; END $$;
CREATE TRIGGER tester_refuses BEFORE INSERT ON alerts
    FOR EACH ROW EXECUTE FUNCTION tester_refuses();
"""


def _refuse_alerts(stage: Stage) -> None:
    with psycopg.connect(address(stage.folder.server_data), autocommit=True) as database:
        database.execute(_REFUSE_ALERTS)


NO_CUT = Cut()
CUTS: dict[LinkName, Cut] = {
    LinkName.RADIO: Cut(with_the_home=_press("radio/off")),
    LinkName.BROKER: Cut(with_all=_stop_the_broker),
    LinkName.RULE: Cut(settings=lambda settings: replace(settings, packs=("home-safety",))),
    LinkName.PROMPT: Cut(settings=lambda settings: replace(settings, home_page_seen=free_port())),
    LinkName.ANSWER: Cut(settings=lambda settings: replace(settings, answers=False)),
    LinkName.SYNC: Cut(with_the_home=_press("cable/pull")),
    LinkName.ALERT: Cut(with_all=_refuse_alerts),
    LinkName.PAGE: Cut(nurse_is_kept_out=True),
}
