"""Whether who asks is still there, over real connections: a wait ends with them, no answer does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.types import Receive, Scope, Send

from gateway.http.reading.bodies import ClientGone
from gateway.http.reading.hanging_up import asked_by, while_there
from gateway.http.responses import send_body
from tests.gateway.connections.wire import GET, raw
from tests.gateway.socket_desk import SocketDesk, open_socket_desk
from tests.gateway.waiting import eventually

BODY = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"


class Waiting:
    """An application in which everybody waits for their turn."""

    def __init__(self) -> None:
        self.turns: list[asyncio.Future[None]] = []
        self.gone = 0

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        turn = asyncio.get_running_loop().create_future()
        self.turns.append(turn)
        try:
            with asked_by(receive):
                await while_there(turn)
        except ClientGone:
            self.gone += 1
            return
        await send_body(send, 200, b"text/plain", b"your turn")


@asynccontextmanager
async def waiting() -> AsyncIterator[tuple[SocketDesk, Waiting]]:
    made = Waiting()
    async with open_socket_desk(around=lambda _: made) as desk:
        yield desk, made


@pytest.mark.parametrize("sent", [GET, BODY, GET * 3, BODY + GET])
async def test_a_wait_ends_with_who_waits(sent: bytes) -> None:
    async with waiting() as (desk, app):
        async with raw(desk.port) as peer:
            await peer.send(sent)
            await eventually(lambda: app.turns)
            assert app.gone == 0
        await eventually(lambda: app.gone == 1)
        assert len(app.turns) == 1, "what lay behind it is begun for nobody"


async def test_whoever_stays_is_answered_and_so_is_what_lies_behind() -> None:
    async with waiting() as (desk, app), raw(desk.port) as peer:
        await peer.send(BODY + GET)
        for number in (1, 2):
            await eventually(lambda: len(app.turns) == number)  # noqa: B023
            app.turns[-1].set_result(None)
            assert (await peer.until(b"your turn")).startswith(b"HTTP/1.1 200")
        assert app.gone == 0


async def test_without_a_client_a_wait_is_just_that() -> None:
    turn: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(turn.set_result, 7)
    assert await while_there(turn) == 7
