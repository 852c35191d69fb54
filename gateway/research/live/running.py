"""A strategy on its way through connections to a running exchange, until it is told to stop.

    sign in -> join -> cancel on disconnect -> what is held -> books -> callbacks

Laws: its orders are tied to the connection: where that ends, for whatever reason, the exchange
cancels them, and what they still traded is read and told before the next one begins. Callbacks come
one at a time, in the order in which the exchange tells; a strategy that raises ends the run. What a
strategy can't see here: the past, and whether an order is about to be filled.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec

from exchange.messages.terms import BUY, SELL, YES, Resolution
from gateway.research.live.book import PRICE, SHARES, LiveBook, units
from gateway.research.live.desk import LiveDesk
from gateway.research.live.line import Declined, LineLost, SocketLine
from gateway.research.live.session import Session
from gateway.research.strategy import (
    Book,
    Desk,
    Fill,
    OpenOrder,
    Resolved,
    Strategy,
    Terms,
    Trade,
)
from gateway.wire.scalars import parse_time

LOOK_S: Final = 0.05
"""How often it is seen whether the strategy wants to be woken."""
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 10.0
ENDS_S: Final = 15.0
"""So long after a connection its orders are surely cancelled."""
_READ_EVERY_S: Final = 0.5
_PAYOUTS: Final = {Resolution.YES.value: 10_000, Resolution.NO.value: 0, "VOID": 5_000}

Say = Callable[[str], None]


class LiveRun:
    """One strategy in some markets."""

    def __init__(
        self,
        url: str,
        session: Session,
        markets: Sequence[str],
        strategy: Callable[[Desk], Strategy],
        *,
        seed: int = 0,
        say: Say = lambda _text: None,
        on_fill: Callable[[Fill], None] = lambda _fill: None,
    ) -> None:
        """Trade in `markets` (slugs); `say` hears what befalls connections, `on_fill` each fill."""
        self._url = url.rstrip("/")
        self._session = session
        self._names = list(markets)
        self._say = say
        self._on_fill = on_fill
        self.desk = LiveDesk(seed, self._refused)
        self._strategy = strategy(self.desk)
        self._books: dict[str, LiveBook] = {}
        self._slugs: dict[str, str] = {}
        """By the markets' ids."""
        self._shown: dict[str, object] = {}
        self._ended: set[str] = set()
        self._line: SocketLine | None = None
        self._failure: asyncio.Future[None] | None = None
        self._has_begun = False

    async def run(self, stop: asyncio.Event) -> None:
        """Trade until `stop` is set, or all markets have ended; raises Declined for what no waiting
        mends (a wrong password, a market that isn't there), and what the strategy raises.
        """
        self._failure = asyncio.get_running_loop().create_future()
        pause = FIRST_PAUSE_S
        while not stop.is_set():
            begun = time.monotonic()
            try:
                if await self._connection(stop):
                    return
            except LineLost as lost:
                self._say(f"connection lost: {lost}")
            if time.monotonic() - begun > LONGEST_PAUSE_S:
                pause = FIRST_PAUSE_S
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    async def _connection(self, stop: asyncio.Event) -> bool:
        """Trade over one connection; True if that was all. Raises LineLost."""
        await self._session.fresh()
        if not self._has_begun:
            await self._list()
        line = await SocketLine.open(self._url, self._session.token, self._hear)
        try:
            await line.ask("session:cancel_on_disconnect", {"enabled": True})
            await self._settle()
            await self._read_account()
            self._line, self.desk.send = line, line.send
            if not self._has_begun:
                self._has_begun = True
                self._strategy.on_start()
                for terms in self.desk.terms.values():
                    self._strategy.on_listed(terms)
            for name in self.desk.terms:
                await self._subscribe(line, name)
            return await self._trade(line, stop)
        finally:
            self._line = self.desk.send = None
            await line.close()

    async def _trade(self, line: SocketLine, stop: asyncio.Event) -> bool:
        """Go on until the line ends; True once all is over, and nothing is left in a book."""
        failure = self._failure
        while True:
            if failure is not None and failure.done():
                await self._leave(line)
                failure.result()
            if stop.is_set() or self._ended >= set(self.desk.terms):
                await self._leave(line)
                return True
            if line.lost.done():
                raise LineLost(line.lost.result())
            if await self._session.fresh():
                await line.ask("session:authenticate", {"token": self._session.token})
            while (at := self.desk.woken()) is not None:
                self._guarded(self._strategy.on_timer, at)
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(line.lost), LOOK_S)

    async def _leave(self, line: SocketLine) -> None:
        """Take back what rests, and hear of what it still traded."""
        self.desk.send = None
        for name in self.desk.terms:
            with suppress(Declined, LineLost):
                await line.ask("order:cancel_all", {"market": name})
        with suppress(Declined, LineLost):
            await self._settle()

    async def _list(self) -> None:
        for name in self._names:
            market = await self._session.call("GET", f"/markets/{name}")
            slug = market["slug"]
            self._slugs[market["id"]] = slug
            self.desk.terms[slug] = Terms(
                market=slug,
                title=market["question"],
                closes_at=parse_time(market["closeTime"], "closeTime"),
                tick=units(market["tickSize"], PRICE),
                event=slug,
            )

    async def _settle(self) -> None:
        """Read what became of orders whose connection has ended, until each is over."""
        until = time.monotonic() + ENDS_S
        while self.desk.orders and time.monotonic() < until:
            for name in list(self.desk.orders):
                await self._read_order(name)
            if self.desk.orders:
                await asyncio.sleep(_READ_EVERY_S)

    async def _read_order(self, name: str) -> None:
        try:
            told = await self._session.call("GET", f"/orders/by-client-id/{name}")
        except Declined as refusal:
            if refusal.code != "ORDER_NOT_FOUND":
                raise
            self.desk.never_sent(name)
            return
        if self.desk.see(told) and units(told["filled"], SHARES):
            path = f"/user/fills?orderId={told['id']}"
            for fill in reversed(await self._session.every(path)):
                self._filled(fill)

    async def _read_account(self) -> None:
        self.desk.own(await self._session.call("GET", "/user/balance"))
        for position in await self._session.every("/user/positions"):
            self.desk.hold(position)

    async def _subscribe(self, line: SocketLine, name: str) -> None:
        self._books[name] = LiveBook()
        await line.ask("subscribe:market", {"market": name, "outcome": "YES"})

    # What is heard.

    def _hear(self, event: str, data: Any) -> None:  # noqa: ANN401 - any JSON
        """Take an event; what isn't of these markets, or of no use, is passed by."""
        match event:
            case "orderbook_update":
                self._book(data)
            case "trade_executed":
                self._print(data)
            case "order_placed" | "order_updated" | "order_cancelled":
                self.desk.see(data)
            case "order_filled":
                self._filled(data)
            case "balance_updated":
                self.desk.own(data)
                self._look_at_all()
            case "position_updated":
                self.desk.hold(data)
                self._look_at_all()
            case "market_updated":
                self._market(data)

    def _book(self, update: dict[str, Any]) -> None:
        slug = self._slugs.get(update["marketId"])
        if slug is None or slug in self._ended or update["outcome"] != YES.value:
            return
        book = self._books.setdefault(slug, LiveBook())
        if not book.apply(update):
            self._say(f"{slug}: a gap in the book, it is asked for again")
            if self._line is not None:
                again = {"market": slug, "outcome": "YES"}
                self._line.send("subscribe:market", again, lambda _answer: None)
            return
        self._look(slug)

    def _look_at_all(self) -> None:
        """Look at all books: what the exchange tells of an order comes before what that did to
        cash and shares, which the strategy has to know of first.
        """
        for slug in self.desk.terms:
            self._look(slug)

    def _look(self, slug: str) -> None:
        """Show the strategy what others have, where that changed; not while one of its own orders
        may be among them, or has traded and its fill isn't told.
        """
        book = self._books.get(slug)
        if book is None or book.seq is None or self.desk.is_in_flight(slug):
            return
        bids, asks = book.others(*self.desk.resting(slug))
        if self._shown.get(slug) == (bids, asks):
            return
        self._shown[slug] = bids, asks
        shown = Book(self.desk.now, slug, bids, asks)
        if shown.middle is not None:
            self.desk.marks[slug] = shown.middle
        self._guarded(self._strategy.on_book, shown)

    def _print(self, told: dict[str, Any]) -> None:
        slug = self._slugs.get(told["marketId"])
        if slug is None:
            return
        is_up = (told["side"] == BUY.value) is (told["outcome"] == YES.value)
        price, quantity = units(told["yesPrice"], PRICE), units(told["quantity"], SHARES)
        self.desk.marks.setdefault(slug, price)
        side = BUY if is_up else SELL
        self._guarded(self._strategy.on_trade, Trade(self.desk.now, slug, price, quantity, side))

    def _filled(self, told: dict[str, Any]) -> None:
        fill = self.desk.fill(told)
        if fill is not None:
            self._on_fill(fill)
            self._guarded(self._strategy.on_fill, fill)

    def _market(self, told: dict[str, Any]) -> None:
        slug = self._slugs.get(told.get("id", ""))
        if slug is None or told.get("resolution") is None or slug in self._ended:
            return
        self._ended.add(slug)
        split = told.get("yesPayout")
        payout = _PAYOUTS.get(told["resolution"])
        if payout is None:
            payout = 0 if split is None else units(split, PRICE)
        self.desk.marks[slug] = payout
        self._guarded(self._strategy.on_resolution, Resolved(self.desk.now, slug, payout))

    def _refused(self, order: OpenOrder, reason: str) -> None:
        # Not within the call by which the strategy sent it.
        loop = asyncio.get_running_loop()
        loop.call_soon(self._guarded, self._strategy.on_refused, order.number, reason)
        loop.call_soon(self._look, order.market)

    def _guarded(self, call: Callable[..., None], *told: object) -> None:
        """Call the strategy, unless it has failed; what it raises ends the run."""
        failure = self._failure
        if failure is None or failure.done():
            return
        try:
            call(*told)
        except Exception as error:  # noqa: BLE001 - the strategy's own
            failure.set_exception(error)


class Summary(msgspec.Struct):
    """What a run traded."""

    fills: int = 0
    bought: int = 0
    sold: int = 0
    fees: int = 0

    def add(self, fill: Fill) -> None:
        """Count a fill."""
        self.fills += 1
        self.fees += fill.fee
        if fill.side is BUY:
            self.bought += fill.quantity
        else:
            self.sold += fill.quantity
