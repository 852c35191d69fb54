"""The loop of a backtest: the tape's next event, or the strategy's next order, whichever is first.

    orders and timers due before the event  ->  the event in the engine  ->  fills  ->  callbacks

Laws: the strategy hears of an event once the engine has taken it, and at no time of anything that
is stamped later; what it sends at a time arrives behind all that the tape has of that time (a turn
of the past that is replayed is taken at its place).
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol, TypeVar

import msgspec

from exchange.messages.commands import CancelOrder, Command, PlaceOrder
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import CommandRejected, Event
from exchange.messages.execution import Execution
from exchange.messages.terms import GTC, LIMIT, SelfTradePrevention
from exchange.model.accounts import Account
from gateway.research.backtest.desk import BacktestDesk, Cancelled, Raw, Sent, leg_for
from gateway.research.backtest.ground import Ground
from gateway.research.backtest.valuation import Valuation
from gateway.research.strategy import (
    NOTHING,
    Book,
    Fill,
    Position,
    Resolved,
    Strategy,
    Terms,
    Trade,
)
from gateway.research.tape.events import Ended, Listed, Printed, Seen, TapeEvent

PROGRESS_EVERY: Final = 1_000
"""Events."""
TIDIED_EVERY: Final = 64
_PREVENTION: Final = SelfTradePrevention.CANCEL_MAKER
_POST_ONLY: Final = OrderConditions(post_only=True)
StepT = TypeVar("StepT", TapeEvent, Execution)
StepT_contra = TypeVar("StepT_contra", contravariant=True)


class Model(Protocol[StepT_contra]):
    """How the tape's others meet the trader's orders."""

    @property
    def name(self) -> str:
        """What results call it."""

    @property
    def ground(self) -> Ground:
        """The engine."""

    @property
    def turn(self) -> Execution | None:
        """What the trader did in the past at this place, where its past is being replayed."""

    def begin(self, at: int) -> None:
        """Let the trader in."""

    def take(self, step: StepT_contra) -> None:
        """Do to the engine what the tape says happened."""

    def send(self, at: int, command: Command) -> list[Event]:
        """Run a command of the trader's."""

    def repeat(self, at: int, command: Command) -> list[Event]:
        """Run one that calls orders what the past that is replayed called them."""

    def told(self) -> list[TapeEvent]:
        """Return what everybody has heard since the last look."""

    def id_of(self, market: str) -> int:
        """Return a market's id in the engine."""

    def note_order(self, order_id: int, market: str) -> None:
        """Hear of an order of the trader's that has come to rest."""


class Watcher(Protocol):
    """Writes down what becomes of a run."""

    def note_deposit(self, amount: int) -> None:
        """Hear of money that came from outside, what the run begins with among it."""

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
        model: Model[StepT],
        strategy: Callable[[BacktestDesk], Strategy],
        watcher: Watcher,
        *,
        latency_us: int = 0,
        seed: int = 0,
        check: bool = False,
    ) -> None:
        self._model: Model[Any] = model
        self._ground = model.ground
        self.valuation = Valuation(model.ground)
        self.desk = BacktestDesk(latency_us, seed, self.valuation.positions)
        self._strategy = strategy(self.desk)
        self._watcher = watcher
        self._check = check
        self._numbers: dict[int, int] = {}
        """The desk's number of an open order by the engine's id."""
        self._ids: dict[int, int] = {}
        self._account: Account | None = None
        self._deposited = 0
        self._is_fresh = False
        """Whether the desk knows what the last command left."""
        self.events = 0
        self.begun_at = 0

    def run(
        self,
        tape: Iterable[StepT],
        *,
        most: int | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Go through a tape; raises what the tape and `on_progress` do, and Stopped after `most`
        events.
        """
        for step in tape:
            if self.events == 0:
                self._begin(step.at)
            self._until(step.at)
            self._step(step)
            if most is not None and self.events >= most:
                self._until(step.at + 1)
                raise Stopped(f"{most} events")
            if on_progress is not None and self.events % PROGRESS_EVERY == 0:
                on_progress(self.events, step.at)
        self._until(self.desk.now + 1)

    def _step(self, step: StepT) -> None:
        """Take the tape's next event."""
        self.desk.turn_to(step.at)
        self._model.take(step)
        self.events += 1
        if self.events % TIDIED_EVERY == 0:
            self._ground.tidy()
        turn = self._model.turn
        if turn is not None:
            self._strategy.on_turn(turn.command)
        self._tell()
        if turn is not None:
            self._until(step.at + 1)
        self._note(step.at)

    def _begin(self, at: int) -> None:
        self.begun_at = at
        self.desk.turn_to(at)
        self._model.begin(at)
        self._refresh()
        self._strategy.on_start()

    def _until(self, at: int) -> None:
        """Let everything arrive that is due before a time."""
        desk = self.desk
        while (due := desk.next_due()) is not None and due < at:
            desk.turn_to(due)
            order = desk.arrived(due)
            if isinstance(order, Sent):
                self._place(order)
            elif isinstance(order, Cancelled):
                self._cancel(order)
            elif isinstance(order, Raw):
                self._model.repeat(due, order.command)
                self.valuation.look_at_all()
            else:
                woken = desk.woken(due)
                if woken is not None:
                    self._strategy.on_timer(woken)
                continue
            self._tell()
            self._note(due)

    def _place(self, sent: Sent) -> None:
        ground = self._ground
        market_id = self._model.id_of(sent.market)
        side, outcome, price = leg_for(sent.side, sent.price, sent.quantity, self._free(market_id))
        order_id = ground.engine.state.next_order_id
        command = PlaceOrder(
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
        )
        # Known before it trades: its fills come while it is being placed.
        self._numbers[order_id] = sent.number
        self._ids[sent.number] = order_id
        refusal = self._refusal(self._model.send(self.desk.now, command))
        if refusal is not None:
            del self._numbers[order_id], self._ids[sent.number]
            self.desk.end(sent.number)
            self._strategy.on_refused(sent.number, refusal.reason.name)
        elif order_id in ground.engine.state.orders:
            self._model.note_order(order_id, sent.market)

    @staticmethod
    def _refusal(events: list[Event]) -> CommandRejected | None:
        """Return why a command wasn't taken, whose events come last."""
        last = events[-1] if events else None
        return last if isinstance(last, CommandRejected) else None

    def _free(self, market_id: int) -> Position:
        held = self._ground.holdings().get(market_id)
        return NOTHING if held is None else Position(held.yes.free, held.no.free)

    def _cancel(self, cancelled: Cancelled) -> None:
        order_id = self._ids.get(cancelled.number)
        if order_id is not None and order_id in self._ground.engine.state.orders:
            self._model.send(self.desk.now, CancelOrder(self._ground.trader, order_id))

    def _tell(self) -> None:
        """Tell of own fills, and then of what everybody heard."""
        self._is_fresh = False
        ground = self._ground
        if ground.fills or ground.ended:
            self._tell_fills()
        for event in self._model.told():
            # In the order of how many there are.
            if isinstance(event, Seen):
                bids, asks = event.bids, event.asks
                if bids and asks:
                    self._mark(event, (bids[0].price + asks[0].price) // 2)
                self._strategy.on_book(Book(event.at, event.market, bids, asks))
            elif isinstance(event, Printed):
                price = event.price
                self._mark(event, price)
                self._strategy.on_trade(
                    Trade(event.at, event.market, price, event.quantity, event.side)
                )
            elif isinstance(event, Listed):
                self._tell_listed(event)
            else:
                self._tell_end(event)
                self._mark(event, event.yes_payout)

    def _mark(self, event: TapeEvent, price: int) -> None:
        """Take what a YES share is worth by an event."""
        self.valuation.mark(event.market, price)
        self._watcher.note_mark(event.market, event.at, price)
        self._refresh()

    def _tell_listed(self, event: Listed) -> None:
        terms = Terms(
            market=event.market,
            title=event.title,
            closes_at=event.closes_at,
            tick=event.tick,
            event=event.event,
        )
        self.valuation.know(event.market, self._model.id_of(event.market))
        self.desk.list(terms)
        self._strategy.on_listed(terms)

    def _tell_end(self, event: Ended) -> None:
        market = event.market
        # What it paid pays what is owed.
        self._ground.settle_fees(event.at)
        held, cost = self.valuation.held(market)
        self.valuation.mark(market, event.yes_payout)
        self.valuation.look(market)
        self._refresh()
        resolved = Resolved(event.at, market, event.yes_payout)
        self._watcher.note_resolution(resolved, held, cost, self.valuation.realised(market))
        self._strategy.on_resolution(resolved)

    def _tell_fills(self) -> None:
        """Tell of new fills and ends of orders."""
        ground, desk = self._ground, self.desk
        fills, ground.fills = ground.fills, []
        ended, ground.ended = ground.ended, []
        last: dict[str, int] = {}
        waited: list[int] = []
        for place, fill in enumerate(fills):
            last[fill.market] = place
            number = self._numbers.get(fill.order, 0)
            waited.append(fill.at - desk.reduce(number, fill.quantity, fill.at))
            fills[place] = msgspec.structs.replace(fill, order=number)
        freed: dict[str, None] = {}
        for order_id, market_id in ended:
            freed[ground.names[market_id]] = None
            number = self._numbers.pop(order_id, 0)
            self._ids.pop(number, None)
            desk.end(number)
        ground.settle_fees(desk.now)
        for market, place in last.items():
            self.valuation.look(market, fills[place].price)
        for market in freed:
            # Shares that it set aside may be one of a pair, which is cash by now.
            self.valuation.look(market)
        self._refresh()
        for place, fill in enumerate(fills):
            # What they realised is known of all fills of a market together.
            realised = self.valuation.realised(fill.market) if place == last[fill.market] else 0
            self._watcher.note_fill(fill, realised, waited[place])
        for fill in fills:
            self._strategy.on_fill(fill)

    def _refresh(self) -> None:
        """Have the desk know what there is now."""
        ground, desk, account = self._ground, self.desk, self._account
        if account is None:
            account = self._account = ground.account
        if account is not None:
            desk.available = available = account.available
            desk.worth = available + account.locked - ground.owed + self.valuation.value
        if ground.deposited != self._deposited:
            self._watcher.note_deposit(ground.deposited - self._deposited)
            self._deposited = ground.deposited
        self._is_fresh = True

    def _note(self, at: int) -> None:
        if not self._is_fresh:
            self._refresh()
        self._watcher.note_equity(at, self.desk.worth, self.valuation.value)
        if self._check:
            self.valuation.prove()
