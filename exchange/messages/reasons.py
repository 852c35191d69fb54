"""Why a command was refused: a closed, numbered list in bands, checked in the order of the numbers.

    1xx  the command's id, its time                5xx  the account's means
    2xx  somebody or something isn't there         6xx  what the book offers
    3xx  the exchange's mode, the market's life    7xx  bounds
    4xx  the command's terms                       9xx  the store

The name is the code on the wire; the number and the name never change their meaning.  A *transient*
refusal may be gone when the same is tried again (under a new client id); a *final* one will not.
"""

from enum import IntEnum
from typing import Final


class Reason(IntEnum):
    """A refusal; the state is unchanged but for the command's sequence number and its id."""

    CONFLICT = 101
    EXPIRED = 102

    ACCOUNT_NOT_FOUND = 201
    MARKET_NOT_FOUND = 202
    ORDER_NOT_FOUND = 203
    ORDER_NOT_OPEN = 204
    NOT_ORDER_OWNER = 205
    ACCOUNT_SUSPENDED = 206
    ACCOUNT_CLOSED = 207
    GROUP_NOT_FOUND = 208

    EXCHANGE_HALTED = 301
    EXCHANGE_CANCEL_ONLY = 302
    EXCHANGE_POST_ONLY = 303
    MARKET_NOT_OPEN = 304
    MARKET_ALREADY_RESOLVED = 305
    ILLEGAL_STATUS_CHANGE = 306
    MARKET_POST_ONLY = 307
    MARKET_TRADED = 308
    MARKET_NOT_HALTED = 309

    INVALID_ORDER = 401
    OFF_TICK = 402
    BELOW_MIN_QUANTITY = 403
    INVALID_MARKET = 404
    SLUG_TAKEN = 405
    CLOSE_TIME_PASSED = 406
    INVALID_PAYOUT = 407
    INVALID_AMOUNT = 408
    OUTSIDE_BAND = 409
    ORDER_TOO_LARGE = 410
    POSITION_LIMIT = 411
    EXPIRY_PASSED = 412
    VERSION_CHANGED = 413

    INSUFFICIENT_BALANCE = 501
    INSUFFICIENT_SHARES = 502
    REDUCE_ONLY = 503
    ACCOUNT_NOT_EMPTY = 504

    FOK_NOT_FILLABLE = 601
    MAX_COST_TOO_SMALL = 602
    POST_ONLY_WOULD_CROSS = 603
    TRIGGER_REACHED = 604

    TOO_MANY_OPEN_ORDERS = 701
    ISSUANCE_EXHAUSTED = 702
    GROUP_LIMIT = 703
    TOO_MANY_GROUPS = 704

    NOT_STORED = 901

    @property
    def band(self) -> int:
        """The hundreds of the number, e.g. 3 for the exchange's mode and the market's life."""
        return self.value // 100

    @property
    def transient(self) -> bool:
        """Whether the same command can succeed later without being changed."""
        return self in _TRANSIENT


_TRANSIENT: Final = frozenset(
    {
        Reason.ACCOUNT_NOT_FOUND,
        Reason.ACCOUNT_SUSPENDED,
        Reason.GROUP_NOT_FOUND,
        Reason.EXCHANGE_HALTED,
        Reason.EXCHANGE_CANCEL_ONLY,
        Reason.EXCHANGE_POST_ONLY,
        Reason.MARKET_NOT_OPEN,
        Reason.MARKET_POST_ONLY,
        Reason.MARKET_NOT_HALTED,
        Reason.OUTSIDE_BAND,
        Reason.POSITION_LIMIT,
        Reason.INSUFFICIENT_BALANCE,
        Reason.INSUFFICIENT_SHARES,
        Reason.REDUCE_ONLY,
        Reason.ACCOUNT_NOT_EMPTY,
        Reason.FOK_NOT_FILLABLE,
        Reason.MAX_COST_TOO_SMALL,
        Reason.POST_ONLY_WOULD_CROSS,
        Reason.TRIGGER_REACHED,
        Reason.TOO_MANY_OPEN_ORDERS,
        Reason.ISSUANCE_EXHAUSTED,
        Reason.GROUP_LIMIT,
    }
)
