"""An account's money on the wire: what is locked and why, the ledger, the portfolio.

Positions are valued at the market's last price, and at their cost where nothing has traded yet;
a valuation is shown, never stored and never traded on.
"""

from typing import Final

from msgspec.structs import astuple

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.terms import BUY, YES, Outcome, Resolution, Side
from exchange.model.accounts import Account, Holding
from exchange.model.market import Market
from exchange.model.order_book import Order
from exchange.model.state import State
from exchange.proof.ledger import EntryKind
from gateway.markets.views import trade_id
from gateway.trading.views import (
    BalanceView,
    OwnFillView,
    PositionView,
    balance_view,
    own_fill_view,
    position_view,
)
from gateway.wire.scalars import iso_millis, money_text, price_text, quantity_text
from gateway.wire.strict_json import AnswerStruct
from persistence.repositories.history import PastEntry, PastFill, PastSettlement

_NOTHING: Final = money_text(0)
_NO_SHARES: Final = quantity_text(0)


class ValuedPositionView(PositionView, frozen=True, gc=False):
    """Shares of one outcome with what they are worth at the last price (null: never traded)."""

    mark_price: str | None
    value: str
    unrealised_profit: str


class PortfolioView(AnswerStruct, frozen=True):
    """All an account has: cash, and its shares at their marks. Profits leave fees apart."""

    balance: BalanceView
    positions: int
    positions_cost: str
    positions_value: str
    unrealised_profit: str
    realised_profit: str
    equity: str


class EscrowView(AnswerStruct, frozen=True, gc=False):
    """What one open order keeps locked: credits for BUY, shares of its outcome for SELL."""

    order_id: str
    client_order_id: str | None
    market_id: str
    slug: str
    side: Side
    outcome: Outcome
    price: str | None
    remaining: str
    locked_credits: str
    locked_shares: str


class LedgerView(AnswerStruct, frozen=True, gc=False):
    """One entry of the double-entry ledger: how the account's cash changed, and why.

    `reason` is what was said when credits were issued, null for every other kind.
    """

    id: str
    seq: int
    kind: str
    available: str
    locked: str
    available_after: str
    locked_after: str
    market_id: str | None
    slug: str | None
    order_id: str | None
    trade_id: str | None
    created_at: str
    reason: str | None


class SettlementView(AnswerStruct, frozen=True, gc=False):
    """What became of one's shares when their market was resolved, also if they paid nothing.

    `realisedProfit` is the whole market's, both outcomes, fees apart.
    """

    id: str
    seq: int
    market_id: str
    slug: str
    resolution: Resolution
    yes_payout: str
    yes_quantity: str
    no_quantity: str
    payout: str
    realised_profit: str
    created_at: str


def account_balance(account: Account | None) -> BalanceView:
    """Return an account's cash; nothing for one that isn't open yet."""
    return (
        balance_view(0, 0) if account is None else balance_view(account.available, account.locked)
    )


def held(account: Account, market: Market) -> list[Holding]:
    """Return the account's holdings in a market that are not empty, YES first."""
    position = account.positions.get(market.id)
    if position is None:
        return []
    return [holding for holding in (position.yes, position.no) if holding.quantity]


def mark_price(holding: Holding, market: Market) -> int | None:
    """Return the outcome's last price in price units, None before the first trade."""
    if market.last_price is None:
        return None
    return market.last_price if holding.outcome is YES else PRICE_SCALE - market.last_price


def mark_value(holding: Holding, market: Market) -> int:
    """Return what the shares are worth, in money units."""
    mark = mark_price(holding, market)
    return holding.cost if mark is None else holding.quantity * mark


def valued_position_view(holding: Holding, market: Market) -> ValuedPositionView:
    """Return a holding with its valuation."""
    mark = mark_price(holding, market)
    value = mark_value(holding, market)
    fields = (
        *astuple(position_view(holding, market)),
        None if mark is None else price_text(mark),
        money_text(value),
        money_text(value - holding.cost),
    )
    return ValuedPositionView(*fields)


def portfolio_view(account: Account | None, view: State) -> PortfolioView:
    """Return the sums over everything an account has.  O(markets it ever held shares of)."""
    positions = cost = value = realised = cash = 0
    if account is not None:
        cash = account.available + account.locked
        for market_id, position in account.positions.items():
            market = view.markets[market_id]
            realised += position.realised
            for holding in held(account, market):
                positions += 1
                cost += holding.cost
                value += mark_value(holding, market)
    return PortfolioView(
        account_balance(account),
        positions,
        money_text(cost),
        money_text(value),
        money_text(value - cost),
        money_text(realised),
        money_text(cash + value),
    )


def escrow_view(order: Order, market: Market) -> EscrowView:
    """Return an open order's reservation."""
    price, buys = order.price, order.side is BUY
    return EscrowView(
        str(order.id),
        order.client_order_id,
        str(order.market_id),
        market.slug,
        order.side,
        order.outcome,
        None if price is None else price_text(price),
        quantity_text(order.remaining),
        money_text(order.locked) if buys else _NOTHING,
        _NO_SHARES if buys else quantity_text(order.locked),
    )


def entry_id(entry: PastEntry) -> str:
    """Return the id of a ledger entry: its command and its number there."""
    return f"{entry.seq}-{entry.entry_no}"


def ledger_view(entry: PastEntry, view: State) -> LedgerView:
    """Return a ledger entry; `kind` is one of the names of `exchange.proof.ledger.EntryKind`."""
    market = view.markets.get(entry.market_id)
    return LedgerView(
        entry_id(entry),
        entry.seq,
        EntryKind(entry.kind).name,
        money_text(entry.available),
        money_text(entry.locked),
        money_text(entry.available_after),
        money_text(entry.locked_after),
        None if entry.market_id == 0 else str(entry.market_id),
        None if market is None else market.slug,
        None if entry.order_id == 0 else str(entry.order_id),
        None if entry.trade_no == 0 else trade_id(entry.market_id, entry.trade_no),
        iso_millis(entry.at),
        entry.reason,
    )


def fill_view(fill: PastFill, view: State) -> OwnFillView:
    """Return one of the account's fills."""
    return own_fill_view(
        fill,
        view.markets[fill.market_id],
        fill.at,
        fill.order_id,
        fill.client_order_id,
        fill.fee,
        is_taker=fill.is_taker,
    )


def settlement_view(past: PastSettlement, account: Account, view: State) -> SettlementView:
    """Return what became of one of the account's positions; its market is resolved."""
    market = view.markets[past.market_id]
    if market.resolution is None or market.yes_payout is None:
        raise TypeError(f"market {market.id} has settled positions, but isn't resolved")
    return SettlementView(
        str(past.seq),
        past.seq,
        str(market.id),
        market.slug,
        market.resolution,
        price_text(market.yes_payout),
        quantity_text(past.yes_quantity),
        quantity_text(past.no_quantity),
        money_text(past.payout),
        money_text(account.positions[market.id].realised),
        iso_millis(past.at),
    )
