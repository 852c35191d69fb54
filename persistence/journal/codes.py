"""The numbers that stand for the exchange's words in the tables' smallint columns.

Laws: a number never changes its meaning, since rows outlive programs; new words get new numbers;
0 means "none" and belongs to no word. The journal and the wire use the words themselves.
"""

from enum import Enum
from typing import Final, TypeVar

from exchange.messages.completeness import require_all
from exchange.messages.terms import (
    CancelReason,
    ExchangeMode,
    FeeModel,
    MarketStatus,
    MoneyKind,
    OrderStatus,
    OrderType,
    Outcome,
    Resolution,
    SelfTradePrevention,
    Side,
    Standing,
    TimeInForce,
    TradeKind,
)

Word = TypeVar("Word", bound=Enum)

SIDE: Final = {Side.BUY: 1, Side.SELL: 2}
OUTCOME: Final = {Outcome.YES: 1, Outcome.NO: 2}
ORDER_TYPE: Final = {
    OrderType.LIMIT: 1,
    OrderType.MARKET: 2,
    OrderType.STOP: 3,
    OrderType.STOP_LIMIT: 4,
    OrderType.TAKE_PROFIT: 5,
}
TIME_IN_FORCE: Final = {
    TimeInForce.GTC: 1,
    TimeInForce.IOC: 2,
    TimeInForce.FOK: 3,
    TimeInForce.GTD: 4,
}
SELF_TRADE_PREVENTION: Final = {
    SelfTradePrevention.CANCEL_TAKER: 1,
    SelfTradePrevention.CANCEL_MAKER: 2,
    SelfTradePrevention.CANCEL_BOTH: 3,
}
ORDER_STATUS: Final = {
    OrderStatus.OPEN: 1,
    OrderStatus.PARTIAL: 2,
    OrderStatus.FILLED: 3,
    OrderStatus.CANCELLED: 4,
    OrderStatus.EXPIRED: 5,
    OrderStatus.REJECTED: 6,
    OrderStatus.PENDING: 7,
}
CANCEL_REASON: Final = {
    CancelReason.USER: 1,
    CancelReason.NO_LIQUIDITY: 2,
    CancelReason.INSUFFICIENT_BALANCE: 3,
    CancelReason.SELF_TRADE: 4,
    CancelReason.MARKET_CLOSED: 5,
    CancelReason.EXPIRED: 6,
    CancelReason.WORST_PRICE: 7,
    CancelReason.REDUCE_ONLY: 8,
    CancelReason.DEAD_MAN: 14,
    CancelReason.DISCONNECTED: 15,
    CancelReason.SUSPENDED: 16,
    CancelReason.GROUP_LIMIT: 20,
    CancelReason.OUTSIDE_BAND: 21,
    CancelReason.POSITION_LIMIT: 22,
    CancelReason.ORDER_TOO_LARGE: 23,
    CancelReason.OCO: 30,
    CancelReason.FOK_NOT_FILLABLE: 31,
    CancelReason.MAX_COST_TOO_SMALL: 32,
    CancelReason.POST_ONLY_WOULD_CROSS: 33,
    CancelReason.ADMIN: 34,
}
TRADE_KIND: Final = {TradeKind.TRANSFER: 1, TradeKind.MINT: 2, TradeKind.MERGE: 3}
FEE_MODEL: Final = {FeeModel.FLAT: 1, FeeModel.QUADRATIC: 2}
MARKET_STATUS: Final = {
    MarketStatus.DRAFT: 1,
    MarketStatus.OPEN: 2,
    MarketStatus.HALTED: 3,
    MarketStatus.FULL_HALT: 4,
    MarketStatus.CLOSED: 5,
    MarketStatus.RESOLVED: 6,
    MarketStatus.VOID: 7,
    MarketStatus.POST_ONLY: 8,
    MarketStatus.RESOLVING: 9,
}
RESOLUTION: Final = {
    Resolution.YES: 1,
    Resolution.NO: 2,
    Resolution.SPLIT: 3,
    Resolution.VOID: 4,
}
MONEY_KIND: Final = {
    MoneyKind.ADMIN: 1,
    MoneyKind.REWARD: 2,
    MoneyKind.REFERRAL: 3,
    MoneyKind.PURCHASE: 4,
    MoneyKind.BET: 5,
    MoneyKind.STOCK: 6,
}
STANDING: Final = {Standing.ACTIVE: 1, Standing.SUSPENDED: 2, Standing.CLOSED: 3}
EXCHANGE_MODE: Final = {
    ExchangeMode.OPEN: 1,
    ExchangeMode.POST_ONLY: 2,
    ExchangeMode.CANCEL_ONLY: 3,
    ExchangeMode.HALTED: 4,
}


def words(codes: dict[Word, int]) -> dict[int, Word]:
    """Turn a table of codes around, for reading."""
    return {code: word for word, code in codes.items()}


for _kinds, _codes in (
    (Side, SIDE),
    (Outcome, OUTCOME),
    (OrderType, ORDER_TYPE),
    (TimeInForce, TIME_IN_FORCE),
    (SelfTradePrevention, SELF_TRADE_PREVENTION),
    (OrderStatus, ORDER_STATUS),
    (CancelReason, CANCEL_REASON),
    (TradeKind, TRADE_KIND),
    (FeeModel, FEE_MODEL),
    (MarketStatus, MARKET_STATUS),
    (Resolution, RESOLUTION),
    (ExchangeMode, EXCHANGE_MODE),
    (MoneyKind, MONEY_KIND),
    (Standing, STANDING),
):
    require_all(_kinds, _codes, f"the table of {_kinds.__name__}'s codes")
