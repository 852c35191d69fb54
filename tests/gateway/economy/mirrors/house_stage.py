"""The house with the real rules behind it, sources that a test moves, and traders who come between
what it looked at and what it sends.
"""

import asyncio
import io
from collections.abc import Callable, Iterable
from typing import Any, cast

import msgspec
from prometheus_client import CollectorRegistry

from exchange.messages.commands import (
    BatchOrders,
    Command,
    CreateMarket,
    CreditAccount,
    OpenAccount,
    PlaceOrder,
)
from exchange.messages.terms import BUY, IOC, LIMIT, NO, SELL, YES, FeeModel, Outcome, Side
from exchange.model.market import Market
from exchange.model.system_accounts import HOUSE
from gateway.bootstrap.settings import load_settings
from gateway.economy.mirrors.figures import MirrorMetrics, at_stake
from gateway.economy.mirrors.house import House
from gateway.economy.mirrors.quoting import held_in, locked_by
from gateway.economy.mirrors.settings import MirrorSettings
from gateway.feeds.api.reading import Known
from gateway.feeds.live.followed import Followed
from gateway.feeds.model import VenueBook
from gateway.observability.logs import configure_logs
from persistence.loop.ports import Answer
from persistence.repositories.economy.mirrors import Mirror
from persistence.repositories.feeds.markets import MarketRow
from tests.gateway.engine_fake import START, EngineFake
from tests.gateway.feeds.fake_venue import market

CREDIT = 1_000_000
FAR = 4_000_000_000_000_000
ANN, BOB = 1, 2
MUCH = 10_000_000
"""What stands at a source's best price: more than any house quotes."""


class LateEngine(EngineFake):
    """An engine that runs what others had sent before the house's own comes to it; every command
    is followed by a look at what the house has at stake.
    """

    def __init__(self) -> None:
        super().__init__()
        self.before_batch: list[Command] = []
        self.checks: list[Callable[[], None]] = []

    def submit(self, command: Command) -> asyncio.Future[Answer]:
        if isinstance(command, BatchOrders):
            waiting, self.before_batch = self.before_batch, []
            for other in waiting:
                self.run(other)
        return super().submit(command)

    def run(self, command: Command) -> Answer:
        answer = super().run(command)
        for look in self.checks:
            look()
        return answer


class FollowingFake:
    """Sources that are followed, moved by hand."""

    def __init__(self) -> None:
        self.hearers: list[Any] = []
        self.known: dict[tuple[str, str], Followed] = {}
        self.reader = self
        self.venues = {"fake": None}

    def all(self) -> dict[tuple[str, str], Followed]:
        return self.known

    async def named(self, name: str) -> tuple[str, str]:
        platform, _, external_id = name.partition(":")
        return platform, external_id

    def follow(self, ref: Any, _holder: str) -> Followed:
        return self.known[ref]

    def release(self, followed: Followed, holder: str) -> None:
        pass


class RowsFake:
    """Mirrors in memory."""

    def __init__(self) -> None:
        self.mirrors: dict[int, Mirror] = {}

    async def standing(self) -> list[Mirror]:
        return list(self.mirrors.values())

    def change(self, number: int, **changes: Any) -> None:
        self.mirrors[number] = msgspec.structs.replace(self.mirrors[number], **changes)


class HouseStage:
    """Some mirrors, the house, and two traders."""

    def __init__(self, *, cash: int = 100_000, **settings: Any) -> None:
        self.engine = LateEngine()
        self.following = FollowingFake()
        self.rows = RowsFake()
        self.settings: MirrorSettings = msgspec.structs.replace(
            load_settings({}).mirrors, **settings
        )
        self.metrics = MirrorMetrics(CollectorRegistry())
        for account, credits_ in ((HOUSE, cash), (ANN, 10**8), (BOB, 10**8)):
            self.engine.run(OpenAccount(account, 0))
            self.engine.run(CreditAccount(account, credits_ * CREDIT, "to begin with"))
        self.house = House(
            cast("Any", self.rows),
            cast("Any", self.following),
            self.engine,
            self.engine.view,
            self.settings,
            self.metrics,
            configure_logs("error", io.StringIO()),
            lambda: self.engine.now,
        )
        self.seconds = 0.0

    def add(self, number: int, *, spread: int, size: int, exposure: int, tick: int = 100) -> Market:
        """Mirror a market elsewhere, which has no book yet."""
        name = f"M{number}"
        listing = CreateMarket(
            f"mirror-{number}", "Why?", "", "", FAR, tick, 1, 0, 0, FeeModel.FLAT, False
        )
        self.engine.run(listing)
        ours = self.engine.view.market_by_slug[f"mirror-{number}"]
        self.rows.mirrors[number] = Mirror(
            platform="fake", external_id=name, command=listing, labels=("Yes", "No"),
            spread=spread, size=size, exposure=exposure, id=number, status="OPEN",
            market_id=ours.id, refusal=None, quotes=True, made_at=START, changed_at=START,
            said=None, disputed=None, decided_at=None, resolved_at=None, resolution=None,
        )  # fmt: skip
        theirs = market(number, close_time=FAR)
        row = MarketRow(number, "fake", name, b"", START, START, None)
        self.following.known["fake", name] = Followed(Known(row, theirs, START), number, 0.0)
        return ours

    def say(
        self,
        number: int,
        bids: Iterable[tuple[int, int]] = (),
        asks: Iterable[tuple[int, int]] = (),
    ) -> None:
        """Have a source's stream say its whole book."""
        followed = self.following.known["fake", f"M{number}"]
        book = VenueBook(
            platform="fake", external_id=f"M{number}", bids=tuple(bids), asks=tuple(asks)
        )
        followed.by_stream = True
        followed.show(book, self.engine.now)

    def best(self, number: int, bid: int | None, ask: int | None) -> None:
        """Have a source's stream say its best prices."""
        self.say(number, [] if bid is None else [(bid, MUCH)], [] if ask is None else [(ask, MUCH)])

    def silence(self, number: int) -> None:
        """End a source's stream."""
        followed = self.following.known["fake", f"M{number}"]
        followed.by_stream = False
        followed.lose(self.seconds)

    async def tick(self) -> None:
        """Let the house look at all."""
        await self.house._tick()

    async def settle(self) -> None:
        """Let the house look until nothing is left to be done."""
        for _ in range(4):
            await self.tick()

    def stake_in(self, ours: Market) -> int:
        account = self.engine.view.accounts[HOUSE]
        return held_in(ours).cost + locked_by(account.orders_in(ours.id))

    @property
    def stake(self) -> int:
        return at_stake(self.engine.view.accounts[HOUSE])

    def quotes(self, ours: Market) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """The house's (bids, asks) of YES: (price, quantity), best first."""
        orders = list(self.engine.view.accounts[HOUSE].orders_in(ours.id))
        bids = sorted(((o.yes_price, o.remaining) for o in orders if o.is_bid), reverse=True)
        asks = sorted((o.yes_price, o.remaining) for o in orders if not o.is_bid)
        return bids, asks


def taking(
    ours: Market, account: int, outcome: Outcome, price: int, quantity: int, side: Side = BUY
) -> PlaceOrder:
    """An order that takes what stands, and goes."""
    return PlaceOrder(account, ours.id, side, outcome, LIMIT, price, quantity, IOC)


__all__ = ["ANN", "BOB", "BUY", "CREDIT", "HOUSE", "NO", "SELL", "YES", "HouseStage", "taking"]
