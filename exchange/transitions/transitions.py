"""What each event changes.  Nothing else in Probity changes a `State`.

The engine applies an event the moment it decides it, the committed view applies the same events
after their commit, and `probity verify` applies them from the journal: one code, so the three
can't drift apart. No rule is asked here and nothing is refused; an event that doesn't fit raises
(KeyError, InvariantViolated) and the process must stop.

This file holds the dispatch and the events of accounts, markets and the exchange;
`transitions/order_transitions.py` those of orders, `transitions/switch_transitions.py` those of
dead-man switches and sessions, `transitions/group_transitions.py` those of order groups,
`transitions/limit_transitions.py` those of limits and halts, `transitions/waiting_transitions.py`
those of orders that wait for a price; `transitions/marks.py` notes what was changed.
"""

from collections.abc import Callable
from typing import Any, Final

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
from exchange.messages.terms import MarketStatus, Resolution
from exchange.messages.waiting_events import (
    LockPassed,
    OrdersReached,
    OrdersStoodDown,
    OrderTriggered,
    PendingAmended,
)
from exchange.model.accounts import Account
from exchange.model.market import RESOLVING, UNFINISHED, Market
from exchange.model.state import State
from exchange.model.timers import CLOSING, PAYOUT
from exchange.transitions.group_transitions import group_reset, group_set, group_triggered
from exchange.transitions.limit_transitions import (
    account_limits_set,
    market_limits_set,
    post_only_set,
    reopening_set,
    set_opening,
    status_left,
)
from exchange.transitions.marks import touch_cash, touch_holding, touch_market, touch_public
from exchange.transitions.order_transitions import (
    order_amended,
    order_cancelled,
    order_filled,
    order_placed,
    order_rested,
    orders_cancelled,
    pairs_netted,
    realise,
    trade_executed,
)
from exchange.transitions.switch_transitions import (
    dead_man_fired,
    dead_man_set,
    lease_ended,
    lease_renewed,
    session_ended,
    standing_changed,
)
from exchange.transitions.waiting_transitions import (
    lock_passed,
    order_triggered,
    orders_reached,
    orders_stood_down,
    pending_amended,
)


def begin(state: State, seq: int, at: int) -> None:
    """Start the command `seq` at time `at`; every event applied until the next call belongs to
    it.
    """
    state.seq = seq
    state.now = at
    if state.stirred:
        state.stirred.clear()


def apply(state: State, event: Event) -> None:
    """Change the state by one event."""
    _APPLY[type(event)](state, event)


def command_rejected(state: State, event: CommandRejected) -> None:
    """A refusal changes nothing."""


def command_replayed(state: State, event: CommandReplayed) -> None:
    """A repeat changes nothing."""


def operation_run(state: State, event: OperationRun) -> None:
    """Say of which operation of a batch the next events are."""


def account_opened(state: State, event: AccountOpened) -> None:
    """Add an empty account."""
    account = Account(event.account_id, opened_seq=state.seq)
    state.accounts[event.account_id] = account
    touch_cash(state, account)


def funds_credited(state: State, event: FundsCredited) -> None:
    """Issue money."""
    account = state.accounts[event.account_id]
    account.available += event.amount
    state.issued += event.amount
    touch_cash(state, account)


def funds_debited(state: State, event: FundsDebited) -> None:
    """Take money back."""
    account = state.accounts[event.account_id]
    account.available -= event.amount
    state.issued -= event.amount
    touch_cash(state, account)


def cash_transferred(state: State, event: CashTransferred) -> None:
    """Move cash from account to account."""
    for leg in event.legs:
        payer, payee = state.accounts[leg.payer_id], state.accounts[leg.payee_id]
        payer.available -= leg.amount
        payee.available += leg.amount
        touch_cash(state, payer)
        touch_cash(state, payee)


def market_created(state: State, event: MarketCreated) -> None:
    """List a market and set its closing."""
    market = Market(
        id=event.market_id,
        slug=event.slug,
        question=event.question,
        description=event.description,
        category=event.category,
        close_time=event.close_time,
        tick_size=event.tick_size,
        min_quantity=event.min_quantity,
        maker_fee=event.maker_fee,
        taker_fee=event.taker_fee,
        fee_model=event.fee_model,
        status=event.status,
        created_at=state.now,
    )
    state.markets[market.id] = market
    state.market_by_slug[market.slug] = market
    state.timers.set(CLOSING, market.close_time, market.id)
    state.next_market_id = market.id + 1
    touch_public(state, market)


def market_edited(state: State, event: MarketEdited) -> None:
    """Let a market be about something else, and set its closing anew."""
    market = state.markets[event.market_id]
    state.timers.move(CLOSING, market.close_time, event.close_time, market.id)
    market.question = event.question
    market.description = event.description
    market.category = event.category
    market.close_time = event.close_time
    market.min_quantity = event.min_quantity
    state.dirty.edited[market.id] = market
    touch_public(state, market)


def market_status_changed(state: State, event: MarketStatusChanged) -> None:
    """Move a market's life on."""
    market = state.markets[event.market_id]
    _set_status(state, market, event.status)
    touch_public(state, market)


def market_resolved(state: State, event: MarketResolved) -> None:
    """End a market; the payments follow as events of their own."""
    market = state.markets[event.market_id]
    void = event.outcome is Resolution.VOID
    market.unpaid = market.holders()
    if event.paying_from is None:
        _set_status(state, market, MarketStatus.VOID if void else MarketStatus.RESOLVED)
    else:
        _set_status(state, market, RESOLVING)
        _set_payout(state, market, event.paying_from)
    market.resolution = event.outcome
    market.yes_payout = event.yes_payout
    market.source = event.source
    market.resolved_at = state.now
    touch_public(state, market)


def position_settled(state: State, event: PositionSettled) -> None:
    """Turn all shares of one holder into cash from the collateral."""
    market = state.markets[event.market_id]
    account = state.accounts[event.account_id]
    position = market.positions[event.account_id]
    realise(position, event.payout - position.yes.cost - position.no.cost)
    for holding in (position.yes, position.no):
        holding.free = holding.cost = 0
        touch_holding(state, account, holding)
    account.available += event.payout
    market.collateral -= event.payout
    market.unpaid.pop()
    touch_cash(state, account)
    touch_market(state, market)


def holders_paid(state: State, event: HoldersPaid) -> None:
    """Set the time of a market's next payout."""
    market = state.markets[event.market_id]
    _set_payout(state, market, event.next_at)
    touch_market(state, market)


def exchange_mode_changed(state: State, event: ExchangeModeChanged) -> None:
    """Change what the exchange takes."""
    state.mode = event.mode
    state.mode_since = state.now
    set_opening(state, None)


def _set_status(state: State, market: Market, status: MarketStatus) -> None:
    if market.status in UNFINISHED and status not in UNFINISHED:
        state.timers.unset(CLOSING, market.close_time, market.id)
    if market.status is RESOLVING:
        _set_payout(state, market, None)
    status_left(state, market)
    market.status = status


def _set_payout(state: State, market: Market, at: int | None) -> None:
    """Let the next holders be paid at `at`; None: nobody is left."""
    state.timers.move(PAYOUT, market.next_payout, at, market.id)
    market.next_payout = at
    state.dirty.payouts[market.id] = market


_APPLY: Final[dict[type[Any], Callable[[State, Any], None]]] = {
    CommandRejected: command_rejected,
    CommandReplayed: command_replayed,
    AccountOpened: account_opened,
    FundsCredited: funds_credited,
    MarketCreated: market_created,
    MarketEdited: market_edited,
    MarketStatusChanged: market_status_changed,
    MarketResolved: market_resolved,
    PositionSettled: position_settled,
    ExchangeModeChanged: exchange_mode_changed,
    OrderPlaced: order_placed,
    TradeExecuted: trade_executed,
    OrderAmended: order_amended,
    OrderRested: order_rested,
    OrderFilled: order_filled,
    OrderCancelled: order_cancelled,
    OrdersCancelled: orders_cancelled,
    PairsNetted: pairs_netted,
    HoldersPaid: holders_paid,
    DeadManSet: dead_man_set,
    DeadManFired: dead_man_fired,
    LeaseRenewed: lease_renewed,
    SessionEnded: session_ended,
    LeaseEnded: lease_ended,
    FundsDebited: funds_debited,
    CashTransferred: cash_transferred,
    StandingChanged: standing_changed,
    OperationRun: operation_run,
    OrderTriggered: order_triggered,
    PendingAmended: pending_amended,
    LockPassed: lock_passed,
    OrdersReached: orders_reached,
    OrdersStoodDown: orders_stood_down,
    GroupSet: group_set,
    GroupTriggered: group_triggered,
    GroupReset: group_reset,
    MarketLimitsSet: market_limits_set,
    AccountLimitsSet: account_limits_set,
    ReopeningSet: reopening_set,
    PostOnlySet: post_only_set,
}
require_all(Event, _APPLY, "the table of transitions")
