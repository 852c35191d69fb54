"""A market: its terms, its life, and which command each state of that life admits.

    DRAFT --> OPEN <--> POST_ONLY       each of OPEN, POST_ONLY, HALTED and FULL_HALT to each other
                ^        ^              all of these but FULL_HALT, and DRAFT, to CLOSED
         HALTED <--------+------> FULL_HALT         CLOSED --> [RESOLVING -->] RESOLVED or VOID

                 place       cancel   timers, admin
    DRAFT                      x           x
    OPEN           x           x           x
    POST_ONLY      post-only   x           x
    HALTED                     x           x
    FULL_HALT                              x
    CLOSED                                 resolve only
    RESOLVING                              timers only: its many holders are being paid
    RESOLVED                                            (and VOID: final, nothing any more)

Closing is possible from DRAFT, OPEN, POST_ONLY and HALTED (the timer and a resolution also close a
FULL_HALT market), cancels all orders and is final.
"""

from dataclasses import dataclass, field
from typing import Final

from exchange.messages.limits import MarketLimits
from exchange.messages.terms import FeeModel, MarketStatus, Resolution
from exchange.messages.units import Boxed
from exchange.model.accounts import Position
from exchange.model.order_book import OrderBook
from exchange.model.price_window import Window
from exchange.model.waiting import Waiting

DRAFT: Final = MarketStatus.DRAFT
OPEN: Final = MarketStatus.OPEN
POST_ONLY: Final = MarketStatus.POST_ONLY
HALTED: Final = MarketStatus.HALTED
FULL_HALT: Final = MarketStatus.FULL_HALT
CLOSED: Final = MarketStatus.CLOSED
RESOLVING: Final = MarketStatus.RESOLVING

NEXT_STATUS: Final[dict[MarketStatus, tuple[MarketStatus, ...]]] = {
    DRAFT: (OPEN, CLOSED),
    OPEN: (POST_ONLY, HALTED, FULL_HALT, CLOSED),
    POST_ONLY: (OPEN, HALTED, FULL_HALT, CLOSED),
    HALTED: (OPEN, POST_ONLY, FULL_HALT, CLOSED),
    FULL_HALT: (OPEN, POST_ONLY, HALTED),
    CLOSED: (),
    RESOLVING: (),
    MarketStatus.RESOLVED: (),
    MarketStatus.VOID: (),
}
"""What an admin may set from where; resolving has a command of its own."""

ADMITS_CANCEL: Final = (DRAFT, OPEN, POST_ONLY, HALTED)
UNFINISHED: Final = (DRAFT, OPEN, POST_ONLY, HALTED, FULL_HALT)
ENDED: Final = (MarketStatus.RESOLVED, MarketStatus.VOID)
DECIDED: Final = (RESOLVING, *ENDED)
"""Where the question has its answer."""


@dataclass(slots=True, eq=False)
class Market:
    """One question's record.  `transitions/` alone changes it."""

    id: int
    slug: str
    question: str
    description: str
    category: str
    close_time: int
    tick_size: int
    min_quantity: int
    maker_fee: int
    taker_fee: int
    fee_model: FeeModel
    status: MarketStatus
    created_at: int
    key: Boxed = field(init=False)
    """The id again, as tables and messages have it."""
    book: OrderBook = field(default_factory=OrderBook)
    waiting: Waiting | None = None
    """Orders that wait for a price; None as long as there are none."""
    positions: dict[int, Position] = field(default_factory=dict)
    """By account id."""
    collateral: int = 0
    seq: int = 0
    """Counts commands that changed the market's public state."""
    touched: int = 0
    """Sequence of the last command that changed it in any way; not part of the state."""
    published: int = 0
    """Sequence of the last command that moved `seq`; not part of the state."""
    listed: int = 0
    """The number of the last dirty lists it was on; not part of the state."""
    trade_no: int = 0
    volume: int = 0
    """Sum of traded quantities."""
    last_price: int | None = None
    """YES price of the last trade."""
    resolution: Resolution | None = None
    yes_payout: int | None = None
    source: str | None = None
    resolved_at: int | None = None
    next_payout: int | None = None
    """When the next of its holders are paid, while it is RESOLVING."""
    unpaid: list[int] = field(default_factory=list)
    """While it is RESOLVING, the accounts that hold shares, the next to be paid last."""
    limits: MarketLimits | None = None
    """Of everybody who has none of his own, and its own halts."""
    resumes_at: int | None = None
    """When it goes on by itself: HALTED to POST_ONLY or OPEN, POST_ONLY to OPEN."""
    extremes: Window = ()
    """Where it traded of late, if it halts by itself."""

    def __post_init__(self) -> None:
        """Keep the id twice."""
        self.key = self.id

    def holders(self) -> list[int]:
        """Return the accounts that hold shares, by falling id.  O(positions)."""
        found = (
            account_id
            for account_id, position in self.positions.items()
            if position.yes.quantity or position.no.quantity
        )
        return sorted(found, reverse=True)
