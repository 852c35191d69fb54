"""The process of a crowd that keeps the engine's queue full: many sockets, each with many orders in
flight, and whoever is refused comes again soon.

    stdin  : whom to trade as, one line of JSON; then "report", and "end"
    stdout : "ready"; then what it was told, a line of JSON for each

Laws: an order without a final answer is sent again under its id; what was acknowledged is
remembered by that id, so that it can be held against the tables. Nothing rests: each order ends as
it comes, so the book stays as it was.
"""

import asyncio
import contextlib
import json
import sys
from typing import Any, Final

import msgspec

from tests.faults.attacks import wire
from tests.faults.attacks.on_sockets import event, join
from tests.faults.attacks.wire import Account, Line, Target, open_socket

IN_FLIGHT: Final = 128
AGAIN_SECONDS: Final = 0.01
_EXTENDED: Final = 126


class Told(msgspec.Struct):
    """What the crowd was told since it began."""

    acknowledged: dict[str, str] = {}
    """The order of each client id that was answered."""
    refused: dict[str, int] = {}
    without_retry: int = 0
    """Refusals of the moment that didn't say when to come again."""


class Member:
    """One account on one socket."""

    def __init__(self, account: Account, market: str, told: Told) -> None:
        self._account = account
        self._market = market
        self._told = told
        self._sent = 0
        self._waiting: dict[int, str] = {}

    async def run(self, target: Target) -> None:
        """Push until the socket ends."""
        line = await open_socket(target, self._account.address)
        await line.send(join(self._account.token))
        with contextlib.suppress(OSError, EOFError):
            while True:
                await self._take(line, await _text(line))

    async def _take(self, line: Line, text: str) -> None:
        if text.startswith("43"):
            number, _, rest = text[2:].partition("[")
            name = self._waiting.pop(int(number))
            answer = json.loads(f"[{rest}")[0]
            if answer["ok"]:
                self._told.acknowledged[name] = answer["data"]["order"]["id"]
                await self._send(line, self._new_name())
            else:
                self._note(answer["error"])
                asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._again, line, name)
        elif text == "2":
            await line.send(wire.frame("3"))
        elif text.startswith("40"):
            for _ in range(IN_FLIGHT):
                await self._send(line, self._new_name())

    def _note(self, error: dict[str, Any]) -> None:
        told, code = self._told, error["code"]
        told.refused[code] = told.refused.get(code, 0) + 1
        told.without_retry += not error.get("retryAfter")

    def _again(self, line: Line, name: str) -> None:
        task = asyncio.get_running_loop().create_task(self._send(line, name))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    def _new_name(self) -> str:
        return f"{self._account.email.partition('@')[0]}-{self._sent}"

    async def _send(self, line: Line, name: str) -> None:
        self._sent += 1
        self._waiting[self._sent] = name
        order = {"market": self._market, "side": "BUY", "outcome": "YES", "type": "LIMIT"}
        order |= {"price": "0.01", "quantity": "1", "timeInForce": "IOC", "clientOrderId": name}
        await line.send(event("order:place", order, self._sent))


async def _text(line: Line) -> str:
    """Return the next frame's text; pings are answered, and the end raises EOFError."""
    while True:
        kind, size = await line.reader.readexactly(2)
        if size == _EXTENDED:
            size = int.from_bytes(await line.reader.readexactly(2), "big")
        elif size > _EXTENDED:
            size = int.from_bytes(await line.reader.readexactly(8), "big")
        payload = await line.reader.readexactly(size)
        match kind & 0x0F:
            case wire.TEXT:
                return payload.decode()
            case wire.PING:
                await line.send(wire.frame(payload, wire.PONG))
            case wire.CLOSE:
                raise EOFError


async def push(target: Target) -> None:
    """Push until stdin says that it is enough."""
    told = Told()
    members = [Member(account, target.market, told) for account in target.accounts]
    tasks = [asyncio.create_task(member.run(target)) for member in members]
    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    while word := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
        shown = told if word == "end" else Told(refused=told.refused)
        print(msgspec.json.encode(shown).decode(), flush=True)
        if word == "end":
            break
    for task in tasks:
        task.cancel()


if __name__ == "__main__":
    asyncio.run(push(msgspec.json.decode(sys.stdin.readline(), type=Target)))
