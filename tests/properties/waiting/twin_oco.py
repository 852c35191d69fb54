"""How the twin takes a pair of which one cancels the other: both or none."""

import msgspec

from exchange.messages.commands import PlaceOco
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import CommandRejected, Event
from exchange.messages.reasons import Reason
from exchange.messages.terms import OrderType
from tests.properties.twin_orders import Refusal
from tests.properties.twin_records import TwinOrder
from tests.properties.twin_terms import wrong_terms
from tests.properties.waiting.twin_waiting import TwinWaiting


class TwinOco(TwinWaiting):
    """Two orders in one command."""

    def place_oco(self, command: PlaceOco) -> list[Event]:
        """Run a PlaceOco."""
        sent = [self.order_of(command.first), self.order_of(command.second)]
        refusal = self._not_taken(sent)
        if refusal is not None:
            return [CommandRejected(*refusal, "")]
        stop, other = sorted(sent, key=lambda order: not order.waits)
        other.id += 1
        stop.conditions = tied(stop, other.id)
        other.conditions = tied(other, stop.id)
        crosses = not other.waits and self.best_offer(other) is not None
        need = self.pending_need(other) if other.waits else self._needed(other, crosses=crosses)
        lock = max(self.pending_need(stop), need)
        refusal = self._cannot_pay(stop, lock)
        if refusal is None and crosses and other.post_only:
            refusal = Reason.POST_ONLY_WOULD_CROSS, "price"
        if refusal is None:
            refusal = self.cannot_wait([stop, other], lock)
        for number, order in enumerate(sent):
            if refusal is None and self.group_is_shut(order) is not None:
                refusal = Reason.GROUP_LIMIT, f"orders[{number}].groupId"
        if refusal is not None:
            return [CommandRejected(*refusal, "")]
        events: list[Event] = [self.put_aside(stop, lock)]
        if other.waits:
            return [*events, self.put_aside(other, 0)]
        self.take_in(other)
        events.append(other.placed(resting=not crosses))
        if crosses:
            return self.match(other, events, None, crosses=True)
        other.in_book = True
        self.public_changed(other.market_id)
        return events

    def _not_taken(self, sent: list[TwinOrder]) -> Refusal | None:
        """Return what speaks against the two whatever their means and the book are."""
        refusals = [self.not_taken(order) for order in sent]
        early = [one for one in refusals if one is not None and one[0] < Reason.INVALID_ORDER]
        if (Reason.GROUP_NOT_FOUND, "groupId") in early:
            number = refusals.index((Reason.GROUP_NOT_FOUND, "groupId"))
            return Reason.GROUP_NOT_FOUND, f"orders[{number}].groupId"
        return early[0] if early else self._no_pair(sent, refusals)

    def _no_pair(self, sent: list[TwinOrder], refusals: list[Refusal | None]) -> Refusal | None:
        for number, order in enumerate(sent):
            wrong = wrong_terms(order)
            if wrong is not None:
                return Reason.INVALID_ORDER, f"orders[{number}]" + (f".{wrong}" if wrong else "")
            if order.client_order_id is not None:
                return Reason.INVALID_ORDER, f"orders[{number}].clientOrderId"
            limit = order.type is OrderType.LIMIT and order.may_rest
            if not (limit or order.waits):
                return Reason.INVALID_ORDER, f"orders[{number}].type"
        one, two = sent
        for field, same in (
            ("market", one.account_id == two.account_id and one.market_id == two.market_id),
            ("side", one.side is two.side),
            ("outcome", one.outcome is two.outcome),
        ):
            if not same:
                return Reason.INVALID_ORDER, f"orders[1].{field}"
        if not (one.waits or two.waits):
            return Reason.INVALID_ORDER, "orders"
        for number, refusal in enumerate(refusals):
            if refusal is not None:
                return refusal[0], f"orders[{number}].{refusal[1]}"
        return None


def tied(order: TwinOrder, partner: int) -> OrderConditions:
    """Return the order's terms with the one that it ends."""
    return msgspec.structs.replace(order.conditions or OrderConditions(), partner=partner)
