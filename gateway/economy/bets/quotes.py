"""What a bet or a sale would do now, run by the engine's own rules on a scratch.

Laws: nothing is sent, stored or remembered. It is of what is committed: by the time the bet itself
comes the book may be another, and `maxPrice` or `minProceeds` holds it to what was shown. What
would be refused, for lack of cash too, is refused here in the same words. Each ORDERS_A_CALL
resting orders that it looks at cost a call more, before any is copied. A large one's place is taken
until its thread ends, though whoever asked may have gone.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.commands import BatchOrders, PlaceOrder
from exchange.messages.events import CommandRejected
from exchange.messages.reasons import Reason
from exchange.messages.terms import NO, CancelReason, Outcome
from exchange.model.state import State
from exchange.rules.preview import TooMuchToPreview, prepare
from gateway.economy.bets.orders import Traded, nothing_traded, traded
from gateway.economy.mirrors.making import Foreseen
from gateway.engine_side.refusals import EngineRefused, refused
from gateway.wire.errors import Refused, Unavailable
from persistence.clock import now_us

ORDERS_AT_ONCE: Final = 250
"""Resting orders that are looked at where the loop stands; more of them in a thread."""
LARGE_AT_ONCE: Final = 2
ORDERS_A_CALL: Final = 100


def free_of_charge(_user_id: int, _calls: int) -> None:
    """Count nothing, where no limit is."""


class Quotes:
    """Tries orders without placing them."""

    def __init__(self, view: State, charge: Callable[[int, int], None] = free_of_charge) -> None:
        """`charge` counts calls of somebody beyond the request's own, or raises RateLimited."""
        self._view = view
        self._charge = charge
        self._large = 0

    async def of(self, order: PlaceOrder) -> Traded:
        """Return what an order would trade now.

        Raises EngineRefused as it would be, Refused if nothing would be traded or too much looked
        at, Unavailable if too many large ones are looked at just now, RateLimited.
        """
        command = BatchOrders(order.account_id, (order,))

        def admit(orders: int) -> None:
            self._charge(order.account_id, orders // ORDERS_A_CALL)

        try:
            prepared = prepare(self._view, now_us(), command, admit)
        except TooMuchToPreview as error:
            raise Refused("PREVIEW_TOO_LARGE", str(error)) from None
        if prepared.orders <= ORDERS_AT_ONCE:
            _, events = prepared.run()
        else:
            if self._large >= LARGE_AT_ONCE:
                raise Unavailable("too many large quotes just now; try again in a moment")
            self._large += 1
            running = asyncio.ensure_future(asyncio.to_thread(prepared.run))
            running.add_done_callback(self._ran)
            _, events = await asyncio.shield(running)
        for event in events:
            if isinstance(event, CommandRejected):
                raise refused(event)
        found = traded(events)
        if not found.quantity:
            raise nothing_traded(found.reason)
        return found

    def _ran(self, running: asyncio.Future[Any]) -> None:
        self._large -= 1
        if not running.cancelled():
            # Nobody may be left to hear why it failed.
            running.exception()


def foreseen(
    market: Foreseen, outcome: Outcome, amount: int, max_price: int | None, available: int
) -> Traded:
    """Return what a bet would trade in a mirror that isn't there yet, which the first bet makes.

    Args:
        market: what the house would quote in it; a mirror takes no fee.
        outcome: that is bet on.
        amount: money, the most that it may cost.
        max_price: of a share, in price units.
        available: money of the one who asks.

    Raises EngineRefused and Refused as the bet would be.
    """
    if amount > available:
        raise EngineRefused(Reason.INSUFFICIENT_BALANCE, "The balance is less than the amount", "")
    # Who buys YES meets an ask, who buys NO a bid.
    is_met = outcome is NO
    offered = next((one for one in market.quotes if one.is_bid is is_met and one.quantity), None)
    if offered is None:
        raise nothing_traded(CancelReason.NO_LIQUIDITY.name)
    price = PRICE_SCALE - offered.price
    if max_price is not None and price > max_price:
        raise nothing_traded(CancelReason.WORST_PRICE.name)
    quantity = min(offered.quantity, amount // price)
    if not quantity:
        raise nothing_traded(CancelReason.MAX_COST_TOO_SMALL.name)
    reason = CancelReason.NO_LIQUIDITY.name if quantity == offered.quantity else None
    return Traded(quantity, price * quantity, 0, price, reason)
