"""The sample followers of `docs/examples/` as processes, and what the exchange says of the same.

Laws: a follower is started as its own first lines say, from a folder where its libraries are
found, and speaks for itself by the lines it prints; what they are compared with is read over REST,
straight from the server.
"""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

from tests.faults.bots.sample_bots import EXAMPLES, NODE_MODULES, Person
from tests.server_process import ADMIN_PASSWORD

COMMANDS: Final = {"market_follower.py": sys.executable, "market_follower.mjs": "node"}
SLUG: Final = "rain"
_LINE_BYTES: Final = 1 << 22


class SampleFollower:
    """One sample, its owner, and what it said last."""

    def __init__(self, sample: str, owner: Person, folder: Path) -> None:
        self.sample = sample
        self.owner = owner
        self.told: dict[str, Any] = {}
        """The last line that it printed."""
        self.lines = 0
        self._log = folder / f"{sample}.log"
        self._script = folder / sample
        for name in (sample, f"trading_client{Path(sample).suffix}"):
            shutil.copy(EXAMPLES / name, folder / name)
        modules = folder / "node_modules"
        if not modules.exists():
            modules.symlink_to(NODE_MODULES)

    @asynccontextmanager
    async def running(self, url: str) -> AsyncIterator[None]:
        """Run it against the exchange at `url`."""
        environment = {**os.environ, "EMAIL": self.owner.email, "PASSWORD": ADMIN_PASSWORD}
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(COMMANDS[self.sample], str(self._script), url, SLUG),
                env=environment,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                limit=_LINE_BYTES,
            )
        hearing = asyncio.create_task(self._hear(process))
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            await hearing

    async def _hear(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            self.told = json.loads(line)
            self.lines += 1

    def words(self) -> str:
        """Return what it said on stderr."""
        return self._log.read_text("utf-8")

    async def until(self, wanted: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Wait until it holds this; return what it repaired on the way."""
        try:
            async with asyncio.timeout(seconds):
                while {**self.told, "repairs": None} != {**wanted, "repairs": None}:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        except TimeoutError:
            differs = {name: (self.told.get(name), wanted[name]) for name in wanted}
            differs = {name: pair for name, pair in differs.items() if pair[0] != pair[1]}
            raise AssertionError(f"{self.sample}: {differs}\n{self.words()[-2_000:]}") from None
        repairs: dict[str, Any] = self.told["repairs"]
        return repairs


async def held_by_the_exchange(owner: Person) -> dict[str, Any]:
    """Return what a follower of the market and of this account should hold."""
    book = await owner.data(f"/markets/{SLUG}/orderbook?outcome=YES&depth=200")
    market = await owner.data(f"/markets/{SLUG}")
    trades = await whole(owner, f"/markets/{SLUG}/trades?limit=200")
    fills = await whole(owner, "/user/fills?limit=200")
    balance = await owner.data("/user/balance")
    positions = await owner.data("/user/positions")
    return {
        "bids": book["bids"],
        "asks": book["asks"],
        "seq": book["seq"],
        "status": market["status"],
        "trades": [one["id"] for one in sorted(trades, key=lambda trade: trade["tradeNo"])],
        "orders": {one["id"]: [one["status"], one["filled"]] for one in await owner.orders()},
        "fills": sorted(f"{one['tradeId']} {one['orderId']}" for one in fills),
        "balance": {name: balance[name] for name in ("available", "locked")},
        "positions": {
            f"{one['marketId']} {one['outcome']}": [one["quantity"], one["locked"], one["cost"]]
            for one in positions
            if float(one["quantity"])
        },
    }


async def whole(owner: Person, path: str) -> list[dict[str, Any]]:
    """Return all parts of a list."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        envelope = await owner.read(path + cursor)
        found += envelope["data"]
        if envelope["nextCursor"] is None:
            return found
        cursor = f"&cursor={envelope['nextCursor']}"
