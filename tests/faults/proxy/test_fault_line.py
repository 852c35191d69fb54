"""The line does what it says, byte by byte: to a port, to a Unix socket, one way or both."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.faults.proxy.fault_line import FaultLine
from tests.server_process import until

Connect = Callable[..., Awaitable["Client"]]
_SOON_S = 0.15
"""So long nothing may arrive."""


class Echo:
    """A server that answers each byte with itself, and notes what came."""

    def __init__(self) -> None:
        self.heard = b""
        self.begun = self.ended = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.begun += 1
        try:
            while data := await reader.read(100):
                self.heard += data
                writer.write(data)
        except OSError:
            pass
        self.ended += 1
        writer.close()


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture(params=["port", "socket"])
async def line(
    echo: Echo, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[FaultLine]:
    """A line to an echo at a port and at a Unix socket."""
    path = str(tmp_path / "echo")
    if request.param == "socket":
        server = await asyncio.start_unix_server(echo.serve, path)
        target: tuple[str, int] | str = path
    else:
        server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
        target = server.sockets[0].getsockname()[:2]
    async with server:
        with FaultLine(target) as made:
            yield made
        await until(lambda: echo.ended == echo.begun)


class Client:
    """One connection, and all that it heard."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard = b""
        self.is_ended = False
        self._writer = writer
        self._task = asyncio.create_task(self._read(reader))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while data := await reader.read(100):
                self.heard += data
        except OSError:
            pass
        self.is_ended = True

    def say(self, data: bytes) -> None:
        self._writer.write(data)

    async def leave(self) -> None:
        self._writer.close()
        await self._task

    async def hears(self, data: bytes) -> None:
        await until(lambda: self.heard == data, 5)

    async def hears_only(self, data: bytes) -> None:
        await asyncio.sleep(_SOON_S)
        assert (self.heard, self.is_ended) == (data, False)


@pytest.fixture
async def connect(line: FaultLine) -> AsyncIterator[Connect]:
    """Open connections through the line, which are closed behind the test."""
    made: list[Client] = []

    async def connect(first: bytes = b"hello", *, is_heard: bool = True) -> Client:
        one = Client(*await asyncio.open_connection("127.0.0.1", line.port))
        made.append(one)
        one.say(first)
        if is_heard:
            await one.hears(first)
        return one

    yield connect
    for one in made:
        await one.leave()


async def test_everything_passes_and_is_counted(
    line: FaultLine, connect: Connect, echo: Echo
) -> None:
    ann = await connect()
    ann.say(b"x" * 100_000)
    await ann.hears(b"hello" + b"x" * 100_000)
    assert line.passed() == (100_005, 100_005)
    await ann.leave()
    await until(lambda: echo.ended == 1)
    await until(lambda: line.connections() == [])


async def test_a_cut_ends_both_ends(line: FaultLine, connect: Connect, echo: Echo) -> None:
    ann, bob = await connect(b"ann"), await connect(b"bob")
    line.cut(b"ann")
    await until(lambda: ann.is_ended and echo.ended == 1)
    bob.say(b"!")
    await bob.hears(b"bob!")


async def test_what_is_held_comes_when_the_line_heals(
    line: FaultLine, connect: Connect, echo: Echo
) -> None:
    ann = await connect()
    line.hold(down=False)
    ann.say(b"1")
    await ann.hears_only(b"hello")
    assert echo.heard == b"hello"
    line.heal()
    await ann.hears(b"hello1")
    line.hold(up=False)
    ann.say(b"2")
    await until(lambda: echo.heard == b"hello12")
    await ann.hears_only(b"hello1")
    late = await connect(b"late", is_heard=False)
    await late.hears_only(b"")
    line.heal()
    await ann.hears(b"hello12")
    await late.hears(b"late")


async def test_what_is_lost_never_comes(line: FaultLine, connect: Connect, echo: Echo) -> None:
    ann = await connect()
    line.lose(down=False)
    ann.say(b"1")
    await ann.hears_only(b"hello")
    line.heal()
    ann.say(b"2")
    await ann.hears(b"hello2")
    assert echo.heard == b"hello2"


async def test_a_delay_delays_and_keeps_the_order(line: FaultLine, connect: Connect) -> None:
    ann = await connect()
    line.delay(_SOON_S, down=False)
    began = time.monotonic()
    ann.say(b"1")
    await asyncio.sleep(0.02)
    ann.say(b"2")
    await ann.hears(b"hello12")
    assert time.monotonic() - began >= _SOON_S


@pytest.mark.parametrize("count", [0, 1, 9, 10])
async def test_it_is_cut_behind_a_byte(
    line: FaultLine, connect: Connect, echo: Echo, count: int
) -> None:
    ann, bob = await connect(b"ann"), await connect(b"bob")
    line.cut_after(count, b"ann")
    ann.say(b"0123456789")
    if count == 10:
        await ann.hears(b"ann0123456789")
        ann.say(b"!")
    await until(lambda: ann.is_ended and echo.ended == 1)
    assert echo.heard.removeprefix(b"annbob") == b"0123456789"[:count]
    bob.say(b"!")
    await bob.hears(b"bob!")


async def test_answers_are_cut_behind_a_byte(line: FaultLine, connect: Connect, echo: Echo) -> None:
    ann = await connect(b"ann")
    line.cut_after(3, of_answers=True)
    ann.say(b"0123456789")
    await until(lambda: ann.is_ended)
    assert ann.heard == b"ann012"
    assert echo.heard == b"ann0123456789"


async def test_a_line_that_is_shut_lets_nobody_in(line: FaultLine, connect: Connect) -> None:
    ann = await connect()
    line.shut()
    late = await connect(is_heard=False)
    await until(lambda: ann.is_ended and late.is_ended)
    line.heal()
    await connect()


async def test_an_answer_is_lost_behind_what_was_sent(
    line: FaultLine, connect: Connect, echo: Echo
) -> None:
    ann = await connect()
    line.lose_answers()
    ann.say(b"1")
    await until(lambda: ann.is_ended and echo.ended == 1)
    assert (ann.heard, echo.heard) == (b"hello", b"hello1")
