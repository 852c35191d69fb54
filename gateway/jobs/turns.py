"""Taking turns with what falls due: begun as places are free, for some time, and waited for.

    await take_turns(take, turn, failed, span_s=60.0)

Laws: nothing more is begun once its time is over, or once a turn went wrong on our side; what is
under way is waited for. A turn that goes wrong ends no other: it is told of at once, and the first
such failure is raised when all others had theirs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Final, TypeVar

LOOK_S: Final = 0.5
"""How often it is looked for what has fallen due, while places are free."""

T = TypeVar("T")


async def take_turns(
    take: Callable[[Collection[T]], Awaitable[Iterable[T]]],
    turn: Callable[[T], Awaitable[int]],
    failed: Callable[[T, Exception], None],
    *,
    span_s: float,
) -> int:
    """Return the sum of what the turns returned; raises the first of what went wrong in one.

    Args:
        take: takes what is due, as much as there is room for beside what it is given, which is
            under way.
        turn: does one of it.
        failed: is told of one that went wrong.
        span_s: for so long more is begun.
    """
    loop, done, wrong = asyncio.get_running_loop(), 0, list[Exception]()
    ends_at = loop.time() + span_s
    under_way: dict[asyncio.Task[int], T] = {}

    async def guarded(one: T) -> int:
        try:
            return await turn(one)
        except Exception as error:  # noqa: BLE001 - raised when the others are through
            failed(one, error)
            wrong.append(error)
            return 0

    async with asyncio.TaskGroup() as group:
        while True:
            if loop.time() < ends_at and not wrong:
                for one in await take(under_way.values()):
                    under_way[group.create_task(guarded(one))] = one
            if not under_way:
                break
            over, _ = await asyncio.wait(
                under_way, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED
            )
            for task in over:
                del under_way[task]
                done += task.result()
    if wrong:
        raise wrong[0]
    return done
