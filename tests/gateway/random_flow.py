"""Random trading on one market: places of all kinds, crossing and resting, and cancels."""

import random
from collections.abc import Iterator

from exchange.messages.commands import (
    AmendOrder,
    BatchOrders,
    CancelAll,
    CancelOrder,
    Command,
    Operation,
    PlaceOrder,
)
from exchange.messages.terms import (
    BUY,
    FOK,
    GTC,
    IOC,
    LIMIT,
    MARKET,
    NO,
    SELL,
    YES,
    SelfTradePrevention,
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
