"""Whom a command touches: its events, account by account.

Laws: an event names the accounts that it touches, but for those by which a price reaches orders or
leaves them alone again, which name these orders only: whose they are is remembered here while they
wait. What was remembered can be put away and asked for again (`begun`, `ended`), so that memory may
be lost between two commands.
"""

from collections.abc import MutableMapping, Sequence
from typing import Final

from exchange.messages.account_events import CashTransferred
from exchange.messages.errors import InvariantViolated
from exchange.messages.events import Event, OrderCancelled, OrderPlaced, TradeExecuted
from exchange.messages.waiting_events import OrdersReached, OrdersStoodDown, OrderTriggered
from exchange.projections.account_replay import TOUCH_AN_ACCOUNT

_OF_SEVERAL: Final = frozenset({TradeExecuted, CashTransferred, OrdersReached, OrdersStoodDown})
"""What touches others than the one account that it names."""
_OF_WAITING: Final = frozenset({OrderPlaced, OrderCancelled, OrderTriggered})
"""By which an order may begin to wait, or ends."""


class WaitingOrders:
    """Whose the orders are that wait for a price.

    `owners` are those that are remembered, by order; `begun` and `ended` tell what changed since
    `put_away`. An order that ended may be one that never waited.
    """

    __slots__ = ("begun", "ended", "owners")

    def __init__(self, owners: MutableMapping[int, int] | None = None) -> None:
        """Begin with those of `owners`, which is brought forward."""
        self.owners: MutableMapping[int, int] = {} if owners is None else owners
        self.begun: dict[int, int] = {}
        self.ended: list[int] = []

    def put_away(self) -> None:
        """Begin to note changes anew; what is remembered stays."""
        self.begun = {}
        self.ended = []

    def note(self, event: Event) -> None:
        """Take an event by which an order begins to wait or ends."""
        if isinstance(event, OrderPlaced):
            terms = event.conditions
            if terms is not None and terms.trigger_price is not None:
                self.owners[event.order_id] = self.begun[event.order_id] = event.account_id
        elif isinstance(event, OrderCancelled | OrderTriggered):
            self.owners.pop(event.order_id, None)
            if self.begun.pop(event.order_id, None) is None:
                self.ended.append(event.order_id)


def by_account(events: Sequence[Event], waiting: WaitingOrders) -> dict[int, list[Event]]:
    """Return a command's events by the accounts that they may touch, and note in `waiting` who
    waits.

    Raises KeyError if it isn't known whose an order is that a price reached.
    """
    found: dict[int, list[Event]] = {}
    for event in events:
        kind = type(event)
        if kind not in TOUCH_AN_ACCOUNT:
            continue
        if kind in _OF_SEVERAL:
            for account_id in _owners(event, waiting):
                found.setdefault(account_id, []).append(event)
            continue
        if kind in _OF_WAITING:
            waiting.note(event)
        account_id = event.account_id  # type: ignore[union-attr]
        if account_id in found:
            found[account_id].append(event)
        else:
            found[account_id] = [event]
    return found


def _owners(event: Event, waiting: WaitingOrders) -> Sequence[int]:
    """Return whom an event of `_OF_SEVERAL` touches, each once."""
    if isinstance(event, TradeExecuted):
        taker, maker = event.taker_account_id, event.maker_account_id
        return (taker,) if taker == maker else (taker, maker)
    if isinstance(event, CashTransferred):
        parties = ((leg.payer_id, leg.payee_id) for leg in event.legs)
        return list(dict.fromkeys(party for pair in parties for party in pair))
    if isinstance(event, OrdersReached | OrdersStoodDown):
        return list(dict.fromkeys(waiting.owners[order_id] for order_id in event.order_ids))
    raise InvariantViolated(f"{type(event).__name__} is of one account")
