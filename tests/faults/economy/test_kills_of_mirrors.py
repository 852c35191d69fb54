"""`kill -9` before and after each step of a mirror's making and of its end: one market, paid once,
whenever the process dies; and nothing of the house's stands on a price of before.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from exchange.proof.ledger import EntryKind, Owner
from gateway.economy.mirrors.carrying import CarryingPoint
from gateway.economy.mirrors.making import Point
from gateway.economy.mirrors.resolving import JudgingPoint
from tests.faults.economy import dying_mirrors
from tests.lengths import some
from tests.server_process import ServerProcess, until

LISTED = 20
"""The sample venue has a few more."""
POINTS = some(list(Point), (3,))
ENDS = some((*JudgingPoint, *CarryingPoint), (3,))
"""Where something is half done; a long run dies at all of them."""


class DyingServer(ServerProcess):
    """A server whose sample venue is told what has ended; it dies at a point, if one is set."""

    dies_at = ""

    def launch(self, *arguments: str) -> None:
        if not self.data_dir.exists():
            super().launch(*arguments)
            return
        with self.log.open("ab") as log:
            command = [str(dying_mirrors.__file__), self.command, *arguments]
            self.process = self._started(command, log, DIES_AT=self.dies_at, ENDED=str(self.ended))

    @property
    def ended(self) -> Path:
        """The file that names what has ended."""
        return self.data_dir.with_name("ended")

    def is_dead(self) -> bool:
        """Whether the process has ended."""
        return self.process is not None and self.process.poll() is not None

    def mirror(self, name: str) -> httpx.Response | None:
        """Mirror a sample market; None if nobody answers."""
        body = {"marketId": f"sample:{name}", "spread": "0.01", "size": "20"}
        with contextlib.suppress(httpx.HTTPError):
            return httpx.post(
                f"{self.url}/api/v1/admin/mirrors",
                json=body,
                headers={"authorization": f"Bearer {self.admin()}"},
                timeout=30,
            )
        return None

    def mirrors(self) -> dict[str, dict[str, Any]]:
        """The mirrors by their source's own id."""
        listed = self.call("GET", "/admin/mirrors?limit=100", self.admin())
        return {one["externalId"]: one for one in listed}

    def restart(self, dies_at: str = "") -> None:
        """End it, if it runs, and start it anew; it may die while it starts."""
        if not self.is_dead():
            assert self.end() == 0
        self._admin_token = ""
        self.dies_at = dies_at
        if dies_at:
            self.launch()
        else:
            self.start()


@pytest.fixture
def server(home: Path) -> Iterator[DyingServer]:
    """A server with the sample venue, ready, that lives."""
    more = {"FEED_PLATFORMS": "sample", "MIRROR_RESOLUTION_DELAY": "1s"}
    made = DyingServer(home / "data", more)
    made.start()
    yield made
    made.clean_up()


def long_lived(server: DyingServer, count: int) -> list[str]:
    """Sample markets that don't end soon."""
    listed = server.call("GET", "/markets?platform=sample&status=OPEN&limit=100")
    far = [
        one["externalId"]
        for one in listed
        if datetime.fromisoformat(one["closeTime"]).timestamp() > time.time() + 7_200
    ]
    assert len(far) >= count
    return far[:count]


async def until_listed(server: DyingServer) -> None:
    path = "/markets?platform=sample&limit=100"
    await until(lambda: len(server.call("GET", path)) >= LISTED)


def buying(ask: str) -> dict[str, str]:
    """An order that takes a share of what the house asks, also if it has moved a little."""
    price = min(float(ask) + 0.1, 0.99)
    terms = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "timeInForce": "IOC"}
    return terms | {"price": f"{price:.2f}", "quantity": "1"}


async def verified(server: DyingServer) -> None:
    """End the server; everything is accounted for."""
    assert await asyncio.to_thread(server.end) == 0
    done = await asyncio.to_thread(server.run, "verify")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_mirror_is_one_market_wherever_the_process_dies(server: DyingServer) -> None:
    await until_listed(server)
    names = dict(zip(POINTS, long_lived(server, len(POINTS)), strict=True))
    hit = []
    for point, name in names.items():
        await asyncio.to_thread(server.restart, point)
        await asyncio.to_thread(server.await_ready)
        server.admin()
        assert await asyncio.to_thread(server.mirror, name) is None
        await until(server.is_dead)
        hit.append(str(point))
        await asyncio.to_thread(server.restart)
        if point is Point.BEFORE_MIRROR:
            # Nothing was intended.
            answer = await asyncio.to_thread(server.mirror, name)
            assert answer is not None
            assert answer.status_code == 201
        await until(lambda name=name: server.mirrors()[name]["status"] == "OPEN")  # type: ignore[misc]
        again = await asyncio.to_thread(server.mirror, name)
        assert again is not None
        assert again.status_code == 409
    print("died at", *hit)
    assert len(hit) == len(POINTS)
    found = server.mirrors()
    async with server.database() as connection:
        count = await connection.fetchval("SELECT count(*) FROM markets")
    assert count == len({one["market"] for one in found.values()}) == len(POINTS)
    await verified(server)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_its_end_is_paid_once_wherever_the_process_dies(server: DyingServer) -> None:
    await until_listed(server)
    house = {"amount": "10000", "reason": "the house's own"}
    server.call("POST", "/admin/users/9000000000000000/credit", server.admin(), house)
    names = dict(zip(ENDS, long_lived(server, len(ENDS)), strict=True))
    for name in names.values():
        answer = await asyncio.to_thread(server.mirror, name)
        assert answer is not None
        assert answer.status_code == 201
    await asyncio.to_thread(server.restart)
    _, token = await asyncio.to_thread(server.trader)
    # One whose source is nearly certain has nothing to be sold at.
    await until(
        lambda: sum(one["ask"] is not None for one in server.mirrors().values()) > len(ENDS) // 3
    )
    for one in [one for one in server.mirrors().values() if one["ask"] is not None]:
        server.call("POST", f"/orders/{one['slug']}", token, buying(one["ask"]))
    bought = {p["slug"]: p for p in server.call("GET", "/user/positions", token)}
    assert len(bought) > 0
    hit = []
    for point, name in names.items():
        await asyncio.to_thread(server.restart, point)
        before = server.ended.read_text("utf-8") if server.ended.exists() else ""
        server.ended.write_text(f"{before} {name}", "utf-8")
        await until(server.is_dead)
        hit.append(str(point))
        await asyncio.to_thread(server.restart)
        await until(lambda name=name: server.mirrors()[name]["status"] == "RESOLVED")  # type: ignore[misc]
    print("died at", *hit)
    assert len(hit) == len(ENDS)
    paid = 0.0
    async with server.database() as connection:
        for one in server.mirrors().values():
            market = server.call("GET", f"/markets/{one['slug']}")
            assert market["resolution"] == one["resolution"]
            assert market["source"].startswith(f"{one['marketId']}: {one['resolution']}, ")
            if one["resolution"] == "YES" and one["slug"] in bought:
                paid += float(bought[one["slug"]]["quantity"])
        settled = await connection.fetchval(
            "SELECT coalesce(sum(available), 0) FROM ledger l JOIN users u ON u.id = l.owner_id"
            " WHERE l.owner = $1 AND l.kind = $2 AND u.role = 'USER'",
            *(int(Owner.ACCOUNT), int(EntryKind.SETTLEMENT)),
        )
    assert settled == round(paid * 1_000_000)
    await verified(server)
