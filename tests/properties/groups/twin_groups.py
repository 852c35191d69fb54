"""The twin's order groups (RULEBOOK 15): every fill is kept with the slice of time it fell into,
and added up whenever somebody asks.
"""

from dataclasses import dataclass

from exchange.messages.events import CommandRejected, Event
from exchange.messages.group_commands import ResetOrderGroup, SetOrderGroup
from exchange.messages.group_events import GroupReset, GroupSet, GroupTriggered
from exchange.messages.reasons import Reason
from exchange.messages.terms import CancelReason
from tests.properties.twin_records import TwinOrder
from tests.properties.waiting.twin_pairs import TwinPairs

SLICES = 60
LIMITS = (1, 10**10)
WINDOWS = (1, 3_600)


@dataclass
class TwinGroup:
    """One group; `fills` are (number of the slice, quantity, bought less sold)."""

    account_id: int
    name: str
    max_filled: int
    window: int
    max_net: int | None
    triggered: bool = False
    fills: tuple[tuple[int, int, int], ...] = ()

    def slice_of(self, at: int) -> int:
        return at * SLICES // (self.window * 1_000_000)

    def counted(self, at: int) -> tuple[tuple[int, int, int], ...]:
        """Return the fills of the last slices, that of `at` among them."""
        return tuple(fill for fill in self.fills if self.slice_of(at) - fill[0] < SLICES)

    def sums(self, at: int) -> tuple[int, int]:
        """Return what was filled, and the net of it."""
        counted = self.counted(at)
        return sum(fill[1] for fill in counted), sum(fill[2] for fill in counted)

    def slices(self, at: int) -> dict[int, tuple[int, int]]:
        """Return the sums of each slice in which anything was filled."""
        counted = self.counted(at)
        return {
            number: (
                sum(fill[1] for fill in counted if fill[0] == number),
                sum(fill[2] for fill in counted if fill[0] == number),
            )
            for number in {fill[0] for fill in counted}
        }

    def is_at_limit(self, at: int) -> bool:
        filled, net = self.sums(at)
        if filled >= self.max_filled:
            return True
        return self.max_net is not None and (net >= self.max_net or -net >= self.max_net)


class TwinGroups(TwinPairs):
    """What ends a market maker's quotes."""

    def group_of(self, order: TwinOrder) -> TwinGroup | None:
        """Return the group of an order that was taken."""
        return None if order.group is None else self.groups[order.account_id, order.group]

    def group_is_shut(self, order: TwinOrder) -> tuple[Reason, str] | None:
        """Return the refusal of an order whose group takes none, if that is so."""
        group = self.group_of(order)
        return (Reason.GROUP_LIMIT, "groupId") if group is not None and group.triggered else None

    def count(self, order: TwinOrder, quantity: int) -> None:
        """Keep a fill."""
        group = self.group_of(order)
        if group is not None:
            net = quantity if order.is_bid else -quantity
            group.fills = (*group.fills, (group.slice_of(self.now), quantity, net))

    def triggered_by(self, order: TwinOrder, taker: TwinOrder | None = None) -> list[Event]:
        """Trigger the group of an order that traded if it is at a limit."""
        group = self.group_of(order)
        if group is None or group.triggered or not group.is_at_limit(self.now):
            return []
        return self._trigger(group, taker)

    def _trigger(self, group: TwinGroup, taker: TwinOrder | None = None) -> list[Event]:
        group.triggered = True
        members = [
            order
            for order in self.orders.values()
            if (order.account_id, order.group) == (group.account_id, group.name)
            and order is not taker
        ]
        members.sort(key=lambda order: order.id)
        events: list[Event] = [GroupTriggered(group.account_id, group.name)]
        return events + [self.end(order, CancelReason.GROUP_LIMIT) for order in members]

    def set_group(self, command: SetOrderGroup) -> list[Event]:
        """Run a SetOrderGroup."""
        if command.account_id not in self.accounts:
            return [CommandRejected(Reason.ACCOUNT_NOT_FOUND, "", "")]
        for field, wrong in (
            ("groupId", not 1 <= len(command.name) <= 64),
            ("maxFilled", not LIMITS[0] <= command.max_filled <= LIMITS[1]),
            ("windowSeconds", not WINDOWS[0] <= command.window <= WINDOWS[1]),
            ("maxNet", not LIMITS[0] <= (command.max_net or 1) <= LIMITS[1]),
            ("maxNet", command.max_net == 0),
        ):
            if wrong:
                return [CommandRejected(Reason.INVALID_AMOUNT, field, "")]
        key = command.account_id, command.name
        mine = [account_id for account_id, _ in self.groups if account_id == command.account_id]
        if key not in self.groups and len(mine) >= self.groups_max:
            return [CommandRejected(Reason.TOO_MANY_GROUPS, "groupId", "")]
        changed = GroupSet(*key, command.max_filled, command.window, command.max_net)
        group = self.groups.get(key)
        if group is None:
            group = TwinGroup(*key, changed.max_filled, changed.window, changed.max_net)
            self.groups[key] = group
        else:
            self._change(group, command)
        events: list[Event] = [changed]
        if not group.triggered and group.is_at_limit(self.now):
            events += self._trigger(group)
        return [*events, *self.netting()]

    def _change(self, group: TwinGroup, command: SetOrderGroup) -> None:
        """Take on other limits; what counts now is moved to where it ended at the latest."""
        counted, before = group.counted(self.now), group.window
        group.max_filled, group.max_net = command.max_filled, command.max_net
        group.window = command.window
        group.fills = counted
        if before != command.window:
            group.fills = tuple(
                (group.slice_of(min(last_moment(number, before), self.now)), quantity, net)
                for number, quantity, net in counted
            )

    def reset_group(self, command: ResetOrderGroup) -> list[Event]:
        """Run a ResetOrderGroup."""
        if command.account_id not in self.accounts:
            return [CommandRejected(Reason.ACCOUNT_NOT_FOUND, "", "")]
        group = self.groups.get((command.account_id, command.name))
        if group is None:
            return [CommandRejected(Reason.GROUP_NOT_FOUND, "groupId", "")]
        group.triggered, group.fills = False, ()
        return [GroupReset(command.account_id, command.name)]


def last_moment(number: int, window: int) -> int:
    """Return the last microsecond of a slice, by looking for it."""
    at = (number + 1) * window * 1_000_000 // SLICES + 1
    while at * SLICES // (window * 1_000_000) > number:
        at -= 1
    return at
