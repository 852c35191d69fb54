"""Requests at a rate that no answer can delay, from a process of its own.

    python -m benchmarks.loads.open_loop PLAN ANSWER

`PLAN` is a JSON file (`Plan`), `ANSWER` one that is made: how long each request waited, by its kind
(`Waited`). Moments are drawn beforehand (a Poisson process); a wait counts from when the
request was due, so that a server that pauses gets what was due all the same. Requests go over
keep-alive connections, one at a time on each. The generator itself keeps to its moments within
microseconds (`pacing.py`). It ends when its plan does, or earlier with its standard input.
"""

import asyncio
import random
import re
import select
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Final

import msgspec
import uvloop

from benchmarks.loads.pacing import pace

CONNECTIONS: Final = 64
_LENGTH: Final = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
_LAST_ANSWER_S: Final = 20.0


class Ask(msgspec.Struct, frozen=True):
    """One request; `kind` is what its wait is told by."""

    kind: str
    method: str
    path: str
    token: str = ""
    body: str = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to send to a port of this machine: `asks` in turn, over and over."""

    port: int
    rate: float
    seconds: float
    warm_up_s: float = 0.0
    """What is due so soon isn't told of."""
    seed: int
    asks: list[Ask]


class Waited(msgspec.Struct, frozen=True):
    """Milliseconds by kind, in the order in which requests were due; statuses, counted."""

    waits: dict[str, list[float]]
    statuses: dict[int, int]


def request_of(ask: Ask) -> bytes:
    """Return the bytes of a request."""
    head = f"{ask.method} {ask.path} HTTP/1.1\r\nhost: localhost\r\n"
    if ask.token:
        head += f"authorization: Bearer {ask.token}\r\n"
    if ask.body:
        head += f"content-type: application/json\r\ncontent-length: {len(ask.body)}\r\n"
    return f"{head}\r\n{ask.body}".encode()


async def run(plan: Plan, is_over: Callable[[], object] = lambda: False) -> Waited:
    """Send all of a plan, or until `is_over`, and return how long each request waited.

    Raises RuntimeError if answers don't come to an end in time.
    """
    dice = random.Random(plan.seed)
    found: dict[str, list[float]] = {ask.kind: [] for ask in plan.asks}
    statuses: dict[int, int] = {}
    told_from = float("inf")
    turns: asyncio.Queue[tuple[float, str, bytes] | None] = asyncio.Queue()
    requests = [(ask.kind, request_of(ask)) for ask in plan.asks]

    async def line() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", plan.port)
        while (turn := await turns.get()) is not None:
            due, kind, raw = turn
            writer.write(raw)
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            if length is not None:
                await reader.readexactly(int(length[1]))
            if due >= told_from:
                found[kind].append(1_000 * (perf_counter() - due))
            status = int(head[9:12])
            statuses[status] = statuses.get(status, 0) + 1
        writer.close()
        await writer.wait_closed()

    lines = [asyncio.create_task(line()) for _ in range(CONNECTIONS)]
    await asyncio.sleep(0.2)
    with pace() as timer:
        due, number = perf_counter(), 0
        end, told_from = due + plan.seconds, due + plan.warm_up_s
        while (due := due + dice.expovariate(plan.rate)) < end and not is_over():
            await timer.until(due)
            turns.put_nowait((due, *requests[number % len(requests)]))
            number += 1
            # Being late with the next one is no reason not to read.
            await asyncio.sleep(0)
    for _ in lines:
        turns.put_nowait(None)
    async with asyncio.timeout(_LAST_ANSWER_S):
        await asyncio.gather(*lines)
    return Waited(found, statuses)


def main(file: str, answer: str) -> None:
    """Carry out a plan."""
    plan = msgspec.json.decode(Path(file).read_bytes(), type=Plan)

    def is_over() -> bool:
        return bool(select.select([sys.stdin], [], [], 0)[0])

    Path(answer).write_bytes(msgspec.json.encode(uvloop.run(run(plan, is_over))))


if __name__ == "__main__":
    main(*sys.argv[1:])
