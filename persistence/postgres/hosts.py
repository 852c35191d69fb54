"""Several servers in one URL: whichever of them answers and takes what is asked for.

    postgresql://probity@one:5432,two:5432/probity?target_session_attrs=read-write

Laws: each host is asked by itself, the next one as soon as the one before has said no or has kept
us waiting for `STAGGER_S`: a machine that vanished answers nothing at all, and asking one after the
other would use up the whole wait on it. Who lets us in first wins; the others are hung up on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import asyncpg

if TYPE_CHECKING:
    _Connection = asyncpg.Connection[asyncpg.Record]

STAGGER_S: Final = 0.25


def each_host(url: str) -> list[str]:
    """Return a URL for each host of a URL, in its order."""
    parts = urlsplit(url)
    who, at, hosts = parts.netloc.rpartition("@")
    return [parts._replace(netloc=f"{who}{at}{host}").geturl() for host in hosts.split(",")]


async def enter(url: str, **options: Any) -> "_Connection":  # noqa: ANN401 - asyncpg's own
    """Do what `asyncpg.connect` does, with whichever host of the URL answers first."""
    hosts = each_host(url)
    if len(hosts) == 1:
        return await asyncpg.connect(url, **options)
    return await _first_of(hosts, lambda host: asyncpg.connect(host, **options))


async def _first_of(
    urls: Sequence[str], ask: Callable[[str], Awaitable["_Connection"]]
) -> "_Connection":
    """Return the connection of the first that lets us in.

    Raises what the last one said; of one that isn't what was asked for (a replica) only if none
    said anything else.
    """
    left = list(urls)
    pending: set[asyncio.Future[_Connection]] = set()
    said: list[BaseException] = []
    try:
        while left or pending:
            if left:
                pending.add(asyncio.ensure_future(ask(left.pop(0))))
            wait_s = STAGGER_S if left else None
            done, pending = await asyncio.wait(
                pending, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED
            )
            let_in = [task for task in done if task.exception() is None]
            for task in let_in[1:]:
                task.result().terminate()
            if let_in:
                return let_in[0].result()
            said += [error for task in done if (error := task.exception()) is not None]
    finally:
        for task in pending:
            task.add_done_callback(_hang_up)
            task.cancel()
    telling = [e for e in said if not isinstance(e, asyncpg.TargetServerAttributeNotMatched)]
    raise (telling or said)[-1]


def _hang_up(task: "asyncio.Future[_Connection]") -> None:
    """End a connection that came too late."""
    if not task.cancelled() and task.exception() is None:
        task.result().terminate()
