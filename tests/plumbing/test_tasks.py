import asyncio

import pytest

from plumbing import tasks


def test_a_task_ends_although_something_swallowed_its_cancellation(monkeypatch) -> None:
    monkeypatch.setattr(tasks, "_AGAIN_S", 0.001)
    seen: list[bool] = []

    async def deaf() -> None:
        for _ in range(3):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                seen.append(tasks.is_ending())
        await asyncio.sleep(60)

    async def main() -> bool:
        task = asyncio.create_task(deaf())
        await asyncio.sleep(0)
        assert not tasks.is_ending()
        await tasks.end(task)
        return task.cancelled()

    assert asyncio.run(main())
    assert seen == [True, True, True]


def test_the_error_of_a_task_that_ended_by_itself_is_raised() -> None:
    async def broken() -> None:
        raise RuntimeError("broken")

    async def main() -> None:
        task = asyncio.create_task(broken())
        await asyncio.sleep(0)
        await tasks.end(task)

    with pytest.raises(RuntimeError, match="broken"):
        asyncio.run(main())
