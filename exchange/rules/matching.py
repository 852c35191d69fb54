"""The walk of an incoming order through the book: price-time priority, the resting order's price.

    BUY  x SELL of one outcome -> TRANSFER     shares change hands
    BUY  x BUY  of both        -> MINT         a pair is made, each pays its leg
    SELL x SELL of both        -> MERGE        a pair is given up, each is paid its leg

`walk` trades and reports why it stopped; what then becomes of the order is `rules/placing.py`'s to
say. `offers` is the same walk without trading, for what must be known beforehand.  Legs, sides and
outcomes are treated alike: nothing here is written once for bids and once for asks.

A `limit` is the largest key (see `model/order_book.py`) of the facing side that the incoming order
accepts: its YES price for a bid, the negative for an ask, None for a MARKET order without a worst
price.
"""

from collections.abc import Iterator
from enum import Enum, auto
from typing import Final

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.events import Event, TradeExecuted
from exchange.messages.terms import BUY, YES, CancelReason, SelfTradePrevention, TradeKind
from exchange.model.market import Market
from exchange.model.order_book import BookSide, Order, own_price
from exchange.model.state import State
from exchange.rules.ending import end_order, end_partner
from exchange.rules.escrow import affordable, reservation
from exchange.rules.fees import charge
from exchange.rules.groups.limits import after_trade
from exchange.transitions import order_transitions

_TradeExecuted: Final = TradeExecuted
_CANCEL_TAKER: Final = SelfTradePrevention.CANCEL_TAKER
_CANCEL_MAKER: Final = SelfTradePrevention.CANCEL_MAKER
_SELF_TRADE: Final = CancelReason.SELF_TRADE
_TRANSFER: Final = TradeKind.TRANSFER
_MINT: Final = TradeKind.MINT
_MERGE: Final = TradeKind.MERGE


class Stop(Enum):
    """Why a walk ended."""

    FILLED = auto()
    NO_MORE = auto()
    """Nothing in the book is good enough any more."""
    SELF_TRADE = auto()
    BUDGET = auto()
    """The next unit costs more than is left."""
    CAP = auto()
    """What follows would do more than reduce, or make a position that is too large."""
    GROUP = auto()
    """Its group has reached a limit."""


# Compiled code finds a `Final` of its own module at once, another module's name in a dict.
_BUY: Final = BUY
_YES: Final = YES
_NO_MORE: Final = Stop.NO_MORE
_FULL: Final = Stop.FILLED


def offers(facing: BookSide, limit: int | None) -> Iterator[Order]:
    """Yield the resting orders that an incoming one would meet, in the order it would meet them."""
    for order in facing.orders():
        if limit is not None and facing.sign * order.yes_price > limit:
            return
        yield order


def walk(
    state: State,
    market: Market,
    taker: Order,
    limit: int | None,
    budget: int | None,
    events: list[Event],
    cap: int | None = None,
) -> Stop:
    """Trade `taker` against the book until it is filled or must stop.

    `budget` (money) bounds what a MARKET BUY pays, fees included; None for all others, who have
    locked what they need. `cap` bounds what a reduce-only order trades, or by cost a limited
    position admits. Applies and appends TradeExecuted and, by self-trade prevention, OrderCancelled
    of makers; of what ends with a trade (a pair's other order, a group) what that says. O(fills),
    plus O(log levels) for each level emptied.
    """
    facing = market.book.asks if taker.is_bid else market.book.bids
    by_cost = taker.quantity is None
    rare = taker.conditions is not None
    spent = 0
    while by_cost or taker.remaining:
        if by_cost and spent == budget:
            return Stop.BUDGET
        if taker.filled == cap:
            return Stop.CAP
        best = facing.best
        if best is None or (limit is not None and best.key > limit):
            return _NO_MORE
        maker = best.head
        if maker.account_id == taker.account_id:
            if _stops_at_own(state, market, taker, maker, events):
                return Stop.SELF_TRADE
            continue
        offered, wanted = maker.remaining, taker.remaining
        quantity = offered if by_cost or offered < wanted else wanted
        if budget is not None or cap is not None:
            left = None if budget is None else budget - spent
            quantity = _bounded(market, taker, maker, quantity, left, cap)
            if quantity == 0:
                return Stop.BUDGET
        special = rare or maker.conditions is not None
        if special:
            _end_partners(state, market, taker, maker, events)
        trade = _trade(state, market, taker, maker, quantity, cap)
        events.append(trade)
        order_transitions.fill_both(state, trade, market, taker, maker)
        if budget is not None:
            spent += trade.price * quantity + trade.taker_fee
        if special and after_trade(state, taker, maker, events):
            return _stop_by_group(taker, budget, spent)
    return _FULL


def _stop_by_group(taker: Order, budget: int | None, spent: int) -> Stop:
    """Return why a walk ends whose taker's group has reached a limit: the taker may be done."""
    if taker.quantity is None:
        return Stop.BUDGET if spent == budget else Stop.GROUP
    return Stop.GROUP if taker.remaining else _FULL


def _stops_at_own(
    state: State, market: Market, taker: Order, maker: Order, events: list[Event]
) -> bool:
    """Return whether the taker ends at an order of its own account; that one may end as well."""
    prevention = taker.self_trade_prevention
    if prevention is not _CANCEL_TAKER:
        account = state.accounts[maker.account_id]
        end_order(state, account, market, maker, _SELF_TRADE, events)
    return prevention is not _CANCEL_MAKER


def _bounded(
    market: Market, taker: Order, maker: Order, quantity: int, left: int | None, cap: int | None
) -> int:
    """Return how much of `quantity` the cap admits and the money `left` pays for; None: all."""
    if cap is not None:
        quantity = min(quantity, cap - taker.filled)
    if left is None:
        return quantity
    price = own_price(taker.outcome, maker.yes_price)
    return affordable(market, price, taker.fee_carry, left, quantity)


def _end_partners(
    state: State, market: Market, taker: Order, maker: Order, events: list[Event]
) -> None:
    """Of a pair of which one cancels the other, one ends before the other trades."""
    end_partner(state, market, maker, events)
    end_partner(state, market, taker, events)


def _trade(
    state: State, market: Market, taker: Order, maker: Order, quantity: int, cap: int | None
) -> TradeExecuted:
    beyond = 0
    if cap is not None and taker.quantity is not None and taker.quantity > cap:
        beyond = taker.quantity - cap
    yes_price = maker.yes_price
    price = yes_price if taker.outcome is _YES else PRICE_SCALE - yes_price
    if taker.outcome is maker.outcome:
        kind, maker_price = _TRANSFER, price
    else:
        kind, maker_price = (_MINT if taker.side is _BUY else _MERGE), PRICE_SCALE - price
    taker_rate, maker_rate = market.taker_fee, market.maker_fee
    taker_fee = maker_fee = taker_carry = maker_carry = 0
    if taker_rate or maker_rate:
        model = market.fee_model
        taker_fee, taker_carry = charge(model, taker_rate, price, quantity, taker.fee_carry)
        maker_fee, maker_carry = charge(model, maker_rate, maker_price, quantity, maker.fee_carry)
        taker_rate = max(taker_rate, maker_rate)
    return _TradeExecuted(
        market.id,
        market.trade_no + 1,
        market.seq if market.published == state.seq else market.seq + 1,
        kind,
        taker.side,
        taker.outcome,
        price,
        yes_price,
        quantity,
        taker.id,
        taker.account_id,
        _unlocked(market, taker, taker_rate, quantity, taker_carry, beyond),
        taker_fee,
        taker_carry,
        maker.id,
        maker.account_id,
        _unlocked(market, maker, maker_rate, quantity, maker_carry, 0),
        maker_fee,
        maker_carry,
    )


def _unlocked(
    market: Market, order: Order, rate: int, quantity: int, carry_after: int, beyond: int
) -> int:
    """Return what leaves the order's reservation when it trades `quantity`; for what remains
    `beyond` its cap nothing is reserved.
    """
    if order.side is not _BUY:
        return quantity
    price = order.price
    if price is None:
        return 0
    remaining = order.remaining - quantity - beyond
    if rate == 0:
        return order.locked - price * remaining
    return order.locked - reservation(market, rate, price, remaining, carry_after)
