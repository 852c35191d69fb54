"""The laws that hold after every command (RULEBOOK 10), walked from scratch.

    1  the money of all accounts, collaterals and fees is what was issued   (entries: verify)
    2  nothing but the issuance is negative
    3  cash locked = sum of the reservations of the account's open and pending BUY orders;
       shares locked = the same of its SELL orders (a pair, OCO, carries its lock on one leg; a BUY
       that waits to reduce only carries none)
    4  per market YES shares = NO shares = collateral per pair; all zero once it has ended; while
       its holders are being paid the collateral is what the remaining shares pay
    5  the book isn't crossed, its orders are open, levels add up, time priority holds
    8  nobody has both free YES and free NO shares in one market
    9  what is only an index matches what it points to (`indexes.py`)

6 and 7 (sequences, chain, replay) need the journal: `probity verify`.
"""

from collections.abc import Iterator

from exchange.messages.bounds import ISSUANCE_MAX, PRICE_SCALE
from exchange.messages.errors import InvariantViolated
from exchange.messages.terms import BUY, YES, OrderStatus
from exchange.model.market import ENDED, RESOLVING, UNFINISHED, Market
from exchange.model.order_book import BookSide, Level, Order
from exchange.model.state import State
from exchange.proof.indexes import index_problems
from exchange.rules.escrow import needed


def check(state: State) -> None:
    """Raise InvariantViolated naming the first law that doesn't hold.  O(everything)."""
    for problem in problems(state):
        raise InvariantViolated(problem)


def problems(state: State) -> Iterator[str]:
    """Yield each violated law in words."""
    yield from _money(state)
    yield from _reservations(state)
    for market in state.markets.values():
        yield from _shares(market)
        for side in (market.book.bids, market.book.asks):
            yield from _side(state, market, side)
        bid, ask = market.book.bids.best, market.book.asks.best
        if bid is not None and ask is not None and bid.price >= ask.price:
            yield f"5: market {market.id} is crossed, bid {bid.price} against ask {ask.price}"
    yield from index_problems(state)


def _money(state: State) -> Iterator[str]:
    total = state.fees
    for account in state.accounts.values():
        total += account.available + account.locked
        if account.available < 0 or account.locked < 0:
            yield f"2: account {account.id} has {account.available} free, {account.locked} locked"
    for market in state.markets.values():
        total += market.collateral
        if market.collateral < 0:
            yield f"2: market {market.id} has collateral {market.collateral}"
    if state.fees < 0:
        yield f"2: the fees are {state.fees}"
    if total != state.issued or not 0 <= state.issued <= ISSUANCE_MAX:
        yield f"1: issued {state.issued}, found {total}"


def _reservations(state: State) -> Iterator[str]:
    cash = dict.fromkeys(state.accounts, 0)
    shares: dict[tuple[int, int, str], int] = {}
    for order in state.orders.values():
        market = state.markets.get(order.market_id)
        if market is None or order.account_id not in cash:
            whose = f"account {order.account_id} in market {order.market_id}"
            yield f"3: order {order.id} is of {whose}, which are not both there"
            continue
        partner = None if order.partner is None else state.orders.get(order.partner)
        if order.locked != to_be_locked(market, order, partner):
            yield f"3: order {order.id} has {order.locked} locked"
        if order.side is BUY:
            cash[order.account_id] += order.locked
        else:
            key = (order.account_id, order.market_id, order.outcome.value)
            shares[key] = shares.get(key, 0) + order.locked
    for account in state.accounts.values():
        if account.locked != cash[account.id]:
            reserved = cash[account.id]
            yield f"3: account {account.id} has {account.locked} locked, its orders {reserved}"
        for market_id, position in account.positions.items():
            for holding in (position.yes, position.no):
                offered = shares.pop((account.id, market_id, holding.outcome.value), 0)
                if holding.locked != offered:
                    name = f"account {account.id}, market {market_id}"
                    yield f"3: {name}: {holding.locked} shares locked, {offered} offered"
    for key in shares:
        yield f"3: shares offered without a holding: {key}"


def to_be_locked(market: Market, order: Order, partner: Order | None) -> int:
    """Return what an open order has to have locked, beside its `partner` if that is open, too."""
    need = needed(market, order)
    if partner is None:
        return need
    return max(need, needed(market, partner)) if order.id < partner.id else 0


def _shares(market: Market) -> Iterator[str]:
    held = dict.fromkeys(("YES", "NO"), 0)
    for account_id, position in market.positions.items():
        for holding in (position.yes, position.no):
            held[holding.outcome.value] += holding.quantity
            if holding.free < 0 or holding.locked < 0 or holding.cost < 0:
                yield f"2: account {account_id}, market {market.id}: negative holding"
            if holding.quantity == 0 and holding.cost:
                yield f"2: account {account_id}, market {market.id}: cost without shares"
        if position.yes.free and position.no.free:
            yield f"8: account {account_id}, market {market.id}: free YES and free NO"
    if market.status is RESOLVING:
        payout = market.yes_payout or 0
        owed = held["YES"] * payout + held["NO"] * (PRICE_SCALE - payout)
        if owed != market.collateral:
            yield f"4: market {market.id} owes {owed}, its collateral is {market.collateral}"
    elif not held["YES"] * PRICE_SCALE == held["NO"] * PRICE_SCALE == market.collateral:
        yield f"4: market {market.id}: {held} against collateral {market.collateral}"
    if market.status in ENDED and (held["YES"] or market.collateral):
        yield f"4: market {market.id} has ended with shares left"


def _side(state: State, market: Market, side: BookSide) -> Iterator[str]:
    levels = list(side.levels())
    if side.best is not (levels[0] if levels else None):
        yield f"5: market {market.id}: the best level is not the first"
    if [level.key for level in levels] != sorted(side.by_key):
        yield f"5: market {market.id}: the levels are out of order"
    for level in levels:
        orders = list(level.orders())
        if level.key != side.sign * level.price or level.tail is not orders[-1]:
            yield f"5: market {market.id}: level {level.price} is in the wrong place"
        if level.quantity != sum(o.remaining for o in orders) or level.count != len(orders):
            yield f"5: market {market.id}: level {level.price} doesn't add up"
        if [o.previous for o in orders] != [None, *orders[:-1]]:
            yield f"5: market {market.id}: level {level.price} is wrongly linked"
        places = [o.place for o in orders]
        if places != sorted(set(places)) or places[-1] >= state.next_place:
            yield f"5: market {market.id}: level {level.price} is out of time order"
        for order in orders:
            yield from _order(state, market, order, level, side)


def _order(
    state: State, market: Market, order: Order, level: Level, side: BookSide
) -> Iterator[str]:
    bid = (order.side is BUY) is (order.outcome is YES)
    fits = (
        order.market_id == market.id
        and order.yes_price == level.price
        and order.resting
        and order.level is level
        and order.is_bid is bid
        and side is market.book.own_side(order)
        and order.status is (OrderStatus.PARTIAL if order.filled else OrderStatus.OPEN)
        and order.id < state.next_order_id <= state.next_place
        and order.remaining > 0
        and order.quantity == order.filled + order.remaining
        and market.status in UNFINISHED
    )
    if not fits or state.orders.get(order.id) is not order:
        yield f"5: order {order.id} doesn't belong into the book of market {market.id}"
