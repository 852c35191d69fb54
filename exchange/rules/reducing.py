"""Reduce-only orders: what they may trade at most (RULEBOOK 6).

    SELL    free shares of its outcome, less those of the other
    BUY     free shares of the other outcome, less those of its own

Free YES and NO shares of one account are pairs, which netting turns into cash at the end of the
command: selling half of one reduces nothing, and neither does buying a half that is there. So pairs
don't count, in the middle of a batch as little as anywhere else. The cap is taken once, when the
order comes, and of one that waits for a price when it is triggered: the shares that it has locked
until then count as free, for they are what it is to sell.
"""

from exchange.messages.events import CommandRejected
from exchange.messages.reasons import Reason
from exchange.messages.terms import SELL, YES, Outcome, Side
from exchange.messages.units import format_quantity
from exchange.model.market import Market


def reducible(market: Market, account_id: int, side: Side, outcome: Outcome, held: int = 0) -> int:
    """Return the largest quantity that an order of this kind may trade and only reduce.

    `held` are shares that a SELL has locked already, and its partner if it is of a pair.
    """
    position = market.positions.get(account_id)
    if position is None:
        return 0
    of_yes = position.yes.free - position.no.free
    return max(0, held + (of_yes if (side is SELL) is (outcome is YES) else -of_yes))


def reduce_only_refusal(cap: int, quantity: int | None, *, whole: bool) -> CommandRejected | None:
    """Refuse an order that has nothing to reduce, and one to be filled whole that has too little.

    Args:
        cap: what `reducible` says.
        quantity: what was asked for; None if it is by cost.
        whole: whether it trades all of it or nothing (FOK).
    """
    if cap == 0:
        return CommandRejected(Reason.REDUCE_ONLY, "reduceOnly", "there is nothing to reduce")
    if whole and quantity is not None and quantity > cap:
        message = f"only {format_quantity(cap)} of it would reduce the position"
        return CommandRejected(Reason.FOK_NOT_FILLABLE, "quantity", message)
    return None
