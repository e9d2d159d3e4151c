"""News of changes: only what was committed, to whoever keeps up."""

import asyncio

import psycopg
import pytest

from server.live import CHANNEL, TICK, Live, LiveEvent

pytestmark = [pytest.mark.processes, pytest.mark.anyio]


@pytest.fixture
async def live(conninfo, anyio_backend):
    live = Live(conninfo)
    await live.open()
    yield live
    await live.close()


def anything(event: LiveEvent) -> bool:
    return True


async def first(stream, count: int) -> list[LiveEvent]:
    async with asyncio.timeout(10):
        return [await anext(stream) for _ in range(count)]


def tell(connection, alert: str) -> None:
    payload = f'{{"kind":"alert","id":"{alert}","patient":"margaret"}}'
    connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, payload))


async def test_it_begins_with_a_tick_and_brings_what_changed(rig, make) -> None:
    stream = rig.site.live.subscribe(anything)
    assert await first(stream, 1) == [TICK]
    await rig.home.post(rig.home.record("alert", make.request("a1")))
    assert await first(stream, 1) == [LiveEvent(kind="alert", id="a1", patient="margaret")]


async def test_what_was_rolled_back_is_never_heard(live, sql, conninfo) -> None:
    stream = live.subscribe(anything)
    await first(stream, 1)
    with psycopg.connect(conninfo) as undone:
        tell(undone, "never")
        undone.rollback()
    tell(sql, "a1")
    assert [event.id for event in await first(stream, 1)] == ["a1"]


async def test_each_hears_only_what_they_want(live, sql) -> None:
    picky = live.subscribe(lambda event: event.id == "a2")
    everyone = live.subscribe(anything)
    await first(picky, 1)
    await first(everyone, 1)
    tell(sql, "a1")
    tell(sql, "a2")
    assert [event.id for event in await first(picky, 1)] == ["a2"]
    assert [event.id for event in await first(everyone, 2)] == ["a1", "a2"]


async def test_who_does_not_keep_up_is_let_go_and_the_others_are_not(live, sql) -> None:
    slow, quick = live.subscribe(anything), live.subscribe(anything)
    await first(slow, 1)
    await first(quick, 1)
    for number in range(300):
        tell(sql, f"a{number}")
        assert [event.id for event in await first(quick, 1)] == [f"a{number}"]
    with pytest.raises(StopAsyncIteration):
        await first(slow, 1)


async def test_a_lost_connection_ends_every_stream_and_is_made_again(live, sql) -> None:
    stream = live.subscribe(anything)
    await first(stream, 1)
    sql.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
    with pytest.raises(StopAsyncIteration):
        await first(stream, 1)
    await asyncio.wait_for(live.listening.wait(), 10)
    again = live.subscribe(anything)
    await first(again, 1)
    tell(sql, "a1")
    assert [event.id for event in await first(again, 1)] == ["a1"]


async def test_a_server_that_stops_ends_every_stream_and_begins_none(live) -> None:
    stream = live.subscribe(anything)
    await first(stream, 1)
    live.let_everyone_go()
    with pytest.raises(StopAsyncIteration):
        await first(stream, 1)
    with pytest.raises(StopAsyncIteration):
        await first(live.subscribe(anything), 1)


async def test_time_passes_in_ticks(live, monkeypatch) -> None:
    monkeypatch.setattr("server.live.TICK_S", 0.02)
    stream = live.subscribe(anything)
    assert await first(stream, 4) == [TICK] * 4
