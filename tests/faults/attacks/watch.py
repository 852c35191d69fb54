"""The process of the traders who watch: 200 orders and cancels a second, and how long each
acknowledgement took.

    stdin  : the traders, one line of JSON; then "begin" and "report", a line each
    stdout : "ready"; a line of JSON for each report

Laws: commands go out by the clock, not by the answers, so a server that stops is seen by all who
would have traded meanwhile; what has no answer when the report is made has waited until then. The
limits of an account are kept: sixteen share the load. Nothing rests for long, so that the book
stays small and every tenth of a second orders meet.
"""

import asyncio
import contextlib
import json
import random
import sys
import time
from typing import Any, Final

import msgspec

from tests.faults.attacks import wire
from tests.faults.attacks.on_sockets import event, join
from tests.faults.attacks.wire import Account, Line, Target, open_socket

COMMANDS_A_SECOND: Final = 200
TRADERS: Final = 16
GIVES_UP_SECONDS: Final = 15.0
_PRICES: Final = tuple(f"0.{cents}" for cents in range(46, 55))


class Report(msgspec.Struct, frozen=True):
    """Waits in milliseconds, by all commands that were sent since "begin"."""

    count: int
    p50: float
    p99: float
    worst: float
    own_delay: float
    """By how much the clock of the watch itself was late at worst."""
    refused: dict[str, int]
    lost: int
    """Traders whose socket has ended."""


class Trader:
    """One account on one socket: places, and cancels what rests."""

    def __init__(self, account: Account, market: str, rng: random.Random) -> None:
        self._account = account
        self._market = market
        self._name = f"{account.email.partition('@')[0]}-{rng.getrandbits(48):x}"
        self._rng = rng
        self._line: Line | None = None
        self._sent: dict[int, float] = {}
        self._number = 0
        self._resting: list[str] = []
        self.waits: list[float] = []
        self.refused: dict[str, int] = {}
        self.is_lost = False
        self._news = asyncio.Event()

    async def open(self, target: Target) -> None:
        """Sign in; the answers are read from then on."""
        line = self._line = await open_socket(target, self._account.address)
        await line.send(join(self._account.token))
        joined = asyncio.Event()
        self._reader = asyncio.create_task(self._read(line, joined))
        await asyncio.wait_for(joined.wait(), 30)

    async def close(self) -> None:
        """Go."""
        self._reader.cancel()
        if self._line is not None:
            self._line.close()

    async def act(self) -> None:
        """Send the next command."""
        if self._line is None or self.is_lost:
            return
        self._number += 1
        self._sent[self._number] = time.monotonic()
        if self._resting:
            frame = event("order:cancel", {"orderId": self._resting.pop()}, self._number)
        else:
            rng = self._rng
            order = {"market": self._market, "side": "BUY", "type": "LIMIT", "quantity": "1"}
            order |= {"outcome": rng.choice(("YES", "NO")), "price": rng.choice(_PRICES)}
            order |= {"clientOrderId": f"{self._name}-{self._number}"}
            frame = event("order:place", order, self._number)
        with contextlib.suppress(OSError):
            await self._line.send(frame)

    def begin(self) -> None:
        """Forget what was measured; commands that are on their way don't count."""
        self._sent.clear()
        self.waits.clear()
        self.refused.clear()

    async def settled(self) -> None:
        """Wait until everything that was sent until now is answered, or never will be."""
        last = self._number
        while not self.is_lost and any(number <= last for number in self._sent):
            self._news.clear()
            await self._news.wait()

    def unanswered(self) -> list[float]:
        """Return how long each command has waited that has no answer."""
        return [time.monotonic() - sent for sent in self._sent.values()]

    async def _read(self, line: Line, joined: asyncio.Event) -> None:
        try:
            with contextlib.suppress(OSError, EOFError):
                await self._read_frames(line, joined)
        finally:
            self.is_lost = True
            self._news.set()

    async def _read_frames(self, line: Line, joined: asyncio.Event) -> None:
        reader = line.reader
        while True:
            kind, size = await reader.readexactly(2)
            if size == 126:
                size = int.from_bytes(await reader.readexactly(2), "big")
            elif size == 127:
                size = int.from_bytes(await reader.readexactly(8), "big")
            payload = await reader.readexactly(size)
            match kind & 0x0F:
                case wire.TEXT:
                    await self._take(line, payload.decode(), joined)
                case wire.PING:
                    await line.send(wire.frame(payload, wire.PONG))
                case wire.CLOSE:
                    return

    async def _take(self, line: Line, text: str, joined: asyncio.Event) -> None:
        if text.startswith("43"):
            number, _, rest = text[2:].partition("[")
            sent = self._sent.pop(int(number), None)
            if sent is not None:
                self.waits.append(time.monotonic() - sent)
                self._news.set()
            self._note(json.loads(f"[{rest}")[0])
        elif text == "2":
            await line.send(wire.frame("3"))
        elif text.startswith("40"):
            joined.set()

    def _note(self, answer: dict[str, Any]) -> None:
        if not answer["ok"]:
            code = answer["error"]["code"]
            self.refused[code] = self.refused.get(code, 0) + 1
        elif answer["data"]["order"]["status"] in {"OPEN", "PARTIAL"}:
            self._resting.append(answer["data"]["order"]["id"])


class Watch:
    """All traders and their clock."""

    def __init__(self, target: Target) -> None:
        self._target = target
        rng = random.Random(17)
        self._traders = [
            Trader(account, target.market, random.Random(rng.random()))
            for account in target.accounts
        ]
        self._own_delay = 0.0

    async def run(self) -> None:
        """Trade and report until stdin ends."""
        for trader in self._traders:
            await trader.open(self._target)
        trading = asyncio.create_task(self._trade())
        say("ready")
        loop = asyncio.get_running_loop()
        while word := await loop.run_in_executor(None, sys.stdin.readline):
            if word.strip() == "begin":
                self._own_delay = 0.0
                for trader in self._traders:
                    trader.begin()
            else:
                say(msgspec.json.encode(await self._report()).decode())
        trading.cancel()

    async def _trade(self) -> None:
        due = time.monotonic()
        while True:
            for trader in self._traders:
                due += 1 / COMMANDS_A_SECOND
                now = time.monotonic()
                self._own_delay = max(self._own_delay, now - due)
                await asyncio.sleep(max(0.0, due - now))
                await trader.act()

    async def _report(self) -> Report:
        """Report what was sent until now, when it is answered or nobody would wait any longer."""
        settled = asyncio.gather(*(trader.settled() for trader in self._traders))
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(settled, GIVES_UP_SECONDS)
        waits = [wait for trader in self._traders for wait in trader.waits]
        waits = sorted(waits + [w for trader in self._traders for w in trader.unanswered()])
        refused: dict[str, int] = {}
        for trader in self._traders:
            for code, count in trader.refused.items():
                refused[code] = refused.get(code, 0) + count
        return Report(
            len(waits),
            _milliseconds(waits, 0.5),
            _milliseconds(waits, 0.99),
            _milliseconds(waits, 1),
            round(self._own_delay * 1_000, 1),
            refused,
            sum(trader.is_lost for trader in self._traders),
        )


def _milliseconds(waits: list[float], part: float) -> float:
    return round(waits[min(len(waits) - 1, int(len(waits) * part))] * 1_000, 1) if waits else 0.0


def say(line: str) -> None:
    """Write a line at once."""
    print(line, flush=True)


if __name__ == "__main__":
    asyncio.run(Watch(msgspec.json.decode(sys.stdin.readline(), type=Target)).run())
