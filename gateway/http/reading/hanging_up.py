"""Whether who asks is still there: for what makes them wait before anything was done for them.

Laws: only a wait is given up for who has gone, and never what is done behind it, of which others
may know already. It goes with the context, like the authority of commands, so that no handler has
to hand it on; without a client (a job, the command line) a wait is just that.
"""

import asyncio
from contextvars import ContextVar
from typing import Any, Final, TypeVar

from starlette.types import Receive

from gateway.http.reading.bodies import ClientGone
from persistence.during import During

T = TypeVar("T")
_ASKED_BY: Final[ContextVar[Receive | None]] = ContextVar("asked_by", default=None)


def asked_by(receive: Receive) -> During[Receive | None]:
    """Let waits inside be those of the client of `receive`, whose request has been read."""
    return During(_ASKED_BY, receive)


async def while_there(turn: asyncio.Future[T]) -> T:
    """Wait for something, for as long as the client does; raises ClientGone.

    What is waited for is then left as it is.
    """
    receive = _ASKED_BY.get()
    if receive is None:
        return await turn
    gone = asyncio.create_task(_gone(receive))
    either: set[asyncio.Future[Any]] = {turn, gone}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if turn.done():
            return turn.result()
        raise ClientGone
    finally:
        gone.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
