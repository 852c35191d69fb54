"""A server with sockets, Polymarket on loopback behind it, and readers of its stream."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gateway.feeds.live import following, line
from gateway.feeds.polymarket.client import Polymarket
from gateway.feeds.polymarket.settings import PolymarketSettings
from gateway.feeds.upstream.bounds import Bounds
from gateway.feeds.upstream.reconnecting import SocketBounds
from gateway.feeds.venue import Venue
from gateway.observability.logs import configure_logs
from gateway.observability.metrics import Metrics
from gateway.settings.reader import read_area
from persistence.postgres.database import DeadlinePool, create_pool
from tests.gateway.socket_client import BookModel, SocketClient
from tests.gateway.socket_desk import SocketDesk, open_socket_desk
from tests.venues.book_flow import BookFlow
from tests.venues.polymarket import (
    PolymarketStandIn,
    condition_id,
    sample_event,
    sample_market,
    tokens,
)
from tests.venues.polymarket_flow import decimal

QUICK = Bounds(
    read_s=0.3, whole_s=0.6, tries=2, first_wait_s=0.01, longest_wait_s=0.02, jitter_s=0.01,
    failures=50, open_s=0.1,
)  # fmt: skip
QUICK_SOCKET = SocketBounds(ping_s=0.1, silent_s=0.5, first_pause_s=0.02, longest_pause_s=0.1)


def market_id(number: int = 1) -> str:
    return f"polymarket:{condition_id(number)}"


@dataclass
class Stage:
    """What a test of the stream is made of."""

    desk: SocketDesk
    venue: PolymarketStandIn
    pool: DeadlinePool
    flow: BookFlow
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.desk.port

    def subscriptions(self, number: int = 1, operation: str = "subscribe") -> int:
        """How often the venue was asked to stream a market, or to stop."""
        return subscriptions(self.venue, number, operation)

    async def say_change(self, levels: Any, *, book: BookFlow | None = None) -> None:
        """Tell the venue's readers of levels (is it a bid, price, quantity) of market 1."""
        await self.venue.socket.say(change_frame(levels, book or self.flow))

    async def say_trade(self, price: str = "0.55", size: str = "5", **over: Any) -> None:
        frame = {
            "event_type": "last_trade_price", "market": condition_id(1),
            "asset_id": tokens(1)[0], "side": "BUY", "price": price, "size": size,
            "timestamp": "1770921571395", "fee_rate_bps": "0", **over,
        }  # fmt: skip
        await self.venue.socket.say(msgspec.json.encode(frame).decode())


def subscriptions(venue: PolymarketStandIn, number: int = 1, operation: str = "subscribe") -> int:
    """How often a venue was asked to stream a market, or to stop, by whomever."""
    token, count = tokens(number)[0], 0
    for text in venue.socket.heard:
        if text != "PING" and token in text:
            asked = msgspec.json.decode(text)
            count += asked.get("operation", "subscribe") == operation
    return count


def flow_of_sample(seed: int = 1) -> BookFlow:
    """The moving book that begins as the sample's."""
    return BookFlow(
        {1_000: 5_000, 5_400: 10_050}, {9_000: 2_000, 5_600: 725}, 100, random.Random(seed)
    )


def change_frame(levels: Any, book: BookFlow) -> str:
    changes = [
        {
            "asset_id": tokens(1)[0],
            "price": decimal(price, 10_000),
            "size": decimal(quantity, 100),
            "side": "BUY" if is_bid else "SELL",
            "best_bid": decimal(max(book.bids, default=0), 10_000),
            "best_ask": decimal(min(book.asks, default=10_000), 10_000),
        }
        for is_bid, price, quantity in levels
    ]
    frame = {
        "event_type": "price_change", "market": condition_id(1), "timestamp": "1770921571395",
        "price_changes": changes,
    }  # fmt: skip
    return msgspec.json.encode(frame).decode()


class BookReader:
    """The book of one outcome as a subscriber keeps it; every checksum is checked."""

    def __init__(self, client: SocketClient, outcome: str = "YES", market: str = "") -> None:
        self.client = client
        self.outcome = outcome
        self.market = market or market_id()
        self.model = BookModel()
        self.kinds: list[str] = []
        self._read = 0

    def catch_up(self) -> BookModel:
        heard = self.client.events
        for name, data in heard[self._read :]:
            if (
                name == "orderbook_update"
                and data["outcome"] == self.outcome
                and data["marketId"] == self.market
            ):
                self.model.apply(data)
                self.kinds.append(data["kind"])
        self._read = len(heard)
        return self.model

    def snapshots(self) -> int:
        """How many snapshots came so far."""
        self.catch_up()
        return self.kinds.count("snapshot")

    async def until(self, bids: Mapping[int, int], asks: Mapping[int, int]) -> None:
        """Wait until the book is this one, by the prices of its own outcome."""
        await self.client.until(
            lambda: (self.catch_up().bids, self.model.asks) == (dict(bids), dict(asks))
        )


def quicken(monkeypatch: Any) -> None:
    """Have what takes seconds take parts of them."""
    monkeypatch.setattr(line, "POLL_S", 0.1)
    monkeypatch.setattr(line, "_LOOK_S", 0.02)
    monkeypatch.setattr(line, "_POLL_GAP_S", 0.01)
    monkeypatch.setattr(following, "GRACE_S", 0.2)
    monkeypatch.setattr(following, "LOOK_S", 0.05)
    monkeypatch.setattr("gateway.feeds.live.followed.STALE_S", 0.3)


@asynccontextmanager
async def open_stage(
    database_url: str,
    *,
    markets: int = 3,
    socket: SocketBounds = QUICK_SOCKET,
    venues: Callable[[Polymarket], Mapping[str, Venue]] = lambda made: {"polymarket": made},
    **changes: object,
) -> AsyncIterator[Stage]:
    rows = [sample_market(number) for number in range(1, markets + 1)]
    pool = await create_pool(database_url, size=4)
    try:
        async with PolymarketStandIn([sample_event(1, rows)]).running() as venue:
            settings, wrong = read_area(PolymarketSettings, venue.environment)
            assert settings is not None, wrong
            metrics, logger = Metrics(), configure_logs("error")
            made = Polymarket(settings, metrics, logger, bounds=QUICK, socket_bounds=socket)
            named: dict[str, Any] = {"FEED_STREAM_INTERVAL_MS": 10, **changes}
            async with open_socket_desk(pool=pool, venues=venues(made), **named) as desk:
                yield Stage(desk, venue, pool, flow_of_sample(), rows)
            await made.close()
    finally:
        await pool.close()


async def rest() -> None:
    """Let what is on its way arrive."""
    await asyncio.sleep(0.15)
