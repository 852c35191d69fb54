"""Orders that wait for a price, outside the book (RULEBOOK 14): which of them a price reaches.

                   it falls to the trigger, or below    it rises to it, or above
    STOP           SELL YES, BUY NO                     BUY YES, SELL NO
    TAKE_PROFIT    BUY YES, SELL NO                     SELL YES, BUY NO

    triggerBy      watched, in YES terms
    LAST           every trade's price
    BEST           what the order would meet: the best ask for a bid, the best bid for an ask

Laws: a trigger is kept as a price of YES, so that both outcomes of one market stand in the same
lists, sorted by it; an order is in exactly one of them, or it is due. A market without such orders
has no `Waiting` at all. Like the book this judges nothing and reports to nobody; it is only an
index of what the orders say and isn't stored: recovery makes it anew.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Final

from sortedcontainers import SortedDict, SortedList

from exchange.messages.bounds import STORED_MAX
from exchange.messages.conditions import OrderConditions
from exchange.messages.errors import InvariantViolated
from exchange.messages.terms import BUY, TAKE_PROFIT, YES, Outcome, TriggerBy
from exchange.model.order_book import Order, own_price

DueKey = tuple[int, int, int]
"""Sorts what is due: falls before rises, the highest fall and the lowest rise first, then by id."""

_BEST: Final = TriggerBy.BEST
_LAST_PRICE: Final = 0
_BEST_BID: Final = 1
_BEST_ASK: Final = 2
_WATCHED: Final = (_LAST_PRICE, _BEST_BID, _BEST_ASK)


def trigger_of(order: Order) -> OrderConditions:
    """Return the terms of an order that waits; raises InvariantViolated if it has no trigger."""
    terms = order.conditions
    if terms is None or terms.trigger_price is None:
        raise InvariantViolated(f"order {order.id} waits for no price")
    return terms


def yes_trigger(outcome: Outcome, terms: OrderConditions) -> int:
    """Return the trigger as a price of YES."""
    return own_price(outcome, terms.trigger_price or 0)


def waits_for_fall(order: Order) -> bool:
    """Return whether a falling price of YES reaches the order."""
    sells = order.side is not BUY
    return (sells is (order.outcome is YES)) is not (order.type is TAKE_PROFIT)


def watched_price(order: Order) -> int:
    """Return which price the order watches, as an index of `prices`."""
    if trigger_of(order).trigger_by is not _BEST:
        return _LAST_PRICE
    return _BEST_ASK if order.is_bid else _BEST_BID


def due_key(order: Order) -> DueKey:
    """Return the order's rank among all that are due."""
    price = yes_trigger(order.outcome, trigger_of(order))
    return (0, -price, order.id) if waits_for_fall(order) else (1, price, order.id)


def set_due(due: list[DueKey], order: Order) -> None:
    """Put an order among those that are triggered next, in its place."""
    insort(due, due_key(order))


def unset_due(due: list[DueKey], order: Order) -> None:
    """Take an order that is due out again; raises KeyError if it isn't."""
    key = due_key(order)
    place = bisect_left(due, key)
    if place == len(due) or due[place] != key:
        raise KeyError(f"order {order.id} isn't due")
    del due[place]


def is_reached(order: Order, last: int | None, bid: int | None, ask: int | None) -> bool:
    """Return whether the price that the order watches, one of these of YES, is there."""
    price = (last, bid, ask)[watched_price(order)]
    if price is None:
        return False
    trigger = yes_trigger(order.outcome, trigger_of(order))
    return price <= trigger if waits_for_fall(order) else price >= trigger


class Waiting:
    """The orders of one market that wait; adding and removing cost O(log orders)."""

    __slots__ = ("_falls", "_rises", "orders")

    def __init__(self) -> None:
        self.orders: SortedDict[int, Order] = SortedDict()
        """All of them by id, also those that are due."""
        self._falls: list[SortedList[tuple[int, int]]] = [SortedList() for _ in _WATCHED]
        """Of each watched price: (YES trigger, id) of those that its fall reaches."""
        self._rises: list[SortedList[tuple[int, int]]] = [SortedList() for _ in _WATCHED]

    def watch(self, order: Order) -> None:
        """Let prices reach the order."""
        self._list_of(order).add((yes_trigger(order.outcome, trigger_of(order)), order.id))

    def unwatch(self, order: Order) -> None:
        """Let no price reach the order any more; raises ValueError if none could."""
        self._list_of(order).remove((yes_trigger(order.outcome, trigger_of(order)), order.id))

    def reached(
        self, low: int | None, high: int | None, bid: int | None, ask: int | None
    ) -> list[int]:
        """Return the ids of orders that these prices of YES reach, in the order of their triggers.

        `low` and `high` bound the trades, `bid` and `ask` are the best orders; None: there is no
        such price. O(log orders + reached).
        """
        found: list[DueKey] = []
        for watched, fallen in ((_LAST_PRICE, low), (_BEST_BID, bid), (_BEST_ASK, ask)):
            falls = self._falls[watched]
            if fallen is not None and falls and falls[-1][0] >= fallen:
                found += [(0, -price, id_) for price, id_ in falls.irange((fallen, 0))]
        for watched, risen in ((_LAST_PRICE, high), (_BEST_BID, bid), (_BEST_ASK, ask)):
            rises = self._rises[watched]
            if risen is not None and rises and rises[0][0] <= risen:
                most = (risen, STORED_MAX)
                found += [(1, price, id_) for price, id_ in rises.irange(None, most)]
        found.sort()
        return [id_ for _, _, id_ in found]

    def watched(self) -> Iterator[tuple[bool, int, int, int]]:
        """Yield (falls, watched price, YES trigger, id) of every order that a price can reach."""
        for falls, lists in ((True, self._falls), (False, self._rises)):
            for watched in _WATCHED:
                for price, id_ in lists[watched]:
                    yield falls, watched, price, id_

    def _list_of(self, order: Order) -> SortedList[tuple[int, int]]:
        lists = self._falls if waits_for_fall(order) else self._rises
        return lists[watched_price(order)]
