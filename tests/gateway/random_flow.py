"""Random trading on one market: places of all kinds, crossing, resting and waiting for a price,
pairs, amends and cancels.
"""

import random
from collections.abc import Iterator

import msgspec

from exchange.messages.commands import (
    AmendOrder,
    BatchOrders,
    CancelAll,
    CancelOrder,
    Command,
    Operation,
    PlaceOco,
    PlaceOrder,
)
from exchange.messages.conditions import OrderConditions
from exchange.messages.terms import (
    BUY,
    FOK,
    GTC,
    IOC,
    LIMIT,
    MARKET,
    NO,
    SELL,
    STOP,
    STOP_LIMIT,
    TAKE_PROFIT,
    YES,
    SelfTradePrevention,
    TriggerBy,
)
from exchange.model.state import State


def random_commands(
    seed: int, view: State, market_id: int, people: int, count: int
) -> Iterator[Command]:
    """Yield commands one at a time; each may look at what the ones before left in `view`."""
    chance = random.Random(seed)
    for _ in range(count):
        account_id = chance.randint(1, people)
        kind = chance.random()
        if chance.random() < 0.1:
            yield _batch(chance, view, account_id, market_id)
        elif kind < 0.12 and view.orders:
            order = view.orders[chance.choice(list(view.orders))]
            yield CancelOrder(order.account_id, order.id)
        elif kind < 0.24 and view.orders:
            order = view.orders[chance.choice(list(view.orders))]
            price = None if chance.random() < 0.5 else 100 * chance.randint(35, 65)
            quantity = order.filled + chance.randint(1, 2_000)
            yield AmendOrder(order.account_id, order.id, price, quantity)
        elif kind < 0.26:
            yield CancelAll(account_id, chance.choice([None, market_id]))
        elif kind < 0.34:
            yield _wait(chance, account_id, market_id)
        elif kind < 0.38:
            stop = _wait(chance, account_id, market_id)
            limit = msgspec.structs.replace(
                _place(chance, account_id, market_id),
                side=stop.side,
                outcome=stop.outcome,
                type=LIMIT,
                price=100 * chance.randint(35, 65),
                time_in_force=GTC,
            )
            first, second = chance.sample((stop, limit), 2)
            yield PlaceOco(account_id, first, second)
        else:
            yield _place(chance, account_id, market_id)


def _batch(chance: random.Random, view: State, account_id: int, market_id: int) -> BatchOrders:
    """Some operations of one account, on its orders and on those that the batch itself places."""
    mine = list(view.accounts[account_id].orders)
    following = range(view.next_order_id, view.next_order_id + 3)
    operations: list[Operation] = []
    for _ in range(chance.randint(1, 6)):
        kind, order_id = chance.random(), chance.choice([*mine, *following])
        if kind < 0.2:
            operations.append(CancelOrder(account_id, order_id))
        elif kind < 0.4:
            price = None if chance.random() < 0.5 else 100 * chance.randint(35, 65)
            operations.append(AmendOrder(account_id, order_id, price, chance.randint(1, 2_000)))
        else:
            operations.append(_place(chance, account_id, market_id))
    return BatchOrders(account_id, tuple(operations), chance.random() < 0.4)


def _wait(chance: random.Random, account_id: int, market_id: int) -> PlaceOrder:
    """Return an order that waits for a price, at once or after some trades."""
    kind = chance.choice((STOP, STOP_LIMIT, TAKE_PROFIT))
    price = None if kind is STOP else 100 * chance.randint(35, 65)
    time_in_force = IOC if price is None else chance.choice((GTC, GTC, IOC, FOK))
    return PlaceOrder(
        account_id,
        market_id,
        chance.choice((SELL, BUY)),
        chance.choice((YES, NO)),
        kind,
        price,
        chance.randint(1, 1_000),
        time_in_force,
        chance.choice(tuple(SelfTradePrevention)),
        conditions=OrderConditions(
            worst_price=9_900 if price is None else None,
            reduce_only=time_in_force in {IOC, FOK} and chance.random() < 0.5,
            trigger_price=100 * chance.randint(40, 60),
            trigger_by=chance.choice(tuple(TriggerBy)),
        ),
    )


def _place(chance: random.Random, account_id: int, market_id: int) -> PlaceOrder:
    at_market = chance.random() < 0.1
    return PlaceOrder(
        account_id,
        market_id,
        SELL if chance.random() < 0.3 else BUY,
        chance.choice((YES, NO)),
        MARKET if at_market else LIMIT,
        None if at_market else 100 * chance.randint(35, 65),
        chance.randint(1, 2_000),
        chance.choice((IOC, FOK)) if at_market else chance.choice((GTC, GTC, GTC, IOC, FOK)),
        chance.choice(tuple(SelfTradePrevention)),
    )
