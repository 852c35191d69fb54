"""When an order group is over its limit, and what becomes of its orders (RULEBOOK 15).

    trade -> is the maker's group at a limit? its orders leave; the taker's? they leave, and it ends

A limit is reached at the very quantity: who says that 100 may be filled wants no more once they
are. It is looked at after each trade, before the walk comes to the next order, and after a change
of the limits; never in the middle of a trade, so the last fill may go past it. Like a dead-man
switch it takes orders out of every market, whatever that one's status is, and those that wait for a
price with them: they are risk that their owner wanted bounded.
"""

from typing import Final

from exchange.messages.commands import PlaceOrder
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import CommandRejected, Event, OrderCancelled
from exchange.messages.group_events import GroupTriggered
from exchange.messages.reasons import Reason
from exchange.messages.terms import CancelReason
from exchange.messages.units import format_quantity
from exchange.model.market import Market
from exchange.model.order_book import Order
from exchange.model.order_groups import GroupKey, OrderGroup
from exchange.model.state import State
from exchange.rules.ending import end_order
from exchange.rules.netting import net
from exchange.transitions import group_transitions

_GROUP_LIMIT: Final = CancelReason.GROUP_LIMIT


def after_trade(state: State, taker: Order, maker: Order, events: list[Event]) -> bool:
    """Trigger the groups of two orders that traded if they are over; return whether the taker's was
    triggered.  Its own end is left to whoever walks.
    """
    group = state.group_of(maker)
    if group is not None and group.is_over:
        trigger_group(state, group, events)
    group = state.group_of(taker)
    if group is None or not group.is_over:
        return False
    trigger_group(state, group, events, taker)
    return True


def trigger_group(
    state: State, group: OrderGroup, events: list[Event], taker: Order | None = None
) -> None:
    """Let a group take no orders any more, and end those that are open, by their ids, but for the
    one that is walking; applies and appends GroupTriggered and OrderCancelled.  O(its orders).
    """
    triggered = GroupTriggered(group.account_id, group.name)
    events.append(triggered)
    group_transitions.group_triggered(state, triggered)
    account = state.accounts[group.account_id]
    for order in sorted(group.orders.values(), key=lambda order: order.id):
        if order is not taker:
            market = state.markets[order.market_id]
            end_order(state, account, market, order, _GROUP_LIMIT, events)


def net_ended(state: State, events: list[Event], but: Market | None = None) -> None:
    """Net where groups took orders out, in the order in which these events did so, but for a market
    that is netted otherwise.
    """
    touched = [
        (event.market_id, event.account_id)
        for event in events
        if type(event) is OrderCancelled and event.reason is _GROUP_LIMIT
    ]
    for market_id, account_id in dict.fromkeys(touched):
        if but is None or market_id != but.id:
            net(state, state.markets[market_id], (account_id,), events)


def lacks_group(state: State, account_id: int, terms: OrderConditions) -> bool:
    """Return whether an order is to be of a group that its account hasn't got."""
    return terms.group is not None and terms.group not in state.groups.get(account_id, {})


def no_group_refusal(field: str = "groupId") -> CommandRejected:
    """Return the refusal of what is about a group that isn't there."""
    return CommandRejected(Reason.GROUP_NOT_FOUND, field, "there is no such order group")


def triggered_refusal(
    state: State, account_id: int, terms: OrderConditions | None
) -> CommandRejected | None:
    """Refuse an order of a group, which is there, that has reached its limit."""
    if terms is None or terms.group is None:
        return None
    group = state.groups[account_id][terms.group]
    if not group.triggered:
        return None
    sums = f"{format_quantity(group.filled)} of {format_quantity(group.max_filled)} filled"
    if group.max_net is not None:
        net_there = format_quantity(abs(group.net))
        sums += f", {net_there} of {format_quantity(group.max_net)} net"
    message = f"the group takes no orders until it is reset: {sums} in {group.window} s"
    return CommandRejected(Reason.GROUP_LIMIT, "groupId", message)


class DryFills:
    """What groups would have filled in a walk that only tries (FOK)."""

    __slots__ = ("_state", "_sums")

    def __init__(self, state: State) -> None:
        self._state = state
        self._sums: dict[GroupKey, tuple[int, int]] = {}

    def has_ended(self, maker: Order) -> bool:
        """Return whether a resting order would be gone, since its group is over."""
        group = self._state.group_of(maker)
        return group is not None and self._is_over(group)

    def fill(self, order: Order | PlaceOrder, quantity: int, *, bought: bool) -> bool:
        """Fill an order; return whether its group is over by that.

        One that takes no orders at all says so by itself.
        """
        group = self._state.group_of(order)
        if group is None or group.triggered or quantity == 0:
            return False
        filled, net_there = self._sums_of(group)
        net_there += quantity if bought else -quantity
        self._sums[group.key] = filled + quantity, net_there
        return self._is_over(group)

    def _sums_of(self, group: OrderGroup) -> tuple[int, int]:
        return self._sums.get(group.key) or group.counted_at(self._state.now)

    def _is_over(self, group: OrderGroup) -> bool:
        return group.key in self._sums and group.would_reach(*self._sums[group.key])
