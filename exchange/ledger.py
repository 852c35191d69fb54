"""The double-entry ledger: what every event means in postings (RULEBOOK 2).

Entries are derived from events alone, by other code than the one that moves the balances
(`transitions.py`), so "balances equal the sums of their entries" is a real check.  An entry names
one owner and what its cash changed by: `available` and `locked` for an account, `available` alone
for a market's collateral, the exchange's fees and the issuance.  The entries of every command sum
to zero.

    event             account                                   against
    FundsCredited     available +amount                         issuance -amount
    OrderPlaced BUY   available -locked, locked +locked
    OrderRested,
    OrderCancelled    the reverse, of what came free
    TradeExecuted     buyer: locked -unlocked, available +rest
                      seller: available +proceeds               collateral +pairs or -pairs
                      fee: available -fee                       fees +fee
    PairsNetted       available +pairs                          collateral -pairs
    PositionSettled   available +payout                         collateral -payout
"""

from enum import IntEnum
from typing import Final

import msgspec

from exchange.bounds import PRICE_SCALE
from exchange.events import (
    Event,
    FundsCredited,
    OrderCancelled,
    OrderPlaced,
    OrderRested,
    PairsNetted,
    PositionSettled,
    TradeExecuted,
)
from exchange.terms import BUY, SELL, Side, TradeKind


class Owner(IntEnum):
    """Whose cash an entry changes; the last two have no id."""

    ACCOUNT = 1
    COLLATERAL = 2
    FEES = 3
    ISSUANCE = 4


class EntryKind(IntEnum):
    """Why."""

    CREDIT = 1
    RESERVE = 2
    RELEASE = 3
    TRADE = 4
    FEE = 5
    NETTING = 6
    SETTLEMENT = 7


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One owner's side of a posting, in money; refers to the market, order and trade it comes
    from, or 0.
    """

    owner: Owner
    owner_id: int
    kind: EntryKind
    available: int
    locked: int
    market_id: int = 0
    order_id: int = 0
    trade_no: int = 0


_ACCOUNT: Final = Owner.ACCOUNT
_COLLATERAL: Final = Owner.COLLATERAL
_FEES: Final = Owner.FEES
_ISSUANCE: Final = Owner.ISSUANCE
_RESERVE: Final = EntryKind.RESERVE
_RELEASE: Final = EntryKind.RELEASE
_TRADE: Final = EntryKind.TRADE
_FEE: Final = EntryKind.FEE
_TRANSFER: Final = TradeKind.TRANSFER


def entries(events: list[Event]) -> list[Entry]:
    """Return the postings of one command's events, in the order of the events."""
    posted: list[Entry] = []
    for event in events:
        match event:
            case OrderPlaced(side=Side.BUY, locked=locked) if locked:
                posted.append(_moved(_RESERVE, event, -locked))
            case OrderCancelled(side=Side.BUY) | OrderRested(side=Side.BUY) if event.unlocked:
                posted.append(_moved(_RELEASE, event, event.unlocked))
            case TradeExecuted():
                _post_trade(event, posted)
            case FundsCredited(account_id=account_id, amount=amount):
                posted.append(Entry(_ACCOUNT, account_id, EntryKind.CREDIT, amount, 0))
                posted.append(Entry(_ISSUANCE, 0, EntryKind.CREDIT, -amount, 0))
            case PairsNetted(market_id=market_id, account_id=account_id, quantity=quantity):
                paid = PRICE_SCALE * quantity
                _post_payment(EntryKind.NETTING, market_id, account_id, paid, posted)
            case PositionSettled(market_id=market_id, account_id=account_id, payout=payout):
                _post_payment(EntryKind.SETTLEMENT, market_id, account_id, payout, posted)
            case _:
                pass
    return posted


def _moved(kind: EntryKind, event: OrderPlaced | OrderRested | OrderCancelled, freed: int) -> Entry:
    return Entry(_ACCOUNT, event.account_id, kind, freed, -freed, event.market_id, event.order_id)


def _post_payment(
    kind: EntryKind, market_id: int, account_id: int, amount: int, posted: list[Entry]
) -> None:
    posted.append(Entry(_ACCOUNT, account_id, kind, amount, 0, market_id))
    posted.append(Entry(_COLLATERAL, market_id, kind, -amount, 0, market_id))


def _post_trade(trade: TradeExecuted, posted: list[Entry]) -> None:
    """Post both legs, the pair made or given up, and each leg's fee."""
    quantity, market_id, trade_no = trade.quantity, trade.market_id, trade.trade_no
    if trade.kind is _TRANSFER:
        maker_side = SELL if trade.side is BUY else BUY
        maker_price = trade.price
    else:
        maker_side = trade.side
        maker_price = PRICE_SCALE - trade.price
    legs = (
        (
            trade.taker_account_id,
            trade.taker_order_id,
            trade.side,
            trade.price,
            trade.taker_unlocked,
        ),
        (
            trade.maker_account_id,
            trade.maker_order_id,
            maker_side,
            maker_price,
            trade.maker_unlocked,
        ),
    )
    collateral = 0
    for account_id, order_id, side, price, unlocked in legs:
        amount = price * quantity
        if side is BUY:
            collateral += amount
            available, locked = unlocked - amount, -unlocked
        else:
            collateral -= amount
            available, locked = amount, 0
        posted.append(
            Entry(_ACCOUNT, account_id, _TRADE, available, locked, market_id, order_id, trade_no)
        )
    if collateral:
        posted.append(Entry(_COLLATERAL, market_id, _TRADE, collateral, 0, market_id, 0, trade_no))
    for (account_id, order_id, *_), fee in zip(
        legs, (trade.taker_fee, trade.maker_fee), strict=True
    ):
        if fee:
            posted.append(Entry(_ACCOUNT, account_id, _FEE, -fee, 0, market_id, order_id, trade_no))
            posted.append(Entry(_FEES, 0, _FEE, fee, 0, market_id, order_id, trade_no))
