from pathlib import Path

import msgspec
import pytest

from server import doctor
from server.config import Demo
from server.doctor import Mark
from server.timescale import Level

GIB = 1024**3


@pytest.mark.parametrize(
    ("at", "mark", "said"),
    [
        pytest.param("0002", Mark.FINE, "0002", id="up-to-date"),
        pytest.param("0001", Mark.MIND, "homebeat server migrate", id="older"),
        pytest.param(None, Mark.MIND, "empty", id="empty"),
        pytest.param("0003", Mark.MIND, "update Homebeat", id="newer"),
    ],
)
def test_the_schema_is_compared_with_what_this_version_expects(at, mark, said) -> None:
    verdict = doctor.schema(at, "0002")
    assert verdict.mark is mark
    assert said in verdict.said


@pytest.mark.parametrize(
    ("free_bytes", "mark"),
    [
        pytest.param(50 * GIB, Mark.FINE, id="room"),
        pytest.param(GIB, Mark.MIND, id="little"),
        pytest.param(GIB // 8, Mark.WRONG, id="none"),
    ],
)
def test_a_disk_without_room_is_told_in_time(free_bytes, mark) -> None:
    assert doctor.disk(free_bytes, Path("/data")).mark is mark


@pytest.mark.parametrize(
    ("users", "mark"),
    [pytest.param(True, Mark.MIND, id="on"), pytest.param(False, Mark.FINE, id="off")],
)
def test_users_whose_password_everyone_knows_are_named(config, users, mark) -> None:
    settings = msgspec.structs.replace(config, demo=Demo(users=users))
    assert doctor.demo_users(settings).mark is mark


@pytest.mark.parametrize("level", Level)
def test_each_level_of_timescaledb_has_its_words(level) -> None:
    assert doctor.timescaledb(level).said


@pytest.mark.processes
def test_a_database_that_does_not_answer_is_wrong_and_the_rest_is_still_looked_at(config) -> None:
    settings = msgspec.structs.replace(
        config, database="host=/nonexistent user=nobody connect_timeout=2"
    )
    marks = {each.what: each.mark for each in doctor.examine(settings)}
    assert marks["database"] is Mark.WRONG
    assert marks["disk"] is Mark.FINE
