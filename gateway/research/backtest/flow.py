"""The model `book`: everybody's commands are known, as our own journal has them.

The journal is run again, command by command, and the trader's orders enter between, where they
would have: they stand in the very queue that was there, and are shown what the others
have in the book. As long as the trader has sent nothing, the
run is the exchange's own past, to the state's hash. From then on

- orders have other numbers than in the past, so what a command says of one is translated: an order
  that was refused here has none, whatever has its number,
- timers and triggers are those of this engine, not of the journal; all holders of a market that is
  decided are paid at once,
- a command that no longer has its order (it traded with the trader) does nothing.

What the model can't know: that others would have answered the trader's orders.

With `account` the trader is one that traded in the past: its own orders are left out, and
`on_turn` is called in the place of each.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Final

import msgspec

from exchange.messages.admin.commands import ForceCancel
from exchange.messages.command_bases import Timer
from exchange.messages.commands import (
    AmendOrder,
    BatchOrders,
    CancelAll,
    CancelOrder,
    Command,
    NamedOrder,
    Operation,
    PlaceOco,
    PlaceOrder,
    ResolveMarket,
    SetDeadMan,
)
from exchange.messages.events import Event, MarketCreated, OperationRun, OrderPlaced, TradeExecuted
from exchange.messages.execution import Execution
from exchange.messages.group_commands import ResetOrderGroup, SetOrderGroup
from exchange.messages.terms import BUY, SELL, YES
from exchange.model.market import ENDED, Market
from exchange.model.order_book import BookSide
from gateway.research.backtest.ground import Ground
from gateway.research.strategy import Level
from gateway.research.tape.events import Ended, Listed, Printed, Seen, TapeEvent

SHOWN: Final = 5
"""Levels of a side that a strategy sees."""
NEWCOMER: Final = 2**40
"""The account of a trader who wasn't there."""
_PAIRS_MIN: Final = 1_024
"""Pairs of ids from which those of orders that are over are thrown away."""
_TRADING: Final = (
    PlaceOrder,
    PlaceOco,
    AmendOrder,
    CancelOrder,
    CancelAll,
    BatchOrders,
    SetDeadMan,
    SetOrderGroup,
    ResetOrderGroup,
)
_Shown = tuple[tuple[Level, ...], tuple[Level, ...]]


class FlowModel:
    """Runs a journal's commands, with a trader among those who sent them."""

    name: Final = "book"

    def __init__(self, cash: int, *, account: int | None = None, only: str | None = None) -> None:
        """Let a newcomer with `cash` in, or `account` do again what it did; everybody hears of all
        markets, or of `only` one.
        """
        self.ground = Ground(NEWCOMER if account is None else account)
        self.has_diverged = False
        self.turn: Execution | None = None
        """What the account did in the past at the place that the run has come to."""
        self._cash = cash
        self._only = only
        self._is_newcomer = account is None
        self._same_below = 0
        """Once it has diverged: orders below this id are the past's."""
        self._orders: dict[int, int] = {}
        """The ids here of later ones that are open, by their ids in the past."""
        self._shown: dict[int, _Shown] = {}
        self._unpaid: dict[int, None] = {}
        """Ids of markets that are decided and haven't paid all their holders."""
        self._told: list[TapeEvent] = []

    def begin(self, at: int) -> None:
        """Let the trader in."""
        if self._is_newcomer:
            self.ground.fund(at, self.ground.trader, self._cash)

    def lead_up(self, past: Iterable[Execution], first: int) -> Iterator[Execution]:
        """Run a past up to a time before anybody listens, and yield what comes from then on. What
        is open by then is listed and shown at once.
        """
        steps = iter(past)
        for step in steps:
            if step.at >= first:
                self._open()
                yield step
                yield from steps
                return
            self.ground.run(step.at, step.command)

    def _open(self) -> None:
        for market in self.ground.engine.state.markets.values():
            self._list(market)
            if market.status in ENDED:
                self._told.pop()
            else:
                self._look(market.id)

    def take(self, step: Execution) -> None:
        """Run the next command of the journal."""
        command = step.command
        is_own = command.account_id == self.ground.trader and isinstance(command, _TRADING)
        if self.turn is not None:
            # It let its turn go by.
            self._diverge()
        self.turn = step if is_own else None
        if is_own:
            return
        if not self.has_diverged:
            self._note(self.ground.run(step.at, command))
            return
        if isinstance(command, Timer):
            # What of this engine's is due by then: nothing else may come that would run it.
            self._note(self.ground.run_due(step.at))
            return
        translated = self._translated(command)
        if translated is not None:
            events = self.ground.run_due(step.at, translated)
            self._pair(step.events, events)
            self._note(events)
            self._trigger(step.at)

    def send(self, at: int, command: Command) -> list[Event]:
        """Run a command of the trader's, about orders as they are called here."""
        self._diverge()
        events = self.ground.run_due(at, command)
        self._note(events)
        self._trigger(at)
        return events

    def repeat(self, at: int, command: Command) -> list[Event]:
        """Run a command of the trader's, about orders as the past called them; what it did in the
        past as it did it.
        """
        past, self.turn = self.turn, None
        if past is not None and not self.has_diverged and past.command == command:
            events = self.ground.run(past.at, command)
            self._note(events)
            return events
        self._diverge()
        translated = self._translated(command)
        if translated is None:
            return []
        events = self.ground.run_due(at, translated)
        if past is not None:
            self._pair(past.events, events)
        self._note(events)
        self._trigger(at)
        return events

    def _trigger(self, at: int) -> None:
        """Run what a command has reached, as the exchange does at once."""
        if self.ground.engine.state.due:
            self._note(self.ground.run_due(at))

    def _diverge(self) -> None:
        """Be another past from here on."""
        if not self.has_diverged:
            self.has_diverged = True
            self._same_below = self.ground.engine.state.next_order_id

    def told(self) -> list[TapeEvent]:
        """Return what everybody has heard since the last look."""
        told, self._told = self._told, []
        if self._only is None:
            return told
        return [event for event in told if event.market == self._only]

    def id_of(self, market: str) -> int:
        """Return a market's id."""
        return self.ground.engine.state.market_by_slug[market].id

    def note_order(self, order_id: int, market: str) -> None:
        """Nothing has to be found out: the queue is known."""

    # What the past says of orders.

    def _pair(self, past: list[Event], now: list[Event]) -> None:
        """Learn which orders of the past these are, as far as they are open."""
        open_orders, here = self.ground.engine.state.orders, _placed(now)
        for place, order_id in _placed(past).items():
            if here.get(place) in open_orders:
                self._orders[order_id] = here[place]
        if len(self._orders) > 2 * len(open_orders) + _PAIRS_MIN:
            pairs = self._orders.items()
            self._orders = {there: order for there, order in pairs if order in open_orders}

    def _here(self, order_id: int) -> int | None:
        """Return an order's id here; None if it isn't open."""
        here = order_id if order_id < self._same_below else self._orders.get(order_id)
        return here if here in self.ground.engine.state.orders else None

    def _translated(self, command: Command) -> Command | None:
        """Return a command about this engine's orders; None if its order is over."""
        match command:
            case CancelOrder() | AmendOrder() | ForceCancel():
                here = self._here(command.order_id)
                if here is None:
                    return None
                return msgspec.structs.replace(command, order_id=here)
            case BatchOrders(operations=operations):
                found = tuple(self._operation(one) for one in operations)
                return msgspec.structs.replace(command, operations=found)
            case ResolveMarket():
                # There may be one holder more, whom no timer of the past's would pay.
                return msgspec.structs.replace(command, in_slices=False)
            case _:
                return command

    def _operation(self, operation: Operation) -> Operation:
        match operation:
            case CancelOrder() | AmendOrder():
                here = self._here(operation.order_id)
                # One that is over is refused in its place, as it would be.
                return msgspec.structs.replace(operation, order_id=here or 0)
            case NamedOrder() | PlaceOrder():
                return operation

    # What everybody hears.

    def _note(self, events: list[Event]) -> None:
        touched: dict[int, None] = {}
        for event in events:
            market_id = getattr(event, "market_id", None)
            if market_id is not None:
                touched[market_id] = None
            if isinstance(event, MarketCreated):
                self._list(self.ground.market(event.market_id))
            elif isinstance(event, TradeExecuted):
                self._print(event)
        for market_id in touched | self._unpaid:
            self._look(market_id)

    def _list(self, market: Market) -> None:
        self.ground.names[market.id] = market.slug
        self._told.append(
            Listed(
                self.ground.engine.state.now,
                market.slug,
                title=market.question,
                closes_at=market.close_time,
                tick=market.tick_size,
                maker_fee=market.maker_fee,
                taker_fee=market.taker_fee,
                fee_model=market.fee_model,
            )
        )

    def _print(self, trade: TradeExecuted) -> None:
        side = BUY if (trade.side is BUY) is (trade.outcome is YES) else SELL
        name = self.ground.names[trade.market_id]
        now = self.ground.engine.state.now
        self._told.append(Printed(now, name, trade.yes_price, trade.quantity, side))

    def _own_quantities(self, market_id: int) -> dict[tuple[bool, int], int]:
        """Return what the trader has in a market's book, by side and YES price."""
        account = self.ground.account
        made: dict[tuple[bool, int], int] = {}
        for order in () if account is None else account.orders_in(market_id):
            if order.resting:
                key = (order.is_bid, order.yes_price)
                made[key] = made.get(key, 0) + order.remaining
        return made

    def _look(self, market_id: int) -> None:
        """Tell how a market's book is, if it is other than before, and that it has ended."""
        state = self.ground.engine.state
        market = state.markets[market_id]
        own = self._own_quantities(market_id)
        shown = (_levels(market.book.bids, own), _levels(market.book.asks, own))
        if shown != self._shown.get(market_id, ((), ())):
            self._shown[market_id] = shown
            self._told.append(Seen(state.now, market.slug, *shown))
        if market.resolution is None:
            return
        if market.status in ENDED:
            self._unpaid.pop(market_id, None)
            self._told.append(Ended(state.now, market.slug, market.yes_payout or 0))
        else:
            self._unpaid[market_id] = None


def _levels(side: BookSide, own: Mapping[tuple[bool, int], int]) -> tuple[Level, ...]:
    """Return the best levels of a side as the others make them."""
    if not own:
        return tuple(Level(price, quantity) for price, quantity in side.depth(SHOWN))
    is_bid = side.sign < 0
    others = (
        Level(level.price, level.quantity - own.get((is_bid, level.price), 0))
        for level in side.levels()
    )
    return tuple(islice((level for level in others if level.quantity), SHOWN))


def _placed(events: Iterable[Event]) -> dict[tuple[int, int], int]:
    """Return the ids of orders that were placed, by their operation and their place in it."""
    placed: dict[tuple[int, int], int] = {}
    operation = place = 0
    for event in events:
        if isinstance(event, OperationRun):
            operation, place = event.number, 0
        elif isinstance(event, OrderPlaced):
            placed[operation, place] = event.order_id
            place += 1
    return placed
