"""The model `trades`: what is known of others are the prints and the best of the book.

Two accounts stand for the world. One quotes what the tape shows, post-only; the other takes what
the tape prints, as an order that ends at once. The trader's orders meet both by the engine's own
rules, so that an order that rests

- fills when the tape trades through its price, before anything the tape still showed there,
- fills at its price once the volume that was ahead of it there has traded or gone,
- waits at a price that the tape doesn't show, since what is ahead of it isn't known: a print there
  passes it by, until the tape shows the price or trades through it,
- isn't filled by a quote that comes to its price, or crosses it,
- doesn't move up twice for one trade whose book, stamped at the same time, comes before its print.

While a price at which the trader waits is out of sight, beyond the worst that is shown, what was
ahead there is remembered: nothing can have come ahead since.

What the model can't know: how others would have answered the trader's orders. A print that the
trader has traded against isn't there for the world any more, but the next picture of the book is
the tape's again. When the tape shows less at a price, what is gone is taken from behind the trader.
"""

from operator import attrgetter
from typing import Final

from exchange.messages.bounds import ISSUANCE_MAX, PRICE_SCALE, QUANTITY_MAX
from exchange.messages.commands import (
    AmendOrder,
    CancelOrder,
    Command,
    CreateMarket,
    PlaceOrder,
    ResolveMarket,
)
from exchange.messages.conditions import OrderConditions
from exchange.messages.errors import InvariantViolated
from exchange.messages.events import CommandRejected, Event, OrderPlaced, TradeExecuted
from exchange.messages.terms import (
    BUY,
    GTC,
    IOC,
    LIMIT,
    NO,
    YES,
    FeeModel,
    Resolution,
    SelfTradePrevention,
    Side,
)
from exchange.model.order_book import Order
from gateway.research.backtest.ground import Ground
from gateway.research.backtest.tape_market import Shown, TapeMarket, place
from gateway.research.tape.events import Ended, Listed, Printed, Seen, TapeEvent

TRADER: Final = 3
_QUOTING: Final = 1
_TAKING: Final = 2
_FUNDS: Final = ISSUANCE_MAX // 4
_NEVER: Final = 253_402_300_000_000_000
_POST_ONLY: Final = OrderConditions(post_only=True)
_PREVENTION: Final = SelfTradePrevention.CANCEL_TAKER
_PRICE_AND_QUANTITY: Final = attrgetter("price", "quantity")


class PrintsModel:
    """Feeds a tape to the engine."""

    name: Final = "trades"
    turn: Final = None

    def __init__(self, cash: int) -> None:
        self.ground = Ground(TRADER)
        self._orders = self.ground.engine.state.orders
        self._execute = self.ground.engine.execute
        self._cash = cash
        self._markets: dict[str, TapeMarket] = {}
        self._told: list[TapeEvent] = []

    def begin(self, at: int) -> None:
        """Let the trader and the world in."""
        for account in (_QUOTING, _TAKING):
            self.ground.fund(at, account, _FUNDS)
        self.ground.fund(at, TRADER, self._cash)

    def told(self) -> list[TapeEvent]:
        """Return what the tape has said since the last look."""
        told, self._told = self._told, []
        return told

    def send(self, at: int, command: Command) -> list[Event]:
        """Run a command of the trader's."""
        return self.ground.run(at, command)

    def repeat(self, at: int, command: Command) -> list[Event]:
        """Run a command of the trader's: there is no past that would have other names."""
        return self.send(at, command)

    def take(self, event: TapeEvent) -> None:
        """Do to the engine what the tape says happened."""
        self._told.append(event)
        match event:
            case Seen():
                self._see(event)
            case Printed():
                self._print(event)
            case Listed():
                self._list(event)
            case Ended():
                self._end(event)

    def id_of(self, market: str) -> int:
        """Return a market's id in the engine."""
        return self._markets[market].id

    def note_order(self, order_id: int, market: str) -> None:
        """Hear of an order of the trader's that has come to rest: what is ahead of it?"""
        known, order = self._markets[market], self.ground.engine.state.orders[order_id]
        if not self._is_shown(known, order.is_bid, order.yes_price):
            known.unseen[order.id] = (order.is_bid, order.yes_price)

    def _list(self, event: Listed) -> None:
        is_ours = not event.platform
        number = len(self._markets) + 1
        created = CreateMarket(
            f"market-{number}",
            "What will be?",
            "",
            "",
            _NEVER,
            event.tick,
            1,
            event.maker_fee if is_ours else 0,
            event.taker_fee if is_ours else 0,
            event.fee_model if is_ours else FeeModel.FLAT,
            False,
        )
        self.ground.must_run(event.at, created)
        self._markets[event.market] = TapeMarket(number, event.tick)
        self.ground.names[number] = event.market
        if not is_ours:
            self.ground.fee_terms[number] = (event.platform, event.fee_terms)

    def _end(self, event: Ended) -> None:
        market = self._markets[event.market]
        payout = event.yes_payout
        outcome = {PRICE_SCALE: Resolution.YES, 0: Resolution.NO}.get(payout, Resolution.SPLIT)
        split = payout if outcome is Resolution.SPLIT else None
        self.ground.must_run(event.at, ResolveMarket(market.id, outcome, split, "the tape"))
        for world in (market.bids, market.asks, market.lost_bids, market.lost_asks):
            world.clear()
        market.unseen.clear()

    def _see(self, event: Seen) -> None:
        market, at = self._markets[event.market], max(event.at, self.ground.engine.state.now)
        if event.at != market.gone_at:
            market.gone_at = event.at
            market.gone.clear()
        bids = dict(map(_PRICE_AND_QUANTITY, event.bids))
        asks = dict(map(_PRICE_AND_QUANTITY, event.asks))
        # What goes makes way for what comes.
        if market.lost_bids or not market.bids.keys() <= bids.keys():
            self._drop(at, market, bids, is_bid=True)
        if market.lost_asks or not market.asks.keys() <= asks.keys():
            self._drop(at, market, asks, is_bid=False)
        self._show(at, market, bids, is_bid=True)
        self._show(at, market, asks, is_bid=False)
        if market.unseen:
            self._queue_up(event, market)

    def _drop(self, at: int, market: TapeMarket, levels: dict[int, int], *, is_bid: bool) -> None:
        """Take the world's orders away at prices that aren't shown any more; those that are out of
        sight stay where the trader waits behind them.
        """
        shown, lost = self._world(market, is_bid=is_bid)
        waited = self._waited(market, is_bid=is_bid)
        worst = next(reversed(levels), None)
        for price in [price for price in (*shown, *lost) if price not in levels]:
            orders = shown.pop(price, None) or lost.pop(price, [])
            if price in waited and worst is not None and (price < worst) is is_bid:
                lost[price] = orders
            else:
                market.note_gone(place(price, is_bid=is_bid), self._withdraw(at, orders))

    @staticmethod
    def _world(market: TapeMarket, *, is_bid: bool) -> tuple[Shown, Shown]:
        if is_bid:
            return market.bids, market.lost_bids
        return market.asks, market.lost_asks

    def _waited(self, market: TapeMarket, *, is_bid: bool) -> set[int]:
        """Return the YES prices at which the trader has orders on a side."""
        account = self.ground.engine.state.accounts[TRADER]
        orders = account.orders_in(market.id)
        return {order.yes_price for order in orders if order.is_bid is is_bid}

    def _withdraw(self, at: int, orders: list[Order]) -> int:
        """Take the world's orders away; return their quantity."""
        gone = 0
        for order in orders:
            if order.remaining:
                gone += order.remaining
                self._do(at, CancelOrder(_QUOTING, order.id))
        return gone

    def _do(self, at: int, command: Command) -> None:
        """Run a command of the world's about an order of its own, which nobody trades by: nothing
        of it is the trader's to hear.
        """
        event = self._execute(at, command).events[0]
        if type(event) is CommandRejected:
            raise InvariantViolated(f"{type(command).__name__} was refused: {event}")

    def _show(self, at: int, market: TapeMarket, levels: dict[int, int], *, is_bid: bool) -> None:
        """Bring what the world offers at each price to what is shown."""
        shown, lost = self._world(market, is_bid=is_bid)
        for price, quantity in levels.items():
            orders = shown.get(price)
            if orders is None:
                orders = shown[price] = lost.pop(price, [])
            # Who came first traded first.
            while orders and not orders[0].remaining:
                del orders[0]
            there = 0
            for order in orders:
                there += order.remaining
            if there > quantity:
                market.note_gone(place(price, is_bid=is_bid), there - quantity)
                self._lessen(at, orders, there - quantity)
            elif there < quantity:
                self._add(at, market, orders, price, quantity - there, is_bid=is_bid)

    def _lessen(self, at: int, orders: list[Order], surplus: int) -> None:
        """Take `surplus` away, the newest first: what is ahead of the trader stays longest."""
        while surplus > 0:
            order = orders[-1]
            if order.remaining > surplus:
                total = (order.quantity or 0) - surplus
                self._do(at, AmendOrder(_QUOTING, order.id, None, total))
                return
            surplus -= order.remaining
            orders.pop()
            self._do(at, CancelOrder(_QUOTING, order.id))

    def _add(
        self,
        at: int,
        market: TapeMarket,
        orders: list[Order],
        price: int,
        quantity: int,
        *,
        is_bid: bool,
    ) -> None:
        """Put `quantity` at the back of a price. Where the trader waits it is an order of its own,
        behind the trader's; else the one that is there grows.
        """
        if orders:
            newest = orders[-1]
            total, level = (newest.quantity or 0) + quantity, newest.level
            # It may go to the back if it is there, or if the trader isn't behind it.
            may_grow = level is not None and (level.tail is newest or level.count == len(orders))
            if may_grow and total <= QUANTITY_MAX:
                self._do(at, AmendOrder(_QUOTING, newest.id, None, total))
                return
        outcome, own = (YES, price) if is_bid else (NO, PRICE_SCALE - price)
        placed = self._execute(
            at,
            PlaceOrder(
                _QUOTING,
                market.id,
                BUY,
                outcome,
                LIMIT,
                own,
                quantity,
                GTC,
                _PREVENTION,
                None,
                None,
                None,
                _POST_ONLY,
            ),
        ).events[0]
        # Else it would cross an order of the trader's: not shown until that is out of the way.
        if type(placed) is OrderPlaced:
            orders.append(self._orders[placed.order_id])

    def _print(self, event: Printed) -> None:
        """Take what was traded, at its price or better."""
        market, at = self._markets[event.market], max(event.at, self.ground.engine.state.now)
        is_buy = self._is_buy(event, market)
        # What the tape traded through was gone by then.
        for there in self._world(market, is_bid=not is_buy):
            for price in [price for price in there if (price < event.price) is is_buy]:
                if price != event.price:
                    self._withdraw(at, there.pop(price))
        price = event.price
        if market.unseen:
            self._forget(market, price, is_buy=is_buy)
        better = price - market.tick if is_buy else price + market.tick
        market.last, left = price, event.quantity
        # At its price it passes those by of whom nobody knows what is ahead.
        passes_by = (not is_buy, price) in market.unseen.values()
        hit = place(price, is_bid=not is_buy)
        gone = market.gone_by(event.at, hit)
        if passes_by or gone:
            left -= self._trade(event.at, market, better, left, is_buy=is_buy)
        # A book of the same time that came first has taken it away already.
        told = min(gone, left)
        if told:
            market.note_gone(hit, -told)
            left -= told
        if left > 0 and not passes_by:
            self._trade(event.at, market, price, left, is_buy=is_buy)

    def _trade(
        self, at: int, market: TapeMarket, price: int, quantity: int, *, is_buy: bool
    ) -> int:
        """Take `quantity` at a YES price or better, as far as it is there; return how much was."""
        if not 0 < price < PRICE_SCALE:
            return 0
        outcome, own = (YES, price) if is_buy else (NO, PRICE_SCALE - price)
        order = PlaceOrder(_TAKING, market.id, BUY, outcome, LIMIT, own, quantity, IOC, _PREVENTION)
        done = self.ground.run(at, order)
        return sum(one.quantity for one in done if isinstance(one, TradeExecuted))

    def _forget(self, market: TapeMarket, price: int, *, is_buy: bool) -> None:
        """Leave out of the unseen what is over, and what a print at a price goes through."""
        orders = self.ground.engine.state.orders
        for order_id, (is_bid, waits_at) in list(market.unseen.items()):
            is_through = is_bid is not is_buy and waits_at != price and (waits_at < price) is is_buy
            if is_through or order_id not in orders:
                del market.unseen[order_id]

    def _is_buy(self, event: Printed, market: TapeMarket) -> bool:
        """Say on which side the taker was: by the tape, the book, the print before."""
        if event.side is not None:
            return event.side is Side.BUY
        if market.asks and event.price >= min(market.asks):
            return True
        if market.bids and event.price <= max(market.bids):
            return False
        return market.last is None or event.price >= market.last

    def _is_shown(self, market: TapeMarket, is_bid: bool, price: int) -> bool:
        """Say whether the tape shows what rests at a price: down to its worst one, and nothing
        beyond its best.
        """
        shown = market.bids if is_bid else market.asks
        if not shown:
            return False
        return price >= min(shown) if is_bid else price <= max(shown)

    def _queue_up(self, event: Seen, market: TapeMarket) -> None:
        """Put orders whose price has come to be shown behind what is shown there."""
        orders = self.ground.engine.state.orders
        for order_id, (is_bid, price) in list(market.unseen.items()):
            order = orders.get(order_id)
            if order is None:
                del market.unseen[order_id]
                continue
            if not self._is_shown(market, is_bid, price):
                continue
            shown = market.bids if is_bid else market.asks
            if shown.get(price):
                if not self._can_grow(order):
                    continue
                total = order.quantity or 0
                for quantity in (total + 1, total):
                    self.ground.must_run(event.at, AmendOrder(TRADER, order_id, quantity=quantity))
            del market.unseen[order_id]

    def _can_grow(self, order: Order) -> bool:
        """Say whether it may be, and there is enough for, a hundredth of a share more, by which it
        loses its place.
        """
        if (order.quantity or 0) >= QUANTITY_MAX:
            return False
        if order.side is BUY:
            account = self.ground.engine.state.accounts[TRADER]
            return account.available >= 2 * PRICE_SCALE
        return self.ground.engine.state.holding_of(order).free > 0
