"""asyncio tasks that go on for as long as the program does, and end when they are told to."""

import asyncio


def is_ending() -> bool:
    """Whether this task was asked to end: what it waited for may report an error of its own."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def end(task: asyncio.Task[None]) -> None:
    """Tell a task to end, and wait until it has."""
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()
