"""The strategy's desk at a running exchange: its orders, and what it may know.

Laws: what the strategy is shown of its own orders is what it sent and what came back: one counts as
open from the moment in which it was sent until it has ended. All that the exchange tells of an
order is taken once, however it is told: in a message, or read after a connection was lost; one that
has ended is let go of once all that it traded was told. Others are shown without what is the
strategy's own. Bounds are those of a backtest's desk.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from heapq import heappop, heappush
from random import Random
from typing import Any, Final

import msgspec

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.terms import BUY, NO, SELL, YES, Outcome, Side
from exchange.messages.units import format_price, format_quantity
from gateway.research.backtest.desk import (
    OPEN_MAX,
    WAKES_MAX,
    TooManyOrders,
    leg_for,
    require_whole,
)
from gateway.research.live.book import CASH, PRICE, SHARES, units
from gateway.research.strategy import NOTHING, Fill, OpenOrder, Position, Terms

_OVER: Final = frozenset({"FILLED", "CANCELLED", "EXPIRED", "REJECTED"})
Send = Callable[[str, dict[str, Any], Callable[[dict[str, Any]], None]], None]
_NOTHING_HAPPENED: Final = "NOT_SENT"


class LiveOrder(msgspec.Struct):
    """One that isn't over, or not all of whose fills were told: as it was sent, and as far as it is
    known.
    """

    body: dict[str, Any]
    shown: OpenOrder
    id: str = ""
    seq: int = 0
    is_over: bool = False
    filled: int = 0
    """What the exchange says that it traded."""
    told: int = 0
    """What fills that were told make of that."""
    trades: set[str] = msgspec.field(default_factory=set)
    """Ids of the fills that were told."""

    @property
    def is_in_flight(self) -> bool:
        """Whether something of it is still to be heard: all, or a fill."""
        return not self.id or self.told < self.filled


class LiveDesk:
    """Takes the strategy's orders; `send` hands them to the exchange, while there is one."""

    def __init__(self, seed: int, on_refused: Callable[[OpenOrder, str], None]) -> None:
        self.send: Send | None = None
        self.held: dict[str, Position] = {}
        """Of each market, what isn't set aside for orders."""
        self.total = 0
        """Cash, set aside or not."""
        self.marks: dict[str, int] = {}
        self.orders: dict[str, LiveOrder] = {}
        """Those that aren't over, or lack a fill, by the ids that they were given here."""
        self._over: dict[str, LiveOrder] = {}
        """Those that ended last: what is told again of them is passed by."""
        self.terms: dict[str, Terms] = {}
        self.positions: dict[str, Position] = {}
        self.available = 0
        self.sent = 0
        self._on_refused = on_refused
        self._random = Random(seed)  # noqa: S311 - a strategy's chance
        self._life = secrets.token_hex(4)
        self._number = 0
        self._wakes: list[int] = []

    @property
    def now(self) -> int:
        """The machine's clock."""
        return time.time_ns() // 1_000

    @property
    def random(self) -> Random:
        """Chance by the run's seed."""
        return self._random

    @property
    def markets(self) -> Mapping[str, Terms]:
        """The markets that it trades in."""
        return self.terms

    @property
    def cash(self) -> int:
        """What isn't set aside for orders."""
        return self.available

    def equity(self) -> int:
        """Return cash and the shares of these markets at the last middle."""
        worth = self.total
        for market, held in self.positions.items():
            mark = self.marks.get(market)
            if mark is not None:
                worth += held.yes * mark + held.no * (PRICE_SCALE - mark)
        return worth

    def position(self, market: str) -> Position:
        """Return what is held."""
        return self.positions.get(market, NOTHING)

    def bid(self, market: str, price: int, quantity: int, *, post_only: bool = False) -> int:
        """Send an order to buy YES."""
        return self._place(market, BUY, price, quantity, post_only)

    def ask(self, market: str, price: int, quantity: int, *, post_only: bool = False) -> int:
        """Send an order to sell YES."""
        return self._place(market, SELL, price, quantity, post_only)

    def cancel(self, order: int) -> None:
        """Send a cancel."""
        name = self._name(order)
        found = self.orders.get(name)
        if found is None or found.is_over or found.shown.is_cancelling:
            return
        shown = found.shown
        shown.is_cancelling = True
        self.sent += 1

        def take(answer: dict[str, Any]) -> None:
            # One that was over is told so anyhow; one that wasn't may be cancelled again.
            if not answer["ok"]:
                shown.is_cancelling = False

        if self.send is not None:
            self.send("order:cancel", {"clientOrderId": name}, take)

    def open_orders(self, market: str) -> Mapping[int, OpenOrder]:
        """Return what was sent and hasn't ended."""
        shown = [one.shown for one in self.orders.values() if not one.is_over]
        return {one.number: one for one in shown if one.market == market}

    def wake(self, at: int) -> None:
        """Remember a time."""
        require_whole(at=at)
        if len(self._wakes) >= WAKES_MAX:
            raise TooManyOrders(f"more than {WAKES_MAX} timers wait")
        heappush(self._wakes, at)

    def _name(self, number: int) -> str:
        return f"{self._life}-{number}"

    def _place(self, market: str, side: Side, price: int, quantity: int, post_only: bool) -> int:
        require_whole(price=price, quantity=quantity)
        if market not in self.terms:
            raise KeyError(f"{market} isn't listed")
        if len(self.orders) >= OPEN_MAX:
            raise TooManyOrders(f"more than {OPEN_MAX} orders are open")
        self._number += 1
        self.sent += 1
        number, name = self._number, self._name(self._number)
        held = self.held.get(market, NOTHING)
        own_side, outcome, own_price = leg_for(side, price, quantity, held)
        body = {
            "market": market,
            "side": own_side.value,
            "outcome": outcome.value,
            "type": "LIMIT",
            "price": format_price(own_price),
            "quantity": format_quantity(quantity),
            "selfTradePrevention": "CANCEL_MAKER",
            "clientOrderId": name,
            "postOnly": post_only,
        }
        if own_side is SELL:
            # Not twice what is free, before the exchange has said that less is.
            taken = (quantity, 0) if outcome is YES else (0, quantity)
            self.held[market] = Position(held.yes - taken[0], held.no - taken[1])
        shown = OpenOrder(number, market, side, price, quantity, self.now)
        self.orders[name] = LiveOrder(body, shown)
        self.ask_for(name)
        return number

    # What the run asks and tells.

    def woken(self) -> int | None:
        """Return the next time that has come at which the strategy is to be woken."""
        return heappop(self._wakes) if self._wakes and self._wakes[0] <= self.now else None

    def ask_for(self, name: str) -> None:
        """Send an order, again under the same id where its outcome isn't known."""
        order = self.orders.get(name)
        if order is None:
            # It came to light meanwhile, and is over.
            return
        if self.send is None:
            self.never_sent(name)
            return

        def take(answer: dict[str, Any]) -> None:
            if answer["ok"]:
                return
            code = answer["error"]["code"]
            if code == "UNKNOWN_OUTCOME":
                self.ask_for(name)
            else:
                self._refuse(name, code)

        self.send("order:place", order.body, take)

    def never_sent(self, name: str) -> None:
        """Hear that the exchange doesn't know of an order."""
        self._refuse(name, _NOTHING_HAPPENED)

    def _refuse(self, name: str, reason: str) -> None:
        order = self.orders.pop(name, None)
        if order is not None:
            self._on_refused(order.shown, reason)

    def see(self, told: Mapping[str, Any]) -> bool:
        """Take what a message or a read shows of an order; say whether it is over."""
        name = told["clientOrderId"]
        order = self.orders.get(name)
        if order is None:
            return True
        if told["seq"] >= order.seq:
            order.id, order.seq = told["id"], told["seq"]
            order.shown.remaining = units(told["remaining"], SHARES)
            order.filled = units(told["filled"], SHARES)
            order.is_over = told["status"] in _OVER
            self._let_go(name)
        return order.is_over

    def _let_go(self, name: str) -> None:
        """Leave an order out that is over, once nothing of it is still to be heard."""
        order = self.orders.get(name)
        if order is None or not order.is_over or order.is_in_flight:
            return
        self._over[name] = self.orders.pop(name)
        if len(self._over) > OPEN_MAX:
            del self._over[next(iter(self._over))]

    def fill(self, told: Mapping[str, Any]) -> Fill | None:
        """Return a fill of an order of one's own, counted in what is held; None if it was told
        before, or the order isn't the strategy's.
        """
        name = told["clientOrderId"]
        order = self.orders.get(name) or self._over.get(name)
        if order is None or told["tradeId"] in order.trades:
            return None
        order.trades.add(told["tradeId"])
        is_up = (told["side"] == BUY.value) is (told["outcome"] == YES.value)
        quantity, market = units(told["quantity"], SHARES), told["slug"]
        order.told += quantity
        self._let_go(name)
        self._move(market, is_up=is_up, quantity=quantity)
        return Fill(
            self.now,
            market,
            order.shown.number,
            BUY if is_up else SELL,
            units(told["yesPrice"], PRICE),
            quantity,
            units(told["fee"], CASH),
            told["role"] == "MAKER",
        )

    def _move(self, market: str, *, is_up: bool, quantity: int) -> None:
        """Count a fill, whose pairs become cash by themselves; the exchange says the same soon."""
        held = self.positions.get(market, NOTHING)
        against = held.no if is_up else held.yes
        gone = min(against, quantity)
        more = quantity - gone
        self.positions[market] = (
            Position(held.yes + more, held.no - gone)
            if is_up
            else Position(held.yes - gone, held.no + more)
        )

    def hold(self, told: Mapping[str, Any]) -> None:
        """Take what the exchange says is held of an outcome."""
        market, outcome = told["slug"], Outcome(told["outcome"])
        if market in self.terms:
            quantity, free = units(told["quantity"], SHARES), units(told["free"], SHARES)
            for kept, number in ((self.positions, quantity), (self.held, free)):
                before = kept.get(market, NOTHING)
                kept[market] = (
                    Position(before.yes, number) if outcome is NO else Position(number, before.no)
                )

    def own(self, told: Mapping[str, Any]) -> None:
        """Take what the exchange says of one's cash."""
        self.available = units(told["available"], CASH)
        self.total = units(told["total"], CASH)

    def is_in_flight(self, market: str) -> bool:
        """Say whether an order was sent of which nothing has been heard yet, which a book may show,
        or whether one has traded more than its fills have told.
        """
        orders = self.orders.values()
        return any(one.is_in_flight and one.shown.market == market for one in orders)

    def resting(self, market: str) -> tuple[dict[int, int], dict[int, int]]:
        """Return what of one's own rests in a book, bids and asks: quantity by YES price."""
        bids: dict[int, int] = {}
        asks: dict[int, int] = {}
        for order in self.orders.values():
            shown = order.shown
            if order.id and not order.is_over and shown.market == market:
                side = bids if shown.side is BUY else asks
                side[shown.price] = side.get(shown.price, 0) + shown.remaining
        return bids, asks
