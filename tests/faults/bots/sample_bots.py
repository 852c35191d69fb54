"""The sample bots of `docs/examples/` as processes, and the people who trade with them.

Laws: a bot is started as its own first lines say, from a folder where its libraries are found; what
it did is told by itself in its last line and by the exchange to its owner, and the two are compared
by the test.
"""

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx

from tests.server_process import ADMIN_PASSWORD, ServerProcess

EXAMPLES: Final = Path(__file__).parents[3] / "docs" / "examples"
NODE_MODULES: Final = Path(__file__).parents[2] / "e2e" / "node_modules"
COMMANDS: Final = {"maker.py": sys.executable, "maker.mjs": "node"}
_END_SECONDS: Final = 30.0
_STEP_SECONDS: Final = 0.1


class Person:
    """Somebody who is signed in for as long as the test takes."""

    def __init__(self, server: ServerProcess, name: str) -> None:
        self.email = f"{name}@example.com"
        self.client = httpx.AsyncClient(base_url=f"{server.url}/api/v1", timeout=30)
        self.client.headers["x-requested-with"] = "httpx"
        self._one_at_a_time = asyncio.Lock()

    async def sign_in(self, path: str = "/auth/login") -> None:
        """Log in, register or refresh."""
        person = {"email": self.email, "password": ADMIN_PASSWORD}
        body = None if path == "/auth/refresh" else person
        answer = await self.client.post(path, json=body, headers={"authorization": ""})
        token = answer.raise_for_status().json()["data"]["accessToken"]
        self.client.headers["authorization"] = f"Bearer {token}"

    async def call(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Send a request, with a new token where the old one has expired."""
        answer = await self.client.request(method, path, json=body)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            async with self._one_at_a_time:
                if answer.request.headers["authorization"] == self.client.headers["authorization"]:
                    await self.sign_in()
            answer = await self.client.request(method, path, json=body)
        return answer

    async def read(self, path: str) -> dict[str, Any]:
        """Return what a GET gives, a success; comes again where its owner's limit is used up."""
        while True:
            answer = await self.call("GET", path)
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
                envelope: dict[str, Any] = answer.raise_for_status().json()
                return envelope
            await asyncio.sleep(int(answer.headers["retry-after"]))  # as it was told

    async def data(self, path: str) -> Any:
        """Return the data of what a GET gives."""
        return (await self.read(path))["data"]

    async def orders(self) -> list[dict[str, Any]]:
        """Return every order that was ever placed."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            envelope = await self.read(f"/orders?limit=200{cursor}")
            found += envelope["data"]
            if envelope["nextCursor"] is None:
                return found
            cursor = f"&cursor={envelope['nextCursor']}"


class Bot:
    """A sample, its process, its market and its owner."""

    def __init__(self, sample: str, server: ServerProcess, folder: Path) -> None:
        self.sample = sample
        self.market = sample.replace(".", "-")
        self.owner = Person(server, f"owner-{self.market}")
        self._log = folder / f"{sample}.log"
        self._script = folder / sample
        for name in (sample, f"trading_client{Path(sample).suffix}"):
            shutil.copy(EXAMPLES / name, folder / name)
        modules = folder / "node_modules"
        if not modules.exists():
            modules.symlink_to(NODE_MODULES)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, url: str) -> None:
        """Run it against the exchange at `url`."""
        environment = {**os.environ, "EMAIL": self.owner.email, "PASSWORD": ADMIN_PASSWORD}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [COMMANDS[self.sample], str(self._script), url, self.market],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=log,
            )

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        assert self._process.poll() is None, self.words()
        self._process.send_signal(number)

    def words(self) -> str:
        """Return what it said on stderr."""
        return self._log.read_text("utf-8") if self._log.exists() else ""

    def refusals(self) -> int:
        """Return how often it was told that it asks too much."""
        return self.words().count("RATE_LIMITED")

    async def end(self) -> dict[str, Any]:
        """Have it end as its user would; return what it tells of itself."""
        self.send(signal.SIGTERM)
        assert self._process is not None
        try:
            out, _ = await asyncio.to_thread(self._process.communicate, None, _END_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.sample} doesn't end:\n{self.words()}") from None
        assert self._process.returncode == 0, self.words()
        told: dict[str, Any] = json.loads(out)
        return told

    def kill(self) -> None:
        """Leave nothing behind."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    async def quotes(self) -> dict[str, int]:
        """Return the ids of its open orders by outcome; there is never more than one of each."""
        path = f"/orders?status=OPEN,PARTIAL&market={self.market}"
        found = await self.owner.data(path)
        counted = Counter(order["outcome"] for order in found)
        assert all(count == 1 for count in counted.values()), f"{self.sample}: {found}"
        return {order["outcome"]: int(order["id"]) for order in found}


class Crowd:
    """Everybody else: a bid and an ask at some distance, and orders that take what there is."""

    def __init__(self, person: Person, markets: list[str], rng: random.Random) -> None:
        self._person = person
        self._markets = markets
        self._rng = rng

    @contextlib.asynccontextmanager
    async def trading(self) -> AsyncIterator[None]:
        """Trade a little all the while; whatever fails is left at that."""
        stop = asyncio.Event()
        task = asyncio.create_task(self._trade(stop))
        try:
            yield
        finally:
            stop.set()
            await task

    async def _trade(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            with contextlib.suppress(httpx.HTTPError):
                await self._act(self._rng.choice(self._markets))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _STEP_SECONDS)

    async def _act(self, market: str) -> None:
        rng = self._rng
        if rng.random() < 0.3:
            await self.stand(market)
        else:
            outcome, quantity = rng.choice(("YES", "NO")), str(rng.randint(1, 8))
            await self._buy(market, outcome, "0.99", quantity, "IOC")

    async def stand(self, market: str) -> None:
        """Move the two orders that stand behind everybody's."""
        rng = self._rng
        await self._person.call("DELETE", f"/orders?market={market}")
        for outcome in ("YES", "NO"):
            await self._buy(market, outcome, f"0.{rng.randint(20, 40)}", "500", "GTC")

    async def _buy(self, market: str, outcome: str, price: str, quantity: str, term: str) -> None:
        body = {"side": "BUY", "outcome": outcome, "type": "LIMIT", "timeInForce": term}
        body |= {"price": price, "quantity": quantity}
        await self._person.call("POST", f"/orders/{market}", body)
