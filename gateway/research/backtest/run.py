"""The loop of a backtest: the tape's next event, or the strategy's next order, whichever is first.

    orders and timers due before the event  ->  the event in the engine  ->  fills  ->  callbacks

Laws: the strategy hears of an event once the engine has taken it, and at no time of anything that
is stamped later; what it sends at a time arrives behind the tape's event of that time. After every
event cash and shares come to what the run began with, and what it gained less its fees, to the
micro-credit: `check` raises if not.
"""

from collections.abc import Callable, Iterable
from typing import Final, Protocol

import msgspec

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.commands import CancelOrder, PlaceOrder
from exchange.messages.conditions import OrderConditions
from exchange.messages.errors import InvariantViolated
from exchange.messages.events import CommandRejected
from exchange.messages.terms import GTC, LIMIT, SelfTradePrevention
from exchange.model.order_book import Order
from gateway.research.backtest.desk import BacktestDesk, Cancelled, Sent, leg_for
from gateway.research.backtest.ground import Ground
from gateway.research.strategy import Book, Fill, Position, Resolved, Strategy, Terms, Trade
from gateway.research.tape.events import Ended, Listed, Printed, Seen, TapeEvent

PROGRESS_EVERY: Final = 1_000
"""Events."""
_PREVENTION: Final = SelfTradePrevention.CANCEL_MAKER
_POST_ONLY: Final = OrderConditions(post_only=True)


class Model(Protocol):
    """How the tape's others meet the trader's orders."""

    @property
    def name(self) -> str:
        """What results call it."""

    @property
    def ground(self) -> Ground:
        """The engine."""

    def take(self, event: TapeEvent) -> None:
        """Do to the engine what the tape says happened."""

    def id_of(self, market: str) -> int:
        """Return a market's id in the engine."""

    def note_order(self, order: Order, market: str) -> None:
        """Hear of an order of the trader's that has come to rest."""


class Watcher(Protocol):
    """Writes down what becomes of a run."""

    def begin(self, cash: int) -> None:
        """Hear what it begins with, in money."""

    def note_fill(self, fill: Fill, realised: int, waited_us: int) -> None:
        """Hear of a fill, the profit in money that it made of shares held, fees apart, and how long
        after its order was sent it came.
        """

    def note_mark(self, market: str, at: int, price: int) -> None:
        """Hear what a YES share of a market is worth."""

    def note_equity(self, at: int, equity: int, exposed: int) -> None:
        """Hear what all is worth at a time, and what the shares are."""

    def note_resolution(self, resolved: Resolved, held: Position, cost: int, realised: int) -> None:
        """Hear of an end, what was held and had cost, and the profit of it."""


class Stopped(Exception):
    """The run ends before its tape does; the text says why."""


class Backtest:
    """One strategy on one tape."""

    def __init__(
        self,
        model: Model,
        strategy: Callable[[BacktestDesk], Strategy],
        watcher: Watcher,
        *,
        latency_us: int = 0,
        seed: int = 0,
        check: bool = False,
    ) -> None:
        self._model = model
        self._ground = model.ground
        self.desk = BacktestDesk(latency_us, seed)
        self._strategy = strategy(self.desk)
        self._watcher = watcher
        self._check = check
        self._numbers: dict[int, int] = {}
        """The desk's number of an open order by the engine's id."""
        self._ids: dict[int, int] = {}
        self._marks: dict[str, int] = {}
        self._values: dict[str, int] = {}
        self._value = 0
        self._realised: dict[str, int] = {}
        self._start = self._ground.cash()
        self.events = 0
        self.begun_at = 0

    def run(
        self,
        tape: Iterable[TapeEvent],
        *,
        most: int | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Go through a tape; raises what the tape and `on_progress` do, and Stopped after `most`
        events.
        """
        desk, strategy = self.desk, self._strategy
        self._refresh()
        self._watcher.begin(self._start)
        strategy.on_start()
        for event in tape:
            if self.events == 0:
                self.begun_at = event.at
                desk.turn_to(event.at)
            self._until(event.at)
            desk.turn_to(event.at)
            held = self._held_before(event)
            self._model.take(event)
            self.events += 1
            self._mark(event)
            self._tell(event, held)
            if (due := desk.next_due()) is not None and due <= event.at:
                self._until(event.at + 1)
            self._note(event.at)
            if most is not None and self.events >= most:
                raise Stopped(f"{most} events")
            if on_progress is not None and self.events % PROGRESS_EVERY == 0:
                on_progress(self.events, event.at)

    def _until(self, at: int) -> None:
        """Let everything arrive that is due before a time."""
        desk = self.desk
        while (due := desk.next_due()) is not None and due < at:
            desk.turn_to(due)
            order = desk.arrived(due)
            if order is None:
                woken = desk.woken(due)
                if woken is not None:
                    self._strategy.on_timer(woken)
                continue
            if isinstance(order, Sent):
                self._place(order)
            else:
                self._cancel(order)
            self._tell_fills()
            self._note(due)

    def _place(self, sent: Sent) -> None:
        ground = self._ground
        market_id = self._model.id_of(sent.market)
        side, outcome, price = leg_for(sent.side, sent.price, sent.quantity, self._free(market_id))
        now = self.desk.now
        order_id = ground.engine.state.next_order_id
        # Known before it trades: its fills come while it is being placed.
        self._numbers[order_id] = sent.number
        self._ids[sent.number] = order_id
        events = ground.run(
            now,
            PlaceOrder(
                ground.trader,
                market_id,
                side,
                outcome,
                LIMIT,
                price,
                sent.quantity,
                GTC,
                _PREVENTION,
                None,
                None,
                None,
                _POST_ONLY if sent.post_only else None,
            ),
        )
        refusal = events[0]
        if isinstance(refusal, CommandRejected):
            del self._numbers[order_id], self._ids[sent.number]
            self.desk.end(sent.number)
            self._strategy.on_refused(sent.number, refusal.reason.name)
            return
        order = ground.engine.state.orders.get(order_id)
        if order is not None:
            self._model.note_order(order, sent.market)

    def _free(self, market_id: int) -> Position:
        held = self._ground.account.positions.get(market_id)
        return Position(0, 0) if held is None else Position(held.yes.free, held.no.free)

    def _cancel(self, cancelled: Cancelled) -> None:
        order_id = self._ids.get(cancelled.number)
        if order_id is not None and order_id in self._ground.engine.state.orders:
            self._ground.must_run(self.desk.now, CancelOrder(self._ground.trader, order_id))

    def _held_before(self, event: TapeEvent) -> tuple[Position, int]:
        """Return what is held of a market that is about to end, and what it cost."""
        if not isinstance(event, Ended):
            return Position(0, 0), 0
        held = self._ground.account.positions.get(self._model.id_of(event.market))
        if held is None:
            return Position(0, 0), 0
        position = Position(held.yes.quantity, held.no.quantity)
        return position, held.yes.cost + held.no.cost

    def _mark(self, event: TapeEvent) -> None:
        """Take note of what a market's share is worth."""
        match event:
            case Seen(market=market, bids=bids, asks=asks) if bids and asks:
                mark = (bids[0].price + asks[0].price) // 2
            case Printed(market=market, price=mark):
                pass
            case Ended(market=market, yes_payout=mark):
                pass
            case _:
                return
        self._marks[market] = mark
        self._watcher.note_mark(market, event.at, mark)
        if market in self._values:
            self._revalue(market)

    def _revalue(self, market: str) -> None:
        """Bring the value of what is held of a market to its mark."""
        held = self._ground.position(self._model.id_of(market))
        self.desk.positions[market] = held
        mark = self._marks[market]
        value = held.yes * mark + held.no * (PRICE_SCALE - mark)
        self._value += value - self._values.get(market, 0)
        if held.yes or held.no:
            self._values[market] = value
        else:
            self._values.pop(market, None)

    def _tell(self, event: TapeEvent, held: tuple[Position, int]) -> None:
        """Call the strategy: its fills first, then the event."""
        strategy = self._strategy
        if not isinstance(event, Ended):
            self._tell_fills()
        match event:
            case Listed():
                terms = Terms(
                    market=event.market,
                    title=event.title,
                    closes_at=event.closes_at,
                    tick=event.tick,
                    event=event.event,
                )
                self.desk.list(terms)
                strategy.on_listed(terms)
            case Seen():
                strategy.on_book(Book(event.at, event.market, event.bids, event.asks))
            case Printed():
                strategy.on_trade(
                    Trade(event.at, event.market, event.price, event.quantity, event.side)
                )
            case Ended():
                realised = self._realise(event.market)
                self._tell_fills()
                self._revalue(event.market)
                self._refresh()
                resolved = Resolved(event.at, event.market, event.yes_payout)
                self._watcher.note_resolution(resolved, held[0], held[1], realised)
                strategy.on_resolution(resolved)

    def _tell_fills(self) -> None:
        """Tell of new fills and ends, until the strategy has heard of all."""
        ground, desk = self._ground, self.desk
        if not ground.fills and not ground.ended:
            return
        fills, ground.fills = ground.fills, []
        ended, ground.ended = ground.ended, []
        last: dict[str, int] = {}
        waited: list[int] = []
        for place, fill in enumerate(fills):
            last[fill.market] = place
            number = self._numbers[fill.order]
            waited.append(fill.at - desk.reduce(number, fill.quantity))
            fills[place] = msgspec.structs.replace(fill, order=number)
        for order_id in ended:
            number = self._numbers.pop(order_id, 0)
            self._ids.pop(number, None)
            desk.end(number)
        ground.settle_fees(desk.now)
        for market, place in last.items():
            self._marks.setdefault(market, fills[place].price)
            self._revalue(market)
        self._refresh()
        for place, fill in enumerate(fills):
            # What they realised is known of all fills of a market together.
            realised = self._realise(fill.market) if place == last[fill.market] else 0
            self._watcher.note_fill(fill, realised, waited[place])
        for fill in fills:
            self._strategy.on_fill(fill)

    def _realise(self, market: str) -> int:
        """Return the profit of a market since the last look, in money, fees apart."""
        held = self._ground.account.positions.get(self._model.id_of(market))
        now = 0 if held is None else held.realised
        made = now - self._realised.get(market, 0)
        self._realised[market] = now
        return made

    def _refresh(self) -> None:
        self.desk.available = self._ground.account.available
        self.desk.worth = self._ground.cash() + self._value

    def _note(self, at: int) -> None:
        self._refresh()
        self._watcher.note_equity(at, self.desk.worth, self._value)
        if self._check:
            self.check()

    def check(self) -> None:
        """Raise InvariantViolated unless cash and shares are start + profit - fees, exactly."""
        ground = self._ground
        profit = 0
        for market_id, held in ground.account.positions.items():
            value = self._values.get(ground.names[market_id], 0)
            profit += held.realised + value - held.yes.cost - held.no.cost
        expected = self._start + profit - ground.fees_paid
        if self.desk.worth != expected:
            raise InvariantViolated(f"equity is {self.desk.worth}, not {expected}")
