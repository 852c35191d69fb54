"""The double-entry ledger: what every event means in postings (RULEBOOK 2).

Entries are derived from events alone, by other code than the one that moves the balances
(`transitions/transitions.py`), so "balances equal the sums of their entries" is a real check.  An
entry names one owner and what its cash changed by: `available` and `locked` for an account,
`available` alone for a market's collateral, the exchange's fees and the issuance.  The entries of
every command sum to zero.

    event             account                                   against
    FundsCredited     available +amount                         issuance -amount
    FundsDebited      available -amount                         issuance +amount
    CashTransferred   payer: available -amount                  payee: available +amount
    OrderPlaced BUY   available -locked, locked +locked
    OrderRested,
    OrderTriggered,
    OrderCancelled    the reverse, of what came free
    OrderAmended,
    PendingAmended,
    LockPassed BUY    either, of what it needs more or less
    TradeExecuted     buyer: locked -unlocked, available +rest
                      seller: available +proceeds               collateral +pairs or -pairs
                      fee: available -fee                       fees +fee
    PairsNetted       available +pairs                          collateral -pairs
    PositionSettled   available +payout                         collateral -payout
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from msgspec.structs import astuple

from exchange.messages.account_events import (
    CashTransferred,
    DeadManFired,
    DeadManSet,
    FundsDebited,
    LeaseEnded,
    LeaseRenewed,
    SessionEnded,
    StandingChanged,
)
from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.completeness import require_all
from exchange.messages.events import (
    AccountOpened,
    CommandRejected,
    CommandReplayed,
    Event,
    ExchangeModeChanged,
    FundsCredited,
    HoldersPaid,
    MarketCreated,
    MarketEdited,
    MarketResolved,
    MarketStatusChanged,
    OperationRun,
    OrderAmended,
    OrderCancelled,
    OrderCancelledFields,
    OrderFilled,
    OrderPlaced,
    OrderPlacedFields,
    OrderRested,
    OrdersCancelled,
    PairsNetted,
    PositionSettled,
    TradeExecuted,
)
from exchange.messages.group_events import GroupReset, GroupSet, GroupTriggered
from exchange.messages.limit_events import (
    AccountLimitsSet,
    MarketLimitsSet,
    PostOnlySet,
    ReopeningSet,
)
from exchange.messages.terms import BUY, SELL, TradeKind
from exchange.messages.waiting_events import (
    LockPassed,
    OrdersReached,
    OrdersStoodDown,
    OrderTriggered,
    PendingAmended,
)


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
    DEBIT = 8
    TRANSFER = 9


@dataclass(slots=True, init=False)
class Entry:
    """One owner's side of a posting, in money; refers to the market, order and trade it comes
    from, or 0.
    """

    owner: Owner
    owner_id: int
    kind: EntryKind
    available: int
    locked: int
    market_id: int
    order_id: int
    trade_no: int

    def __init__(
        self,
        owner: Owner,
        owner_id: int,
        kind: EntryKind,
        available: int,
        locked: int,
        market_id: int = 0,
        order_id: int = 0,
        trade_no: int = 0,
    ) -> None:
        """Written out, so that it is compiled."""
        self.owner = owner
        self.owner_id = owner_id
        self.kind = kind
        self.available = available
        self.locked = locked
        self.market_id = market_id
        self.order_id = order_id
        self.trade_no = trade_no


_ACCOUNT: Final = Owner.ACCOUNT
_COLLATERAL: Final = Owner.COLLATERAL
_FEES: Final = Owner.FEES
_ISSUANCE: Final = Owner.ISSUANCE
_CREDIT: Final = EntryKind.CREDIT
_RESERVE: Final = EntryKind.RESERVE
_RELEASE: Final = EntryKind.RELEASE
_TRADE: Final = EntryKind.TRADE
_FEE: Final = EntryKind.FEE
_NETTING: Final = EntryKind.NETTING
_DEBIT: Final = EntryKind.DEBIT
_TRANSFERRED: Final = EntryKind.TRANSFER
_SETTLEMENT: Final = EntryKind.SETTLEMENT
_TRANSFER: Final = TradeKind.TRANSFER


def entries(events: list[Event]) -> list[Entry]:
    """Return the postings of one command's events, in the order of the events."""
    posted: list[Entry] = []
    for event in events:
        post = _POSTINGS.get(type(event))
        if post is not None:
            post(event, posted)
    return posted


def _post_reservation(event: OrderPlaced, posted: list[Entry]) -> None:
    fields: OrderPlacedFields = astuple(event)
    order_id, account_id, market_id, side, _, _, _, _, _, _, _, _, locked, _, _ = fields
    if locked and side is BUY:
        posted.append(Entry(_ACCOUNT, account_id, _RESERVE, -locked, locked, market_id, order_id))


def _post_cancel(event: OrderCancelled, posted: list[Entry]) -> None:
    fields: OrderCancelledFields = astuple(event)
    order_id, account_id, market_id, side, _reason, freed = fields
    if freed and side is BUY:
        posted.append(Entry(_ACCOUNT, account_id, _RELEASE, freed, -freed, market_id, order_id))


def _post_change(event: OrderAmended | PendingAmended | LockPassed, posted: list[Entry]) -> None:
    added, account_id = event.reserved, event.account_id
    if added and event.side is BUY:
        kind = _RESERVE if added > 0 else _RELEASE
        market_id, order_id = event.market_id, event.order_id
        posted.append(Entry(_ACCOUNT, account_id, kind, -added, added, market_id, order_id))


def _post_release(event: OrderRested | OrderTriggered, posted: list[Entry]) -> None:
    freed, account_id = event.unlocked, event.account_id
    if freed and event.side is BUY:
        kind = _RELEASE if freed > 0 else _RESERVE
        market_id, order_id = event.market_id, event.order_id
        posted.append(Entry(_ACCOUNT, account_id, kind, freed, -freed, market_id, order_id))


def _post_credit(event: FundsCredited, posted: list[Entry]) -> None:
    posted.append(Entry(_ACCOUNT, event.account_id, _CREDIT, event.amount, 0))
    posted.append(Entry(_ISSUANCE, 0, _CREDIT, -event.amount, 0))


def _post_debit(event: FundsDebited, posted: list[Entry]) -> None:
    posted.append(Entry(_ACCOUNT, event.account_id, _DEBIT, -event.amount, 0))
    posted.append(Entry(_ISSUANCE, 0, _DEBIT, event.amount, 0))


def _post_transfer(event: CashTransferred, posted: list[Entry]) -> None:
    for leg in event.legs:
        posted.append(Entry(_ACCOUNT, leg.payer_id, _TRANSFERRED, -leg.amount, 0))
        posted.append(Entry(_ACCOUNT, leg.payee_id, _TRANSFERRED, leg.amount, 0))


def _post_netting(event: PairsNetted, posted: list[Entry]) -> None:
    paid, market_id = PRICE_SCALE * event.quantity, event.market_id
    posted.append(Entry(_ACCOUNT, event.account_id, _NETTING, paid, 0, market_id))
    posted.append(Entry(_COLLATERAL, market_id, _NETTING, -paid, 0, market_id))


def _post_settlement(event: PositionSettled, posted: list[Entry]) -> None:
    paid, market_id = event.payout, event.market_id
    if paid:
        posted.append(Entry(_ACCOUNT, event.account_id, _SETTLEMENT, paid, 0, market_id))
        posted.append(Entry(_COLLATERAL, market_id, _SETTLEMENT, -paid, 0, market_id))


def _post_trade(trade: TradeExecuted, posted: list[Entry]) -> None:
    """Post both legs, the pair made or given up, and each leg's fee."""
    market_id, trade_no, quantity = trade.market_id, trade.trade_no, trade.quantity
    side, price = trade.side, trade.price
    amount = price * quantity
    account_id, order_id = trade.taker_account_id, trade.taker_order_id
    if side is BUY:
        unlocked = trade.taker_unlocked
        available, locked, paid = unlocked - amount, -unlocked, amount
    else:
        available, locked, paid = amount, 0, -amount
    posted.append(
        Entry(_ACCOUNT, account_id, _TRADE, available, locked, market_id, order_id, trade_no)
    )
    if trade.kind is _TRANSFER:
        side = SELL if side is BUY else BUY
    else:
        amount = PRICE_SCALE * quantity - amount
    account_id, order_id = trade.maker_account_id, trade.maker_order_id
    if side is BUY:
        unlocked = trade.maker_unlocked
        available, locked = unlocked - amount, -unlocked
        paid += amount
    else:
        available, locked = amount, 0
        paid -= amount
    posted.append(
        Entry(_ACCOUNT, account_id, _TRADE, available, locked, market_id, order_id, trade_no)
    )
    if paid:
        posted.append(Entry(_COLLATERAL, market_id, _TRADE, paid, 0, market_id, 0, trade_no))
    if trade.taker_fee:
        _post_fee(trade, trade.taker_account_id, trade.taker_order_id, trade.taker_fee, posted)
    if trade.maker_fee:
        _post_fee(trade, trade.maker_account_id, trade.maker_order_id, trade.maker_fee, posted)


def _post_fee(
    trade: TradeExecuted, account_id: int, order_id: int, fee: int, posted: list[Entry]
) -> None:
    market_id, trade_no = trade.market_id, trade.trade_no
    posted.append(Entry(_ACCOUNT, account_id, _FEE, -fee, 0, market_id, order_id, trade_no))
    posted.append(Entry(_FEES, 0, _FEE, fee, 0, market_id, order_id, trade_no))


_POSTINGS: Final[dict[type[Any], Callable[[Any, list[Entry]], None]]] = {
    FundsCredited: _post_credit,
    FundsDebited: _post_debit,
    CashTransferred: _post_transfer,
    OrderPlaced: _post_reservation,
    OrderAmended: _post_change,
    PendingAmended: _post_change,
    LockPassed: _post_change,
    OrderRested: _post_release,
    OrderTriggered: _post_release,
    OrderCancelled: _post_cancel,
    TradeExecuted: _post_trade,
    PairsNetted: _post_netting,
    PositionSettled: _post_settlement,
}
_MOVE_NO_MONEY: Final = (
    CommandRejected,
    CommandReplayed,
    AccountOpened,
    MarketCreated,
    MarketEdited,
    MarketStatusChanged,
    MarketResolved,
    ExchangeModeChanged,
    OrderFilled,
    OrdersCancelled,
    HoldersPaid,
    DeadManSet,
    DeadManFired,
    LeaseRenewed,
    SessionEnded,
    LeaseEnded,
    StandingChanged,
    OperationRun,
    OrdersReached,
    OrdersStoodDown,
    GroupSet,
    GroupTriggered,
    GroupReset,
    MarketLimitsSet,
    AccountLimitsSet,
    ReopeningSet,
    PostOnlySet,
)
require_all(Event, [*_POSTINGS, *_MOVE_NO_MONEY], "the ledger's table of postings")
