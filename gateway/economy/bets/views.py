"""Bets on the wire."""

from typing import Literal

import msgspec

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.terms import Outcome
from exchange.model.state import State
from gateway.economy.bets.betting import SIDES
from gateway.economy.bets.bodies import BetState, Side
from gateway.economy.bets.orders import Traded
from gateway.trading.views import BalanceView, average_price
from gateway.wire.scalars import (
    iso_millis,
    money_text,
    price_if_known,
    quantity_text,
    time_if_known,
)
from gateway.wire.strict_json import AnswerStruct
from persistence.repositories.economy.bets import Leaving, Sale, StoredBet


class BetView(AnswerStruct, frozen=True):
    """A bet. `shares` is what it bought, for `cost` and `fee`, `openShares` what of it is still
    held, `potentialPayout` what that pays if its side wins.

    `proceeds` is what the others brought, the fee taken off: sold, closed by a bet on the other
    side at 1 - price, or paid out. `profit` is proceeds less cost and fee, null until it has ended.
    `reason` says why less than `amount` was bet, null if all of it was.
    """

    id: str
    client_bet_id: str | None
    market_id: str
    slug: str | None
    question: str | None
    side: Side
    outcome: Outcome
    amount: str
    max_price: str | None
    status: BetState
    shares: str
    open_shares: str
    average_price: str | None
    cost: str
    fee: str
    potential_payout: str
    proceeds: str
    profit: str | None
    reason: str | None
    reference: str
    created_at: str
    placed_at: str | None
    ended_at: str | None


class PlacedBetView(BetView, frozen=True, kw_only=True):
    """A bet that was placed, and the account's cash right after it."""

    balance: BalanceView
    replayed: bool | msgspec.UnsetType = msgspec.UNSET


class LeavingView(AnswerStruct, frozen=True):
    """Shares that left a bet, newest first: by a SALE, by NETTING with those of the bet on the
    other side that closed it (`closedBy`, null if they were no bet's), or by the PAYOUT.
    """

    kind: Literal["SALE", "NETTING", "PAYOUT"]
    shares: str
    average_price: str | None
    proceeds: str
    fee: str
    closed_by: str | None
    at: str


class BetDetailView(BetView, frozen=True, kw_only=True):
    """A bet, and how shares left it, the last hundred times."""

    exits: list[LeavingView]


class BetMessage(BetView, frozen=True, kw_only=True):
    """The same as a socket hears it: by its number on the topic, which a gap shows."""

    topic: str
    topic_epoch: int
    topic_seq: int


class BetQuoteView(AnswerStruct, frozen=True):
    """What a bet would buy now: `cost` and `fee` of the amount, at most `worstPrice` a share,
    `payout` if its side wins. `reason` says why less than `amount` would be bet. A market elsewhere
    that the bet would be the first on has its id there for `marketId` and `slug`.
    """

    market_id: str
    slug: str
    outcome: Outcome
    amount: str
    shares: str
    average_price: str | None
    worst_price: str | None
    cost: str
    fee: str
    payout: str
    profit: str
    reason: str | None


class SaleQuoteView(AnswerStruct, frozen=True):
    """What a sale would bring now, the fee taken off; `minProceedsMax` is the largest `minProceeds`
    that it would be done at: what all of it brings at the worst price that it meets.
    """

    bet_id: str
    shares: str
    sold: str
    average_price: str | None
    worst_price: str | None
    proceeds: str
    fee: str
    min_proceeds_max: str
    reason: str | None


class SaleView(AnswerStruct, frozen=True):
    """A sale of a bet: how much was `sold` of `shares`, what it brought, the fee taken off, and the
    account's cash right after it. `reason` says why less was sold, null if all of it was.
    """

    id: str
    bet_id: str
    request_id: str | None
    shares: str
    sold: str
    average_price: str | None
    proceeds: str
    fee: str
    reason: str | None
    reference: str
    created_at: str
    balance: BalanceView
    replayed: bool | msgspec.UnsetType = msgspec.UNSET


def bet_view(bet: StoredBet, view: State) -> BetView:
    """Return a bet as its owner sees it."""
    market, state, status = view.markets.get(bet.market_id), bet.state, BetState(bet.status)
    bought, cost, fee = bet.bought or 0, bet.cost or 0, bet.fee or 0
    shares, brought, profit, placed_at, ended_at = bought, 0, None, bet.answered_at, None
    if state is not None:
        bought, cost, fee = state.bought, state.cost, state.fee
        shares, brought = state.shares, state.brought - state.exit_fees
        placed_at, ended_at = state.placed_at, state.ended_at
        profit = None if ended_at is None else money_text(state.profit)
    return BetView(
        str(bet.id),
        bet.client_bet_id,
        str(bet.market_id),
        None if market is None else market.slug,
        None if market is None else market.question,
        bet.side,  # type: ignore[arg-type]
        SIDES[bet.side],
        money_text(bet.amount),
        price_if_known(bet.max_price),
        status,
        quantity_text(bought),
        quantity_text(shares),
        average_price(cost, bought),
        money_text(cost),
        money_text(fee),
        money_text(shares * PRICE_SCALE),
        money_text(brought),
        profit,
        bet.intent_reason if status is BetState.REFUSED and bet.reason is None else bet.reason,
        bet.reference,
        iso_millis(bet.created_at),
        time_if_known(placed_at) if bought else None,
        time_if_known(ended_at),
    )


def leaving_view(one: Leaving) -> LeavingView:
    """Return how shares left a bet."""
    return LeavingView(
        one.kind,  # type: ignore[arg-type]
        quantity_text(one.quantity),
        average_price(one.brought, one.quantity),
        money_text(one.brought - one.fee),
        money_text(one.fee),
        None if not one.by_bet else str(one.by_bet),
        iso_millis(one.at),
    )


def bet_quote_view(
    made: Traded, amount: int, outcome: Outcome, market_id: str, slug: str
) -> BetQuoteView:
    """Return what a bet would buy."""
    payout = made.quantity * PRICE_SCALE
    return BetQuoteView(
        market_id,
        slug,
        outcome,
        money_text(amount),
        quantity_text(made.quantity),
        average_price(made.money, made.quantity),
        price_if_known(made.worst or None),
        money_text(made.money),
        money_text(made.fee),
        money_text(payout),
        money_text(payout - made.money - made.fee),
        made.reason,
    )


def sale_quote_view(made: Traded, number: int, quantity: int, least: int) -> SaleQuoteView:
    """Return what a sale would bring."""
    return SaleQuoteView(
        str(number),
        quantity_text(quantity),
        quantity_text(made.quantity),
        average_price(made.money, made.quantity),
        price_if_known(made.worst or None),
        money_text(made.money - made.fee),
        money_text(made.fee),
        money_text(least),
        made.reason,
    )


def sale_view(sale: Sale, balance: BalanceView, *, is_repeat: bool) -> SaleView:
    """Return a sale that has its answer."""
    sold, brought, fee = sale.sold or 0, sale.brought or 0, sale.fee or 0
    return SaleView(
        str(sale.id),
        str(sale.bet_id),
        sale.request_id,
        quantity_text(sale.quantity),
        quantity_text(sold),
        average_price(brought, sold),
        money_text(brought - fee),
        money_text(fee),
        sale.reason,
        sale.reference,
        iso_millis(sale.created_at),
        balance,
        replayed=True if is_repeat else msgspec.UNSET,
    )
