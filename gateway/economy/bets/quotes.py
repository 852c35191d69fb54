"""What a bet or a sale would do now, run by the engine's own rules on a scratch.

Laws: nothing is sent, stored or remembered. It is of what is committed: by the time the bet itself
comes the book may be another, and `maxPrice` or `minProceeds` holds it to what was shown. What
would be refused, for lack of cash too, is refused here in the same words.
"""

import asyncio
from typing import Final

from exchange.messages.commands import BatchOrders, PlaceOrder
from exchange.messages.events import CommandRejected
from exchange.model.state import State
from exchange.rules.preview import TooMuchToPreview, prepare
from gateway.economy.bets.orders import Traded, nothing_traded, traded
from gateway.engine_side.refusals import refused
from gateway.wire.errors import Refused, Unavailable
from persistence.clock import now_us

ORDERS_AT_ONCE: Final = 250
"""Resting orders that are looked at where the loop stands; more of them in a thread."""
LARGE_AT_ONCE: Final = 2


class Quotes:
    """Tries orders without placing them."""

    def __init__(self, view: State) -> None:
        self._view = view
        self._large = 0

    async def of(self, order: PlaceOrder) -> Traded:
        """Return what an order would trade now.

        Raises EngineRefused as it would be, Refused if nothing would be traded or too much looked
        at, Unavailable if too many large ones are looked at just now.
        """
        command = BatchOrders(order.account_id, (order,))
        try:
            prepared = prepare(self._view, now_us(), command)
        except TooMuchToPreview as error:
            raise Refused("PREVIEW_TOO_LARGE", str(error)) from None
        if prepared.orders <= ORDERS_AT_ONCE:
            _, events = prepared.run()
        else:
            if self._large >= LARGE_AT_ONCE:
                raise Unavailable("too many large quotes just now; try again in a moment")
            self._large += 1
            try:
                _, events = await asyncio.to_thread(prepared.run)
            finally:
                self._large -= 1
        for event in events:
            if isinstance(event, CommandRejected):
                raise refused(event)
        found = traded(events)
        if not found.quantity:
            raise nothing_traded(found.reason)
        return found
