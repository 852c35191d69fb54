"""The open loop counts from when a request was due, and tells apart what was asked."""

import asyncio
import time
from collections.abc import Callable

from benchmarks.loads.open_loop import CONNECTIONS, Ask, Plan, run

_ANSWER = b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}"


async def _loaded(
    asks: list[Ask], *, pause_s: float, is_over: Callable[[], object] = lambda: False
) -> tuple[dict[str, list[float]], list[bytes]]:
    """Load a server that does nothing for `pause_s` from its first request on; return the waits and
    what was sent to it.
    """
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await reader.readline():
            length = 0
            while (line := await reader.readline()) != b"\r\n":
                if line.startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            heard.append(request + await reader.readexactly(length))
            if len(heard) == 1:
                # All of the process pauses, as a server does that computes.
                time.sleep(pause_s)  # noqa: ASYNC251 - that is what is tested
            writer.write(_ANSWER)
        writer.close()
        await writer.wait_closed()
        closed.release()

    closed = asyncio.Semaphore(0)
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        told = await run(Plan(port=port, rate=200.0, seconds=1.0, seed=5, asks=asks), is_over)
        for _ in range(CONNECTIONS):
            await closed.acquire()
    assert set(told.statuses) == {201}
    assert told.statuses[201] == len(heard) == sum(map(len, told.waits.values()))
    return told.waits, heard


async def test_each_request_is_sent_in_turn_and_told_by_its_kind() -> None:
    asks = [Ask("list", "GET", "/a"), Ask("order", "POST", "/b", "token", '{"side":"BUY"}')]
    waits, heard = await _loaded(asks, pause_s=0.0)
    assert set(waits) == {"list", "order"}
    assert abs(len(waits["list"]) - len(waits["order"])) <= 1
    assert {*heard} == {b"GET /a HTTP/1.1\r\n", b'POST /b HTTP/1.1\r\n{"side":"BUY"}'}


async def test_it_ends_early_where_that_is_said() -> None:
    sent = iter(range(10))
    waits, heard = await _loaded(
        [Ask("list", "GET", "/a")], pause_s=0.0, is_over=lambda: next(sent) == 9
    )
    assert len(waits["list"]) == len(heard) == 9


async def test_a_pause_costs_every_request_that_was_due_meanwhile() -> None:
    waits, _ = await _loaded([Ask("list", "GET", "/a")], pause_s=0.3)
    # Sixty or so were due in it, on average for half of it.
    assert sum(wait > 100 for wait in waits["list"]) >= 25
    assert max(waits["list"]) >= 280
