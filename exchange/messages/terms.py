"""The field's words as closed enumerations, one meaning each, as they stand on the wire and in the
journal.

Members that hot paths compare are also bound as module constants (`BUY`, `YES` ...): an attribute
look-up on an Enum costs more than the comparison it serves.
"""

from enum import Enum
from typing import Final


class Side(Enum):
    """What an order does to its owner's shares of its outcome."""

    BUY = "BUY"
    SELL = "SELL"


class Outcome(Enum):
    """One of a market's two kinds of share; a pair of them is always worth one credit."""

    YES = "YES"
    NO = "NO"


class OrderType(Enum):
    """LIMIT trades at its price or better; MARKET at whatever the book offers.

    The others wait for a price and then are one of these: a STOP a MARKET order, a STOP_LIMIT a
    LIMIT, a TAKE_PROFIT either.
    """

    LIMIT = "LIMIT"
    MARKET = "MARKET"
    STOP = "STOP"
    STOP_LIMIT = "STOP_LIMIT"
    TAKE_PROFIT = "TAKE_PROFIT"


class TriggerBy(Enum):
    """Whose price an order waits for: that of every trade, or the best that it would meet."""

    LAST = "LAST"
    BEST = "BEST"


class TimeInForce(Enum):
    """How long an order may wait: until cancelled, not at all, not at all and whole, or until a
    time.
    """

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTD = "GTD"


class SelfTradePrevention(Enum):
    """Which side ends when an order reaches one of the same account; the taker's mode decides."""

    CANCEL_TAKER = "CANCEL_TAKER"
    CANCEL_MAKER = "CANCEL_MAKER"
    CANCEL_BOTH = "CANCEL_BOTH"


class OrderStatus(Enum):
    """Where an order is in its life: PENDING while it waits outside the book; FILLED, CANCELLED,
    EXPIRED and REJECTED are final.
    """

    OPEN = "OPEN"
    PARTIAL = "PARTIAL"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"
    PENDING = "PENDING"


class CancelReason(Enum):
    """Why an order ended before it was filled; one that was refused when it was triggered bears the
    refusal's name.
    """

    USER = "USER"
    NO_LIQUIDITY = "NO_LIQUIDITY"
    INSUFFICIENT_BALANCE = "INSUFFICIENT_BALANCE"
    SELF_TRADE = "SELF_TRADE"
    MARKET_CLOSED = "MARKET_CLOSED"
    EXPIRED = "EXPIRED"
    WORST_PRICE = "WORST_PRICE"
    REDUCE_ONLY = "REDUCE_ONLY"
    DEAD_MAN = "DEAD_MAN"
    DISCONNECTED = "DISCONNECTED"
    SUSPENDED = "SUSPENDED"
    OCO = "OCO"
    FOK_NOT_FILLABLE = "FOK_NOT_FILLABLE"
    MAX_COST_TOO_SMALL = "MAX_COST_TOO_SMALL"
    POST_ONLY_WOULD_CROSS = "POST_ONLY_WOULD_CROSS"
    GROUP_LIMIT = "GROUP_LIMIT"
    OUTSIDE_BAND = "OUTSIDE_BAND"
    POSITION_LIMIT = "POSITION_LIMIT"
    ORDER_TOO_LARGE = "ORDER_TOO_LARGE"
    ADMIN = "ADMIN"


class TradeKind(Enum):
    """Where a trade's shares come from: one holder to another, made as a pair, or given up as a
    pair.
    """

    TRANSFER = "TRANSFER"
    MINT = "MINT"
    MERGE = "MERGE"


class FeeModel(Enum):
    """FLAT: rate x price.  QUADRATIC: rate x price x (1 - price).  Both times quantity."""

    FLAT = "flat"
    QUADRATIC = "quadratic"


class MarketStatus(Enum):
    """A market's life; see the table in `model/market.py`."""

    DRAFT = "DRAFT"
    OPEN = "OPEN"
    POST_ONLY = "POST_ONLY"
    HALTED = "HALTED"
    FULL_HALT = "FULL_HALT"
    CLOSED = "CLOSED"
    RESOLVING = "RESOLVING"
    RESOLVED = "RESOLVED"
    VOID = "VOID"


class Resolution(Enum):
    """How a question ended."""

    YES = "YES"
    NO = "NO"
    SPLIT = "SPLIT"
    VOID = "VOID"


class MoneyKind(Enum):
    """Why money moves outside the book. ADMIN is a person's word; the others are our own code's,
    whose ids never meet those that people write.
    """

    ADMIN = "ADMIN"
    REWARD = "REWARD"
    REFERRAL = "REFERRAL"
    PURCHASE = "PURCHASE"
    BET = "BET"
    STOCK = "STOCK"


class Standing(Enum):
    """What an account may do: all; nothing but end what it has; nothing, for good."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    CLOSED = "CLOSED"


class ExchangeMode(Enum):
    """What the whole exchange takes at the moment."""

    OPEN = "open"
    POST_ONLY = "post-only"
    CANCEL_ONLY = "cancel-only"
    HALTED = "halted"


BUY: Final = Side.BUY
SELL: Final = Side.SELL
YES: Final = Outcome.YES
NO: Final = Outcome.NO
LIMIT: Final = OrderType.LIMIT
MARKET: Final = OrderType.MARKET
STOP: Final = OrderType.STOP
STOP_LIMIT: Final = OrderType.STOP_LIMIT
TAKE_PROFIT: Final = OrderType.TAKE_PROFIT
GTC: Final = TimeInForce.GTC
IOC: Final = TimeInForce.IOC
FOK: Final = TimeInForce.FOK
GTD: Final = TimeInForce.GTD
