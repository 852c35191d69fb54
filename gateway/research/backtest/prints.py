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
The engine's timers and triggers don't run: its last price isn't the tape's, which it traded in part
against the trader.
"""

from typing import Final

from exchange.messages.bounds import ISSUANCE_MAX, PRICE_SCALE, QUANTITY_MAX
from exchange.messages.commands import (
    AmendOrder,
    Command,
    CreateMarket,
    PlaceOrder,
    ResolveMarket,
)
from exchange.messages.events import Event, TradeExecuted
from exchange.messages.terms import (
    BUY,
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
from gateway.research.backtest.quoting import QUOTING, Quoting
from gateway.research.backtest.tape_market import TapeMarket, WorldSide
from gateway.research.tape.events import Ended, Listed, Printed, Seen, TapeEvent

TRADER: Final = 3
_TAKING: Final = 2
_FUNDS: Final = ISSUANCE_MAX // 4
_NEVER: Final = 253_402_300_000_000_000
_PREVENTION: Final = SelfTradePrevention.CANCEL_TAKER


class PrintsModel:
    """Feeds a tape to the engine."""

    name: Final = "trades"
    turn: Final = None

    def __init__(self, cash: int) -> None:
        self.ground = Ground(TRADER)
        self._state = self.ground.engine.state
        self._quoting = Quoting(self.ground.engine)
        self._cash = cash
        self._markets: dict[str, TapeMarket] = {}
        self._told: list[TapeEvent] = []

    def begin(self, at: int) -> None:
        """Let the trader and the world in."""
        for account in (QUOTING, _TAKING):
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
        # In the order of how many there are: a pattern of a class takes twice as long.
        if isinstance(event, Seen):
            self._see(event)
        elif isinstance(event, Printed):
            self._print(event)
        elif isinstance(event, Listed):
            self._list(event)
        else:
            self._end(event)

    def id_of(self, market: str) -> int:
        """Return a market's id in the engine."""
        return self._markets[market].id

    def note_order(self, order_id: int, market: str) -> None:
        """Hear of an order of the trader's that has come to rest: what is ahead of it?"""
        known, order = self._markets[market], self._state.orders[order_id]
        side = known.bids if order.is_bid else known.asks
        if not self._is_shown(side, order.yes_price):
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
        market.bids.clear()
        market.asks.clear()
        market.unseen.clear()

    def _see(self, event: Seen) -> None:
        market, quoting = self._markets[event.market], self._quoting
        at = max(event.at, self._state.now)
        market.turn_to(event.at)
        bids, asks = market.bids, market.asks
        # What goes makes way for what comes.
        quoting.drop(at, bids, event.bids)
        quoting.drop(at, asks, event.asks)
        quoting.show(at, market, bids, event.bids)
        quoting.show(at, market, asks, event.asks)
        if market.unseen:
            self._queue_up(event, market)

    def _print(self, event: Printed) -> None:
        """Take what was traded, at its price or better."""
        market, at = self._markets[event.market], max(event.at, self._state.now)
        is_buy = self._is_buy(event, market)
        side = market.asks if is_buy else market.bids
        # What the tape traded through was gone by then.
        for there in (side.shown, side.lost):
            for price in [price for price in there if (price < event.price) is is_buy]:
                if price != event.price:
                    self._quoting.withdraw(at, there.pop(price))
        price = event.price
        if market.unseen:
            self._forget(market, price, is_buy=is_buy)
        better = price - market.tick if is_buy else price + market.tick
        market.last, left = price, event.quantity
        # At its price it passes those by of whom nobody knows what is ahead.
        passes_by = (not is_buy, price) in market.unseen.values()
        gone = market.gone_by(event.at, side, price)
        if passes_by or gone:
            left -= self._trade(event.at, market, better, left, is_buy=is_buy)
        # A book of the same time that came first has taken it away already.
        told = min(gone, left)
        if told:
            side.note_gone(price, -told)
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
        orders = self._state.orders
        for order_id, (is_bid, waits_at) in list(market.unseen.items()):
            is_through = is_bid is not is_buy and waits_at != price and (waits_at < price) is is_buy
            if is_through or order_id not in orders:
                del market.unseen[order_id]

    def _is_buy(self, event: Printed, market: TapeMarket) -> bool:
        """Say on which side the taker was: by the tape, the book, the print before."""
        if event.side is not None:
            return event.side is Side.BUY
        asks, bids = market.asks.shown, market.bids.shown
        if asks and event.price >= min(asks):
            return True
        if bids and event.price <= max(bids):
            return False
        return market.last is None or event.price >= market.last

    @staticmethod
    def _is_shown(side: WorldSide, price: int) -> bool:
        """Say whether the tape shows what rests at a price: down to its worst one, and nothing
        beyond its best.
        """
        shown = side.shown
        if not shown:
            return False
        return price >= min(shown) if side.is_bid else price <= max(shown)

    def _queue_up(self, event: Seen, market: TapeMarket) -> None:
        """Put orders whose price has come to be shown behind what is shown there."""
        orders = self._state.orders
        for order_id, (is_bid, price) in list(market.unseen.items()):
            order = orders.get(order_id)
            if order is None:
                del market.unseen[order_id]
                continue
            side = market.bids if is_bid else market.asks
            if not self._is_shown(side, price):
                continue
            if side.shown.get(price):
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
            account = self._state.accounts[TRADER]
            return account.available >= 2 * PRICE_SCALE
        return self._state.holding_of(order).free > 0
