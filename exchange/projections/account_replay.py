"""One account from events alone: its cash, its open orders, its shares, and the number of its
private messages.

    replay = AccountReplay(7)            or AccountReplay.load(image)
    replay.take(seq, at, events)         -> whether it touched the account; `orders`, `account`,
                                            `holdings` and `fills` say what, in the order in which
                                            its messages are numbered

Laws: nobody else's account, no book and no market is known; events of others are passed over, so a
whole command may be given as well as what `touches` makes of it. Records are the model's, and
their arithmetic is that of `exchange/transitions`; each is touched where it is touched there
(`transitions/marks.py`), so `account.seq` ends where the engine's ends. The properties hold both
together. What moves no such number (limits, groups, switches, where an order stands in the book) is
not followed.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

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
    OrderFilled,
    OrderPlaced,
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
from exchange.messages.terms import CancelReason, OrderStatus
from exchange.messages.waiting_events import (
    LockPassed,
    OrdersReached,
    OrdersStoodDown,
    OrderTriggered,
    PendingAmended,
)
from exchange.model.order_book import Order
from exchange.projections.account_image import AccountImage, image_of, load_account
from exchange.projections.account_records import AccountRecords
from exchange.transitions.order_transitions import realise

_FILLED: Final = OrderStatus.FILLED
_CANCELLED: Final = OrderStatus.CANCELLED
_EXPIRED: Final = OrderStatus.EXPIRED
_PENDING: Final = OrderStatus.PENDING
_BY_TIME: Final = CancelReason.EXPIRED
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(AccountImage).decode


class AccountReplay(AccountRecords):
    """One account, as it stands after the commands that it was given."""

    __slots__ = ()

    @classmethod
    def load(cls, image: bytes) -> "AccountReplay":
        """Go on from where `dump` was asked; raises msgspec.DecodeError."""
        found = _decode(image)
        replay = cls(found.id)
        replay.account = load_account(found)
        return replay

    def dump(self) -> bytes:
        """Return all that the next commands build on.  O(open orders + markets ever held)."""
        return _encode(image_of(self.account))

    @property
    def weight(self) -> int:
        """How many records an image of it has."""
        return len(self.account.orders) + len(self.account.positions)

    @property
    def cash_touched(self) -> bool:
        """Whether the last command changed the cash."""
        return self.account.touched == self.seq

    def take(self, seq: int, at: int, events: Sequence[Event]) -> bool:
        """Apply the command `seq`, stamped `at`; say whether it touched the account.

        Raises KeyError for an event of an order that was never placed.
        """
        self.seq, self.now = seq, at
        if self.orders:
            self.orders = []
        if self.holdings:
            self.holdings = []
        if self.fills:
            self.fills = {}
        before = self.account.seq
        for event in events:
            apply = _APPLY.get(type(event))
            if apply is not None:
                apply(self, event)
        return self.account.seq != before


# -- the events -----------------------------------------------------------------------------------


def _account_opened(replay: AccountRecords, event: AccountOpened) -> None:
    if event.account_id == replay.account.id:
        replay.account.opened_seq = replay.seq
        replay.touch_cash()


def _funds_credited(replay: AccountRecords, event: FundsCredited) -> None:
    if event.account_id == replay.account.id:
        replay.move_cash(event.amount)


def _funds_debited(replay: AccountRecords, event: FundsDebited) -> None:
    if event.account_id == replay.account.id:
        replay.move_cash(-event.amount)


def _cash_transferred(replay: AccountRecords, event: CashTransferred) -> None:
    for leg in event.legs:
        if leg.payer_id == replay.account.id:
            replay.move_cash(-leg.amount)
        if leg.payee_id == replay.account.id:
            replay.move_cash(leg.amount)


def _order_placed(replay: AccountRecords, event: OrderPlaced) -> None:
    account = replay.account
    if event.account_id != account.id:
        return
    order = Order(event, replay.seq, replay.now)
    account.orders[order.id] = order
    account.seq += 1
    replay.orders.append(order)
    replay.unlock(order, -order.locked)


def _trade_executed(replay: AccountRecords, event: TradeExecuted) -> None:
    account_id = replay.account.id
    if event.maker_account_id == account_id:
        replay.fill(
            event,
            event.maker_order_id,
            event.maker_unlocked,
            event.maker_fee,
            event.maker_fee_carry,
        )
    if event.taker_account_id == account_id:
        replay.fill(
            event,
            event.taker_order_id,
            event.taker_unlocked,
            event.taker_fee,
            event.taker_fee_carry,
        )


def _order_amended(replay: AccountRecords, event: OrderAmended | PendingAmended) -> None:
    if event.account_id == replay.account.id:
        order = replay.account.orders[event.order_id]
        order.amend(event.price, event.quantity, event.reserved, event.conditions)
        replay.unlock(order, -event.reserved)
        replay.touch_order(order)


def _order_rested(replay: AccountRecords, event: OrderRested) -> None:
    if event.account_id == replay.account.id:
        order = replay.account.orders[event.order_id]
        order.rest(event.unlocked)
        replay.unlock(order, event.unlocked)
        replay.touch_order(order)


def _order_filled(replay: AccountRecords, event: OrderFilled) -> None:
    if event.account_id == replay.account.id:
        order = replay.account.orders.pop(event.order_id)
        order.end(_FILLED)
        replay.touch_order(order)


def _order_cancelled(replay: AccountRecords, event: OrderCancelled) -> None:
    if event.account_id != replay.account.id:
        return
    order = replay.account.orders.pop(event.order_id)
    terms = order.conditions
    if order.status is _PENDING and terms is not None and terms.due:
        order.conditions = msgspec.structs.replace(terms, due=False)
    status = _EXPIRED if event.reason is _BY_TIME else _CANCELLED
    order.end(status, event.reason, event.unlocked)
    replay.touch_order(order)
    replay.unlock(order, event.unlocked)


def _pairs_netted(replay: AccountRecords, event: PairsNetted) -> None:
    if event.account_id != replay.account.id:
        return
    position = replay.account.positions[event.market_id]
    profit = proceeds = PRICE_SCALE * event.quantity
    for holding in (position.yes, position.no):
        cost = holding.cost_of(event.quantity)
        holding.free -= event.quantity
        holding.cost -= cost
        profit -= cost
        replay.touch_holding(holding)
    realise(position, profit)
    replay.move_cash(proceeds)


def _position_settled(replay: AccountRecords, event: PositionSettled) -> None:
    if event.account_id != replay.account.id:
        return
    position = replay.account.positions[event.market_id]
    realise(position, event.payout - position.yes.cost - position.no.cost)
    for holding in (position.yes, position.no):
        holding.free = holding.cost = 0
        replay.touch_holding(holding)
    replay.move_cash(event.payout)


def _order_triggered(replay: AccountRecords, event: OrderTriggered) -> None:
    if event.account_id == replay.account.id:
        order = replay.account.orders[event.order_id]
        order.trigger(event.unlocked)
        replay.unlock(order, event.unlocked)
        replay.touch_order(order)


def _lock_passed(replay: AccountRecords, event: LockPassed) -> None:
    if event.account_id == replay.account.id:
        order = replay.account.orders[event.order_id]
        order.locked += event.reserved
        replay.unlock(order, -event.reserved)
        replay.touch_order(order)


def _orders_reached(replay: AccountRecords, event: OrdersReached) -> None:
    replay.mark_due(event.order_ids, due=True)


def _orders_stood_down(replay: AccountRecords, event: OrdersStoodDown) -> None:
    replay.mark_due(event.order_ids, due=False)


_APPLY: Final[dict[type[Any], Callable[[AccountRecords, Any], None]]] = {
    AccountOpened: _account_opened,
    FundsCredited: _funds_credited,
    FundsDebited: _funds_debited,
    CashTransferred: _cash_transferred,
    OrderPlaced: _order_placed,
    TradeExecuted: _trade_executed,
    OrderAmended: _order_amended,
    PendingAmended: _order_amended,
    OrderRested: _order_rested,
    OrderFilled: _order_filled,
    OrderCancelled: _order_cancelled,
    PairsNetted: _pairs_netted,
    PositionSettled: _position_settled,
    OrderTriggered: _order_triggered,
    LockPassed: _lock_passed,
    OrdersReached: _orders_reached,
    OrdersStoodDown: _orders_stood_down,
}
_TOUCH_NO_ACCOUNT: Final = (
    CommandRejected,
    CommandReplayed,
    MarketCreated,
    MarketEdited,
    MarketStatusChanged,
    MarketResolved,
    ExchangeModeChanged,
    OrdersCancelled,
    HoldersPaid,
    DeadManSet,
    DeadManFired,
    LeaseRenewed,
    SessionEnded,
    LeaseEnded,
    StandingChanged,
    OperationRun,
    GroupSet,
    GroupTriggered,
    GroupReset,
    MarketLimitsSet,
    AccountLimitsSet,
    ReopeningSet,
    PostOnlySet,
)
require_all(Event, [*_APPLY, *_TOUCH_NO_ACCOUNT], "the table of an account's replay")

TOUCH_AN_ACCOUNT: Final = frozenset(_APPLY)
"""The kinds of events that may touch an account."""
