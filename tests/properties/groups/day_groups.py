"""Order groups of a random market day: limits that trades come to, and orders that count there."""

import msgspec

from exchange.messages.commands import BatchOrders, Command, PlaceOco, PlaceOrder
from exchange.messages.conditions import OrderConditions
from exchange.messages.group_commands import ResetOrderGroup, SetOrderGroup
from tests.properties.batches.day_batches import DayBatches
from tests.properties.choosing import Chooser
from tests.properties.day_orders import ACCOUNTS, NOBODY

NAMES = ("g1", "g2", "g3", "g4")
UNKNOWN = "nowhere"


class DayGroups(DayBatches):
    """Makes groups, and lets orders be of them."""

    def group(self, choose: Chooser) -> Command:
        """Make a group, give one other limits, or reset one."""
        account_id = choose.one_of(ACCOUNTS) if choose.number(0, 29) else NOBODY
        name = choose.one_of(NAMES)
        filling = [g for g in self.twin.groups.values() if g.sums(self.twin.now)[0]]
        if filling and choose.number(0, 2) == 0:
            # About what it has filled: over its new limit at once, or nearly.
            group = choose.one_of(filling)
            filled, net = group.sums(self.twin.now)
            limit = max(1, filled + choose.number(-1, 1))
            return SetOrderGroup(
                group.account_id, group.name, limit, group.window, abs(net) or None
            )
        if choose.number(0, 3) == 0:
            account_id = choose.one_of((*(account_id,) * 7, NOBODY))
            return ResetOrderGroup(account_id, choose.one_of((*NAMES, UNKNOWN)))
        limits = {
            "max_filled": choose.one_of((30, 100, 300, 1_000, 10**6)),
            "window": choose.one_of((1, 1, 2, 60, 3_600)),
            "max_net": choose.one_of((None, None, 40, 150, 10**5)),
        }
        if choose.number(0, 19) == 0:
            wrong = (("max_filled", 0), ("max_filled", 10**10 + 1), ("window", 0))
            more = (("window", 3_601), ("max_net", 0), ("max_net", 10**10 + 1))
            field, value = choose.one_of((*wrong, *more))
            limits[field] = value
        if choose.number(0, 39) == 0:
            name = choose.one_of(("", "x" * 65))
        return SetOrderGroup(
            account_id,
            name,
            limits["max_filled"] or 0,
            limits["window"] or 0,
            limits["max_net"],
        )

    def reset_triggered(self, choose: Chooser) -> Command | None:
        """Reset a group that was triggered, after a while."""
        for group in self.twin.groups.values():
            if group.triggered and choose.number(0, 29) == 0:
                return ResetOrderGroup(group.account_id, group.name)
        return None

    def grouped(self, choose: Chooser, command: Command) -> Command:
        """Let an order that comes under no id be of a group of its account."""
        match command:
            case PlaceOrder():
                return self._member(choose, command)
            case PlaceOco(request_id=None):
                first, second = (
                    self._member(choose, leg) for leg in (command.first, command.second)
                )
                return msgspec.structs.replace(command, first=first, second=second)
            case BatchOrders(request_id=None):
                # What trades first in one that is to be undone isn't to fail for its group.
                operations = tuple(
                    self._member(choose, one)
                    if isinstance(one, PlaceOrder) and (number or not command.all_or_none)
                    else one
                    for number, one in enumerate(command.operations)
                )
                return msgspec.structs.replace(command, operations=operations)
        return command

    def _member(self, choose: Chooser, order: PlaceOrder) -> PlaceOrder:
        groups = self.twin.groups.values()
        mine = [group for group in groups if group.account_id == order.account_id]
        if order.client_order_id is not None or not mine or choose.number(0, 1):
            return order
        ready = [group.name for group in mine if not group.triggered]
        name = choose.one_of(ready if ready and choose.number(0, 9) else [g.name for g in mine])
        if choose.number(0, 79) == 0:
            name = UNKNOWN
        terms = order.conditions or OrderConditions()
        return msgspec.structs.replace(order, conditions=msgspec.structs.replace(terms, group=name))
