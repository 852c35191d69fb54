"""What each refusal of the engine means, and what its sender does about it.

Law: every reason has its text (`require_all`). Whether the same may succeed later is the reason's
own to say (`Reason.transient`), not this table's.
"""

from typing import Final, NamedTuple

from exchange.messages.completeness import require_all
from exchange.messages.reasons import Reason


class Text(NamedTuple):
    """What happened, and what to do: a sentence each, written for the caller."""

    meaning: str
    action: str


_LOOK: Final = "Look at the field that is named, and at GET /exchange/status for the bounds."
_WAIT: Final = "Wait: GET /exchange/status says how it is, `exchange_updated` when it changes."

REFUSALS: Final[dict[Reason, Text]] = {
    Reason.CONFLICT: Text(
        "The clientOrderId or requestId was used before, with other content.",
        "Take a new id for a new order; send the first content again to learn its outcome.",
    ),
    Reason.EXPIRED: Text(
        "What it was valid until had passed when its turn came; nothing happened.",
        "Send it anew if it is still wanted.",
    ),
    Reason.ACCOUNT_NOT_FOUND: Text(
        "The account isn't open yet, or there is none of that number.",
        "Right after registering, try again in a moment; else check the number.",
    ),
    Reason.MARKET_NOT_FOUND: Text(
        "No market of ours has that slug or id.",
        "Take slug or id from GET /markets; orders go to our own markets only.",
    ),
    Reason.ORDER_NOT_FOUND: Text(
        "No order has that id.", "Take the id from the answer to its placing, or from GET /orders."
    ),
    Reason.ORDER_NOT_OPEN: Text(
        "The order is filled, cancelled or expired: there is nothing left to change.",
        "Nothing: GET /orders/{id} says how it ended.",
    ),
    Reason.NOT_ORDER_OWNER: Text(
        "The order is somebody else's.", "Check the id; only its owner changes an order."
    ),
    Reason.ACCOUNT_SUSPENDED: Text(
        "The account is suspended: it is read, and trades nothing.",
        "Ask the operator; what was open when it was suspended is settled all the same.",
    ),
    Reason.ACCOUNT_CLOSED: Text(
        "The account is closed for good.", "Nothing; a closed account isn't opened again."
    ),
    Reason.GROUP_NOT_FOUND: Text(
        "There is no order group of that name.", "Make it by POST /order-groups first."
    ),
    Reason.EXCHANGE_HALTED: Text(
        "The exchange is halted: it takes no orders and no cancels.", _WAIT
    ),
    Reason.EXCHANGE_CANCEL_ONLY: Text("The exchange takes cancels only for now.", _WAIT),
    Reason.EXCHANGE_POST_ONLY: Text(
        "The exchange takes only orders that rest (post-only) for now, as after a restart.",
        "Send it with postOnly, or wait until `postOnlyUntil` of GET /exchange/status.",
    ),
    Reason.MARKET_NOT_OPEN: Text(
        "The market takes no such order in its status of now.",
        "Look at `status` and `resumesAt`: a halt ends, a closed market doesn't open again.",
    ),
    Reason.MARKET_ALREADY_RESOLVED: Text(
        "The market is resolved, and a resolution is for ever.", "Nothing; its payout is settled."
    ),
    Reason.ILLEGAL_STATUS_CHANGE: Text(
        "A market or the exchange doesn't go from its status to that one.",
        "Read the status anew; docs/markets.md has the ways from one to another.",
    ),
    Reason.MARKET_POST_ONLY: Text(
        "The market takes only orders that rest (post-only) for now.",
        "Send it with postOnly, or wait for market_updated.",
    ),
    Reason.MARKET_TRADED: Text(
        "What is to be edited may not change once the market has traded.",
        "Leave the term as it is, or list another market.",
    ),
    Reason.MARKET_NOT_HALTED: Text(
        "What orders go by may not change while the market takes any.",
        "Halt the market, edit it, and open it again.",
    ),
    Reason.INVALID_ORDER: Text("The order's terms contradict each other or pass a bound.", _LOOK),
    Reason.OFF_TICK: Text(
        "The price isn't a multiple of the market's tick.",
        "Round it to `tickSize` of the market; the message names the nearest prices.",
    ),
    Reason.BELOW_MIN_QUANTITY: Text(
        "The quantity is below the market's least.", "Take at least `minQuantity` of the market."
    ),
    Reason.INVALID_MARKET: Text("The market's terms contradict each other or pass a bound.", _LOOK),
    Reason.SLUG_TAKEN: Text("Another market has that slug.", "Take another slug."),
    Reason.CLOSE_TIME_PASSED: Text(
        "The market's close time has passed.", "Give a later close time, or trade elsewhere."
    ),
    Reason.INVALID_PAYOUT: Text("The payout isn't one that the market can have.", _LOOK),
    Reason.INVALID_AMOUNT: Text("The amount or number isn't one that can be.", _LOOK),
    Reason.OUTSIDE_BAND: Text(
        "The price lies too far from the market's reference price.",
        "Take a price within the band that the message names, which moves with the market.",
    ),
    Reason.ORDER_TOO_LARGE: Text(
        "The order is larger than the market takes at once.", "Split it; the message has the bound."
    ),
    Reason.POSITION_LIMIT: Text(
        "With what is open it could pass the largest position that one may hold there.",
        "Take less, or cancel or close something first; the message says how much is left.",
    ),
    Reason.EXPIRY_PASSED: Text(
        "The order would have ended before it began.", "Give an expiresAt in the future."
    ),
    Reason.VERSION_CHANGED: Text(
        "The order isn't as `expectedVersion` says any more.",
        "Read the order, decide anew, and send its version of now.",
    ),
    Reason.INSUFFICIENT_BALANCE: Text(
        "The available credits don't pay for the order and its fee.",
        "Take less, or free credits by cancelling orders: GET /user/balance says what is locked.",
    ),
    Reason.INSUFFICIENT_SHARES: Text(
        "There are fewer shares free than are to be sold.",
        "Sell less, or cancel the orders that lock them; to be short of YES, buy NO.",
    ),
    Reason.REDUCE_ONLY: Text(
        "A reduce-only order would have opened or turned the position.",
        "Take at most the position's size, or leave reduceOnly out.",
    ),
    Reason.ACCOUNT_NOT_EMPTY: Text(
        "The account that is to be closed has cash, shares or open orders.",
        "Cancel its orders and take its cash out first; shares go with their markets.",
    ),
    Reason.FOK_NOT_FILLABLE: Text(
        "The book can't fill all of it at once, and FOK takes no less; nothing happened.",
        "Take less or a worse price, or IOC for a part.",
    ),
    Reason.MAX_COST_TOO_SMALL: Text(
        "The maxCost doesn't pay for 0.01 share at the best price.",
        "Raise it, or wait for a better one.",
    ),
    Reason.POST_ONLY_WOULD_CROSS: Text(
        "A post-only order would have traded at once.",
        "Take a price behind the best of the other side, or leave postOnly out.",
    ),
    Reason.TRIGGER_REACHED: Text(
        "The price that a stop order waits for is reached already.",
        "Send an ordinary order, or another triggerPrice.",
    ),
    Reason.TOO_MANY_OPEN_ORDERS: Text(
        "The account has as many open orders as one may have, in all or there.",
        "Cancel some first.",
    ),
    Reason.ISSUANCE_EXHAUSTED: Text(
        "The exchange holds all the money that it may hold.", "Ask the operator."
    ),
    Reason.GROUP_LIMIT: Text(
        "The order group was triggered: it has filled what it may within its window.",
        "Reset it by POST /order-groups/{id}/reset, or trade without it.",
    ),
    Reason.TOO_MANY_GROUPS: Text(
        "The account has as many order groups as one may have.",
        "Give one that is there other limits.",
    ),
    Reason.NOT_STORED: Text(
        "The command can't be kept as it is, so it didn't happen.",
        "Send what is meant under a new id; the id of this one is used up.",
    ),
}
"""Every reason's text."""
require_all(Reason, REFUSALS, "the texts of the engine's refusals")
