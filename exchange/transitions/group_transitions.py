"""What changes an order group: its events, and the fills of its orders.

None of it is a message to the account (`marks.py`): the orders that end tell their owner. What a
batch may take back is noted here (`undoing.py`); which orders are open is what they say themselves,
so recovery lists them by the same code.
"""

from exchange.messages.group_events import GroupReset, GroupSet, GroupTriggered
from exchange.model.order_book import Order
from exchange.model.order_groups import OrderGroup
from exchange.model.state import State


def group_set(state: State, event: GroupSet) -> None:
    """Make a group, or give it other limits."""
    groups = state.groups.setdefault(event.account_id, {})
    group = groups.get(event.name)
    terms = event.max_filled, event.window, event.max_net
    if group is None:
        group = groups[event.name] = OrderGroup(event.account_id, event.name, *terms)
    else:
        group.set_limits(state.now, *terms)
    state.dirty.groups[group.key] = group


def group_triggered(state: State, event: GroupTriggered) -> None:
    """Let a group take no further orders; those that are open end by events of their own."""
    group = state.groups[event.account_id][event.name]
    _note(state, group)
    group.triggered = True


def group_reset(state: State, event: GroupReset) -> None:
    """Let a group begin anew."""
    group = state.groups[event.account_id][event.name]
    _note(state, group)
    group.reset()


def count_fill(state: State, order: Order, quantity: int) -> None:
    """Add what an order of a group trades to its sums."""
    group = state.group_of(order)
    if group is not None:
        _note(state, group)
        group.add(state.now, quantity, bought=order.is_bid)


def join_group(state: State, order: Order) -> None:
    """List an open order with its group, if it has one; recovery does so too."""
    group = state.group_of(order)
    if group is not None:
        group.orders[order.id] = order
        if state.undo is not None:
            state.undo.append((leave_group, (state, order)))


def leave_group(state: State, order: Order) -> None:
    """Take an order that has ended off its group's list."""
    group = state.group_of(order)
    if group is not None:
        del group.orders[order.id]
        if state.undo is not None:
            state.undo.append((join_group, (state, order)))


def _note(state: State, group: OrderGroup) -> None:
    """The group is about to change."""
    groups = state.dirty.groups
    if state.undo is not None:
        values = group.triggered, group.filled, group.net, dict(group.slices)
        state.undo.append((_restore, (state, group, values, group.key in groups)))
    groups[group.key] = group


def _restore(
    state: State,
    group: OrderGroup,
    values: tuple[bool, int, int, dict[int, tuple[int, int]]],
    was_noted: bool,
) -> None:
    group.triggered, group.filled, group.net, group.slices = values
    if not was_noted:
        del state.dirty.groups[group.key]
