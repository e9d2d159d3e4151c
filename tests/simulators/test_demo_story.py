"""The demo's story comes on a known morning, whatever the seed, and goes on after a stop."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from devices.model import Reading, reading_id
from gateway.config import load as load_gateway
from gateway.plan import load_packs, load_plan
from plumbing.clock import HomeTime
from rules.engine import advance, start
from rules.model import Phase
from server.config import load as load_server
from simulators.demo import story
from simulators.demo.folder import Folder, FolderError, Life
from simulators.demo.run import DEFAULT_SEED, _life
from simulators.demo.settings import Ports, Settings, write
from simulators.homes.config import load as load_home
from simulators.people.person import Deed, SimulatedPerson, between

FIRST = date(2026, 11, 20)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SEEDS = range(12)


def home_time(person: SimulatedPerson, first: date, tempo: story.Tempo) -> HomeTime:
    return story.home_time(person, first, story.story_morning(person, first), NOW, tempo)


def settings(tempo: story.Tempo = story.SHOWN) -> Settings:
    person = story.margaret(7, FIRST)
    at = story.story_morning(person, FIRST)
    return Settings(
        ports=Ports(),
        person=person,
        home_time=story.home_time(person, FIRST, at, NOW, tempo),
        story_at=at,
        begin_by=NOW,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_plans_own_rule_fires_on_the_storys_morning_and_not_before(
    seed: int, folder: Folder
) -> None:
    write(folder, settings())
    plan = load_plan(folder.plan, load_packs())
    person = story.margaret(seed, FIRST)
    begin = story.home_time(person, FIRST, story.story_morning(person, FIRST), NOW, story.SHOWN).at(
        NOW
    )
    until = story.story_morning(person, FIRST)
    readings = [
        Reading(
            id=reading_id("margaret", "scale", "body_weight", one.at, kg),
            patient="margaret",
            device="scale",
            metric="body_weight",
            value=kg,
            unit="kg",
            taken_at=one.at,
            received_at=one.at,
        )
        for one in between(person, begin, until)
        if one.what is Deed.WEIGHS
        for kg in [round(one.values["body_weight"], 1)]
    ]
    found = advance(plan, start(plan, begin), readings, until).findings
    gains = [one.at for one in found if one.rule == "weight-gain" and one.phase is Phase.ACTIVE]
    assert gains == [until]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("days_later", [1, 4, 7], ids="stopped after day {}".format)
def test_the_story_comes_again_after_a_stop(seed: int, days_later: int) -> None:
    person = story.margaret(seed, FIRST)
    stopped = datetime(2026, 11, 20, 15, tzinfo=UTC) + timedelta(days=days_later)
    again = story.next_morning(person, stopped)
    at = story.story_morning(person, again)
    assert timedelta(days=1) < at - stopped < timedelta(days=2 * story.EPISODE_EVERY_DAYS)


@pytest.mark.parametrize("tempo", [story.SHOWN, story.CHECKED], ids=["shown", "checked"])
def test_nobody_is_up_before_the_programs_are_and_the_storys_morning_is_slow(
    tempo: story.Tempo,
) -> None:
    person = story.margaret(7, FIRST)
    at = story.story_morning(person, FIRST)
    time = home_time(person, FIRST, tempo)
    begins = NOW + timedelta(seconds=tempo.start_s)
    assert between(person, time.at(NOW), time.at(begins)) == []
    slow = begins + timedelta(seconds=tempo.days_s)
    left = at - time.at(slow)
    assert left == story.SLOW_BEFORE_WEIGHING
    assert left.total_seconds() / tempo.times < 20


def test_the_demos_story_is_told_within_two_minutes() -> None:
    tempo = story.SHOWN
    slow_s = story.SLOW_BEFORE_WEIGHING.total_seconds() / tempo.times
    assert tempo.start_s + tempo.days_s + slow_s < 120


def test_the_programs_read_what_the_demo_writes(folder: Folder) -> None:
    made = settings()
    write(folder, made)
    gateway, server, home = (
        load_gateway(folder.gateway_toml),
        load_server(folder.server_toml),
        load_home(folder.home_toml),
    )
    assert gateway.home_time == server.home_time == home.home_time == made.home_time
    assert home.person == made.person
    assert home.devices == story.DEVICES
    assert gateway.server.url.endswith(str(home.cable.port if home.cable else None))
    assert server.gateways[0].people == (made.person.id,)
    assert gateway.journal == folder.journal
    assert home.diary == folder.diary


def test_every_device_of_the_home_is_one_that_the_gateway_listens_to(folder: Folder) -> None:
    write(folder, settings())
    gateway = load_gateway(folder.gateway_toml)
    known = {one.device: one.kind for one in gateway.devices}
    assert known == {story.heard_as(one): one.kind for one in story.DEVICES}
    assert gateway.mqtt is not None
    assert gateway.mqtt.mappings[0].topic == story.SCALE_TOPIC


def test_the_key_is_the_same_at_each_start(folder: Folder) -> None:
    keys = set()
    for _ in range(2):
        write(folder, settings())
        keys.add(load_server(folder.server_toml).gateways[0].public_key)
    assert len(keys) == 1


def test_a_life_is_kept_and_read(folder: Folder) -> None:
    assert folder.life() is None
    life = Life(seed=3, onset=FIRST, last=NOW)
    folder.keep(life)
    assert folder.life() == life


def test_a_life_that_cannot_be_read_is_never_overwritten(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "life.json").write_text("{")
    with pytest.raises(FolderError, match="begin anew"):
        folder.life()


def test_a_folder_has_one_demo_at_a_time(folder: Folder) -> None:
    with folder.held(), pytest.raises(FolderError, match="is running"), folder.held():
        pass
    with folder.held():
        pass


def test_a_long_path_gets_a_short_folder_for_its_socket(tmp_path: Path) -> None:
    deep = Folder(tmp_path / ("x" * 120))
    assert len(str(deep.radio)) < 60


def test_words_with_quotes_and_brackets_stay_words(folder: Folder) -> None:
    made = settings()
    person = msgspec.structs.replace(made.person, name='O\'Brien "Meg" [x] \\ é')
    write(folder, msgspec.structs.replace(made, person=person))
    assert load_home(folder.home_toml).person.name == person.name
    assert load_server(folder.server_toml).people[0].name == person.name
    assert load_plan(folder.plan, load_packs()).people["margaret"].name == person.name


def test_another_seed_needs_another_folder(folder: Folder) -> None:
    folder.keep(Life(seed=3, onset=FIRST))
    assert _life(folder, None) == _life(folder, 3) == Life(seed=3, onset=FIRST)
    with pytest.raises(FolderError, match="--folder"):
        _life(folder, 4)


def test_a_new_life_has_the_seed_that_was_asked_for(folder: Folder) -> None:
    assert _life(folder, 4).seed == 4
    assert _life(folder, None).seed == DEFAULT_SEED
