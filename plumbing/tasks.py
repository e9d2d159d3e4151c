"""asyncio tasks that go on for as long as the program does, and end when they are told to."""

import asyncio

_AGAIN_S = 0.5


def is_ending() -> bool:
    """Whether this task was asked to end: what it waited for may report an error of its own."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def end(task: asyncio.Task[None]) -> None:
    """Tell a task to end until it has: a library may swallow a cancellation on its way out."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_AGAIN_S)
    if not task.cancelled():
        task.result()
