"""A real server that asks both venues, which stand in for themselves on loopback."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.server_process import ServerProcess
from tests.venues import kalshi, kalshi_samples
from tests.venues.kalshi import KalshiStandIn
from tests.venues.polymarket import PolymarketStandIn, sample_event, sample_market

EVENTS = 130
"""Of Polymarket, so that its list has a second page."""
TICKERS = 40
NEVER_ASKED = 20
"""From this number on markets are asked for once only, so that nothing of them is known."""
QUICK = {
    "FEED_PLATFORMS": "polymarket,kalshi",
    "FEED_TIMEOUT_SECONDS": "0.4",
    "FEED_PAUSE_SECONDS": "0.5",
    "MARKET_INGEST_CRON": "* * * * * */2",
    "MARKET_PRICE_INTERVAL_SECONDS": "2",
    "MARKET_RESOLUTION_INTERVAL_SECONDS": "2",
    "KALSHI_POLL_INTERVAL_SECONDS": "2",
}


@dataclass
class Venues:
    """Both stand-ins, and the server that asks them."""

    polymarket: PolymarketStandIn
    kalshi: KalshiStandIn
    server: ServerProcess
    client: httpx.AsyncClient
    answers: list[tuple[str, int]] = field(default_factory=list)
    """Every path that was asked, and the status."""

    async def ask(self, path: str) -> tuple[int, Any]:
        """Return the status and the whole answer."""
        told = await self.client.get(f"/api/v1{path}")
        self.answers.append((path, told.status_code))
        return told.status_code, told.json()

    async def get(self, path: str) -> Any:
        """Return the data of an answer, which is a success."""
        status, told = await self.ask(path)
        assert status == 200, (path, told)
        return told["data"]

    async def status(self) -> dict[str, dict[str, Any]]:
        """Return what `/feed/status` says, by platform."""
        return {one["platform"]: one for one in await self.get("/feed/status")}

    async def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric's samples with these labels."""
        found = 0.0
        for line in (await self.client.get("/metrics")).text.splitlines():
            if line.startswith(f"{name}{{") and all(
                f'{label}="{value}"' in line for label, value in labels.items()
            ):
                found += float(line.rpartition(" ")[2])
        return found

    async def until(self, holds: Callable[[dict[str, dict[str, Any]]], object]) -> None:
        """Wait until what `/feed/status` says is so."""
        deadline = asyncio.get_running_loop().time() + 60
        while not holds(status := await self.status()):
            assert asyncio.get_running_loop().time() < deadline, (status, self.server.words())
            await asyncio.sleep(0.05)

    async def well(self) -> None:
        """Wait until both venues' lists were read after now."""
        before = {name: one["lastSuccessAt"] for name, one in (await self.status()).items()}
        await self.until(
            lambda now: all(
                one["ok"] and one["lastSuccessAt"] != before[name] for name, one in now.items()
            )
        )


def polymarket() -> PolymarketStandIn:
    """Polymarket with some markets, the first the newest."""
    events = [
        sample_event(number, [sample_market(number, endDate="2099-12-31T12:00:00Z")])
        for number in range(EVENTS)
    ]
    return PolymarketStandIn(events=events)


def kalshi_world() -> KalshiStandIn:
    """Kalshi with some markets and their books."""
    tickers = [f"RAIN-{number}-NYC" for number in range(TICKERS)]
    events = [
        kalshi_samples.event(
            f"RAIN-{number}",
            markets=[kalshi_samples.market(ticker, close_time="2099-12-01T23:00:00Z")],
        )
        for number, ticker in enumerate(tickers)
    ]
    book = {"orderbook_fp": {"yes_dollars": [["0.37", "10"]], "no_dollars": [["0.61", "5"]]}}
    return KalshiStandIn(
        events=events,
        series=[kalshi_samples.series()],
        books=dict.fromkeys(tickers, book),
        page=15,
    )


def key_settings() -> dict[str, str]:
    """Return what signs in with the key whose public half the stand-in knows."""
    pem = kalshi.KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return {"KALSHI_KEY_ID": kalshi.KEY_ID, "KALSHI_PRIVATE_KEY": pem.replace("\n", "\\n")}


def account_settings() -> dict[str, str]:
    """Return what signs in with e-mail and password."""
    return {"KALSHI_EMAIL": kalshi.EMAIL, "KALSHI_PASSWORD": kalshi.PASSWORD}


@asynccontextmanager
async def asked_venues(folder: Path, **settings: str) -> AsyncIterator[Venues]:
    """Start the stand-ins and a server that has read their lists; end it all."""
    async with polymarket().running() as first, kalshi_world().running() as second:
        server = ServerProcess(
            folder / "data",
            {
                **QUICK,
                **first.environment,
                "KALSHI_API_URL": second.rest.url + kalshi.API,
                "KALSHI_WS_URL": second.socket.url + kalshi.SOCKET,
                **settings,
            },
        )
        try:
            # In threads: the stand-ins live in this loop.
            await asyncio.to_thread(server.start)
            async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
                made = Venues(first, second, server, client)
                await made.until(lambda now: all(one["ok"] for one in now.values()))
                yield made
            assert await asyncio.to_thread(server.end) == 0
        finally:
            server.clean_up()
