"""A session never outlives its namespace or its socket, however a client leaves and comes back."""

import asyncio

import pytest

from tests.gateway.connections.wire import frame, raw
from tests.gateway.socket_client import raw_client
from tests.gateway.socket_desk import SocketDesk, open_socket_desk
from tests.gateway.waiting import eventually

LEAVING = ["41/ws,", "41/ws", "41/ws?x,", "41/ws?x=1,{}", '41/ws,{"a":1}', "41/ws,5", "412-/ws,"]


def seats(desk: SocketDesk) -> int:
    """How many sessions hear of the market, and of their user."""
    room = desk.rooms.markets.get(1)
    books = sum(len(room.books[outcome].seats) for outcome in room.books) if room else 0
    return books + sum(len(room.members) for room in desk.users.values())


@pytest.mark.parametrize("leaving", LEAVING)
async def test_leaving_and_joining_leaves_one_session(leaving: str) -> None:
    async with open_socket_desk() as desk:
        async with raw(desk.port) as peer:
            await peer.open("40")
            await peer.until(b"sid")
            for _ in range(20):
                await peer.send(frame(b'40/ws,{"token":"1"}'))
                await peer.until(b"sid")
                await peer.send(frame(b'42/ws,1["subscribe:market",{"slug":"rain"}]'))
                await peer.until(b"43/ws,1[")
                assert seats(desk) == 3
                await peer.send(frame(leaving.encode()))
            await eventually(lambda: seats(desk) == 0)
            (link,) = desk.sockets.server.links
            assert list(link.sessions) == ["/"]
        await eventually(lambda: not desk.sockets.server.links)
        library = desk.sockets.library
        assert (seats(desk), library.environ, library.manager.rooms) == (0, {}, {})
        assert desk.log.getvalue() == ""


@pytest.mark.parametrize("leaving", ["41", "41?x,", "41[]", "415", "41/,", "412-"])
async def test_the_root_is_left_in_any_spelling(leaving: str) -> None:
    async with open_socket_desk() as desk, raw_client(desk.port) as client:
        await client.connection.send('40/ws,{"token":"2"}')
        await client.join({"token": "1"})
        await client.ok("subscribe:market", {"slug": "rain"})
        await client.connection.send(leaving)
        (link,) = desk.sockets.server.links
        await eventually(lambda: "/" not in link.sessions or not link.is_open)
        await eventually(lambda: 1 not in desk.users)


async def test_a_socket_that_ends_while_it_joins_leaves_nothing() -> None:
    async with open_socket_desk() as desk:
        desk.names.gate.clear()
        async with raw(desk.port) as peer:
            await peer.open('40/ws,{"token":"1"}')
            library = desk.sockets.library
            await eventually(lambda: library.manager.rooms)
            (link,) = desk.sockets.server.links
            link.close("for a test")
        desk.names.gate.set()
        await eventually(lambda: not desk.sockets.server.links)
        await asyncio.sleep(0)
        assert (seats(desk), library.environ, library.manager.rooms) == (0, {}, {})
