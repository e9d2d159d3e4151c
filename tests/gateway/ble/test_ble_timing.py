import asyncio
from contextlib import suppress

import pytest

from gateway.ble import timing
from gateway.ble.timing import within


@pytest.fixture(autouse=True)
def _short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "GRACE_S", 0.01)


async def deaf(heard: list[str]) -> None:
    """Work that does not heed being cancelled, like a call into a bluetoothd that hangs."""
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        heard.append("cancelled")
        await asyncio.sleep(60)


def test_the_result_comes_through() -> None:
    async def work() -> int:
        return 7

    assert asyncio.run(within(1, work())) == 7


def test_an_error_comes_through() -> None:
    async def work() -> None:
        raise LookupError("broken")

    with pytest.raises(LookupError):
        asyncio.run(within(1, work()))


def test_the_limit_holds_for_work_that_heeds_nothing() -> None:
    heard: list[str] = []
    with pytest.raises(TimeoutError):
        asyncio.run(_bounded(within(0.01, deaf(heard))))
    assert heard == ["cancelled"]


async def _bounded(work) -> None:
    async with asyncio.timeout(5):
        await work


def test_the_event_ends_it_before_the_limit() -> None:
    async def main() -> None:
        event = asyncio.Event()
        asyncio.get_running_loop().call_soon(event.set)
        with pytest.raises(TimeoutError):
            await within(60, asyncio.sleep(60), event)

    asyncio.run(_bounded(main()))


def test_who_waits_can_be_cancelled_and_the_work_is_too() -> None:
    async def main() -> None:
        heard: list[str] = []

        async def work() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                heard.append("ended")

        waiting = asyncio.create_task(within(60, work()))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
        assert waiting.cancelled()
        assert heard == ["ended"]

    asyncio.run(_bounded(main()))
