"""The broker's file says what keeps messages, and lets only this machine in."""

from pathlib import Path

import pytest

from simulators.broker import MAX_INFLIGHT, MAX_QUEUED, configuration


def lines(*, runs_as_root: bool) -> list[str]:
    return configuration(18830, Path("broker"), runs_as_root=runs_as_root).splitlines()


@pytest.mark.parametrize(
    "line",
    [
        "listener 18830 127.0.0.1",
        "persistence true",
        "persistence_location broker/",
        f"max_inflight_messages {MAX_INFLIGHT}",
        f"max_queued_messages {MAX_QUEUED}",
    ],
)
def test_the_file_says(line: str) -> None:
    assert line in lines(runs_as_root=False)


def test_anyone_may_connect_only_where_the_one_listener_is_on_loopback() -> None:
    listeners = [line for line in lines(runs_as_root=True) if line.startswith("listener")]
    assert [line.split()[-1] for line in listeners] == ["127.0.0.1"]


@pytest.mark.parametrize(("root", "said"), [(True, 1), (False, 0)], ids=["root", "a user"])
def test_only_root_says_that_it_stays_root(root: bool, said: int) -> None:
    assert lines(runs_as_root=root).count("user root") == said
