"""Every bound of the core, named in one place, with the relations between them checked at import.

Stored numbers stay below 2^62, so that a 64-bit column holds them with a bit to spare; Python's
intermediates may pass it.  A bound that can be hit by a caller has a refusal in
`messages/reasons.py`. What keeps the numbers that grow:

    cash, collateral, fees         ISSUANCE_MAX: together they are what was issued
    shares, their cost             the collateral: a share has PRICE_SCALE of it and cost less
    an order's fills and fees      QUANTITY_MAX times a price; by `max_cost`: the cash it had
    an order's fee carry           the fees' denominator
    volume, realised profit        TALLY_MAX: there they stop
    what a group has filled        its limit, at most QUANTITY_MAX, and the fill that passed it
    sequences, ids, trade numbers  counted in ones: a million a second for a thousand centuries
"""

from typing import Final

from exchange.messages.errors import InvariantViolated

STORED_MAX: Final = 2**62 - 1

PRICE_SCALE: Final = 10_000
"""Price units in one credit, and money units that one quantity unit pays when its outcome wins."""
PRICE_MIN: Final = 1
PRICE_MAX: Final = PRICE_SCALE - 1

QUANTITY_SCALE: Final = 100
"""Quantity units in one share."""
QUANTITY_MAX: Final = 10**10
"""Largest quantity of one order: 100 million shares."""

MONEY_SCALE: Final = 1_000_000
"""Money units in one credit; price x quantity = money, exactly."""
CREDIT_MAX: Final = 10**15
"""Largest amount of one credit: a billion credits."""
ISSUANCE_MAX: Final = 10**18
"""Largest sum of money that can ever be in the exchange, so the bound of every balance."""

TALLY_MAX: Final = STORED_MAX
"""Where a sum stops that only tells of the past: a market's volume, a position's realised profit
(its losses at the negative).  Nothing is decided by it, so nobody is refused for it."""

RATE_SCALE: Final = 10_000
RATE_MAX: Final = 1_000
"""Largest fee rate: 10 %, so that price plus fee rises with price and a fee never exceeds
proceeds."""

TICK_SIZES: Final = (1, 10, 100)

OPEN_ORDERS_PER_ACCOUNT: Final = 10_000
"""Bounds what one cancel-all does and what one account can make the book hold."""
RECENT_IDS: Final = 20_000
"""The core remembers the client ids of this many last commands; older ones are the shell's to look
up."""
PAYOUT_HOLDERS: Final = 500
"""Most holders that a resolution pays by itself."""
PAYOUT_SLICE: Final = 250
"""Most holders that each of the commands pays that follow the resolution of a larger market."""
PAYOUT_PAUSE: Final = 50_000
"""Microseconds from one slice of payouts to the next, in which others' commands run."""
BATCH_COMMANDS: Final = 4_096
"""Most commands between the shell's look-up of client ids and their execution (see
`model/idempotency.py`)."""
BATCH_OPERATIONS: Final = 50
"""Most operations of one batch of orders, each of which counts as a command above."""

DEAD_MAN_MS: Final = (1_000, 60_000)
"""How far away, in milliseconds, a dead-man deadline may be set."""
LEASE_US: Final = 10_000_000
"""How long a gateway's sessions live without a sign of it, in microseconds."""

GROUPS_PER_ACCOUNT: Final = 100
"""Most order groups of one account."""
GROUP_WINDOW: Final = (1, 3_600)
"""How long, in seconds, the window of an order group may be."""

TRANSFER_LEGS: Final = 200
"""Most legs of one transfer."""
TRIGGERS_BETWEEN: Final = 100
"""Most orders that are triggered between two commands from outside, as long as any waits."""

CLIENT_ID_LENGTH: Final = 64
SLUG_LENGTH: Final = (3, 80)
QUESTION_LENGTH: Final = 500
DESCRIPTION_LENGTH: Final = 10_000
CATEGORY_LENGTH: Final = 60
REASON_LENGTH: Final = 200
SOURCE_LENGTH: Final = 500

NOTIONAL_MAX: Final = PRICE_SCALE * QUANTITY_MAX
"""The most that one order can come to."""

HALT_WINDOW_S: Final = 3_600
"""The longest window, in seconds, in which a market's price is watched."""
HALT_S: Final = 86_400
"""The longest time, in seconds, for which a market halts by itself."""

TIME_MAX: Final = 253_402_300_799_999_999
"""Microseconds since the Unix epoch at the end of the year 9999."""


def _check() -> None:
    relations = {
        "price x quantity = money, exactly": PRICE_SCALE * QUANTITY_SCALE == MONEY_SCALE,
        "issuance bounds every balance": ISSUANCE_MAX <= STORED_MAX,
        "the cost of one order fits": PRICE_SCALE * QUANTITY_MAX * 2 <= STORED_MAX,
        "tallies fit": TALLY_MAX <= STORED_MAX,
        "a fee carry fits": RATE_SCALE * PRICE_SCALE <= STORED_MAX,
        "a credit fits into the issuance": CREDIT_MAX <= ISSUANCE_MAX,
        "a fee never exceeds the proceeds": RATE_MAX <= RATE_SCALE // 10,
        "ticks divide the scale": all(PRICE_SCALE % tick == 0 for tick in TICK_SIZES),
        "remembered ids outlive the look-up": RECENT_IDS > 2 * BATCH_COMMANDS,
        "times fit": TIME_MAX <= STORED_MAX,
        "what an order comes to fits": NOTIONAL_MAX <= STORED_MAX,
    }
    for relation, holds in relations.items():
        if not holds:
            raise InvariantViolated(f"bounds: {relation}")


_check()
