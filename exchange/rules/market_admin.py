"""Listing markets and moving their life on, short of resolution (`rules/settlement.py`).  Admins
and timers only.

These commands run in every mode of the exchange.
"""

import re
from typing import Final

from exchange.messages.bounds import (
    CATEGORY_LENGTH,
    DESCRIPTION_LENGTH,
    QUANTITY_MAX,
    QUESTION_LENGTH,
    RATE_MAX,
    SLUG_LENGTH,
    TICK_SIZES,
    TIME_MAX,
)
from exchange.messages.commands import CloseMarket, CreateMarket, SetExchangeMode, SetMarketStatus
from exchange.messages.events import (
    CommandRejected,
    Event,
    ExchangeModeChanged,
    MarketCreated,
    MarketStatusChanged,
)
from exchange.messages.reasons import Reason
from exchange.messages.terms import CancelReason, ExchangeMode
from exchange.model.market import CLOSED, DECIDED, DRAFT, NEXT_STATUS, OPEN, UNFINISHED, Market
from exchange.model.state import State
from exchange.rules.ending import end_order
from exchange.rules.netting import net
from exchange.rules.waiting.reaching import stand_down
from exchange.transitions import transitions

_MODE_OPEN: Final = ExchangeMode.OPEN

RESERVED_SLUGS: Final = frozenset(
    {
        "admin",
        "auth",
        "batch",
        "by-client-id",
        "categories",
        "markets",
        "orderbook",
        "orders",
        "random",
        "search",
        "trades",
        "user",
        "users",
    }
)
"""Words that stand, or may come to stand, where a route expects a slug."""

_SLUG: Final = re.compile(rf"[a-z0-9-]{{{SLUG_LENGTH[0]},{SLUG_LENGTH[1]}}}", re.ASCII)


def slug_problem(slug: str) -> str | None:
    """Return what is wrong with a slug.  Digits alone are refused: they would be read as a
    market's id.
    """
    if not _SLUG.fullmatch(slug):
        return f"must be {SLUG_LENGTH[0]} to {SLUG_LENGTH[1]} of a-z, 0-9 and -"
    if slug in RESERVED_SLUGS or slug.isdigit():
        return "is a reserved word"
    return None


def market_problem(command: CreateMarket) -> tuple[str, str] | None:
    """Return (field, what is wrong) if the market's terms can't be, whatever the exchange's state
    is.
    """
    problem = slug_problem(command.slug)
    if problem is not None:
        return "slug", problem
    checks = (
        (
            "question",
            0 < len(command.question) <= QUESTION_LENGTH,
            f"must be 1 to {QUESTION_LENGTH} characters",
        ),
        ("description", len(command.description) <= DESCRIPTION_LENGTH, "is too long"),
        ("category", len(command.category) <= CATEGORY_LENGTH, "is too long"),
        ("closeTime", 0 < command.close_time <= TIME_MAX, "is out of range"),
        ("tickSize", command.tick_size in TICK_SIZES, "must be 0.0001, 0.001 or 0.01"),
        ("minQuantity", 1 <= command.min_quantity <= QUANTITY_MAX, "is out of range"),
        ("makerFee", 0 <= command.maker_fee <= RATE_MAX, "must lie between 0 and 0.1"),
        ("takerFee", 0 <= command.taker_fee <= RATE_MAX, "must lie between 0 and 0.1"),
    )
    for field, holds, message in checks:
        if not holds:
            return field, message
    return None


def create(state: State, command: CreateMarket) -> list[Event]:
    """Run a CreateMarket and return its events, already applied."""
    problem = market_problem(command)
    if problem is not None:
        return [CommandRejected(Reason.INVALID_MARKET, *problem)]
    if command.slug in state.market_by_slug:
        return [CommandRejected(Reason.SLUG_TAKEN, "slug", "is taken")]
    if command.close_time <= state.now:
        return [CommandRejected(Reason.CLOSE_TIME_PASSED, "closeTime", "must lie in the future")]
    created = MarketCreated(
        market_id=state.next_market_id,
        slug=command.slug,
        question=command.question,
        description=command.description,
        category=command.category,
        close_time=command.close_time,
        tick_size=command.tick_size,
        min_quantity=command.min_quantity,
        maker_fee=command.maker_fee,
        taker_fee=command.taker_fee,
        fee_model=command.fee_model,
        status=DRAFT if command.draft else OPEN,
    )
    transitions.market_created(state, created)
    return [created]


def set_status(state: State, command: SetMarketStatus) -> list[Event]:
    """Run a SetMarketStatus and return its events, already applied."""
    market = state.markets.get(command.market_id)
    if market is None:
        return [CommandRejected(Reason.MARKET_NOT_FOUND, "market", "there is no such market")]
    if market.status in DECIDED:
        return [
            CommandRejected(
                Reason.MARKET_ALREADY_RESOLVED, "status", f"is {market.status.value} for good"
            )
        ]
    # Who sets what a market that goes on by itself has keeps it there.
    kept = command.status is market.status and market.resumes_at is not None
    if command.status not in NEXT_STATUS[market.status] and not kept:
        message = f"can't follow {market.status.value}"
        return [CommandRejected(Reason.ILLEGAL_STATUS_CHANGE, "status", message)]
    events: list[Event] = []
    if command.status is CLOSED:
        close(state, market, events)
    else:
        _change_status(state, market, command, events)
    return events


def close_due(state: State, command: CloseMarket) -> list[Event]:
    """Run the closing timer and return its events, already applied."""
    market = state.markets.get(command.market_id)
    if market is None or market.status not in UNFINISHED:
        return [CommandRejected(Reason.MARKET_NOT_OPEN, "market", "the market has closed already")]
    events: list[Event] = []
    close(state, market, events)
    return events


def close(state: State, market: Market, events: list[Event]) -> None:
    """Close a market for good and cancel all its orders, bids first, best first, oldest first, then
    those that wait for a price, by id.
    """
    event = MarketStatusChanged(market.id, CLOSED)
    events.append(event)
    transitions.market_status_changed(state, event)
    owners: dict[int, None] = {}
    waiting = () if market.waiting is None else market.waiting.orders.values()
    for order in [*market.book.bids.orders(), *market.book.asks.orders(), *waiting]:
        account = state.accounts[order.account_id]
        end_order(state, account, market, order, CancelReason.MARKET_CLOSED, events)
        owners[order.account_id] = None
    net(state, market, owners, events)


def set_mode(state: State, command: SetExchangeMode) -> list[Event]:
    """Run a SetExchangeMode and return its events, already applied."""
    events: list[Event] = []
    enter_mode(state, command.mode, events)
    return events


def enter_mode(state: State, mode: ExchangeMode, events: list[Event]) -> None:
    """Give the exchange a mode; what waits for a price stands down, or is judged again."""
    event = ExchangeModeChanged(mode)
    events.append(event)
    transitions.exchange_mode_changed(state, event)
    for market in state.markets.values():
        if market.waiting is None:
            continue
        if mode is not _MODE_OPEN:
            stand_down(state, market, events)
        elif market not in state.stirred:
            state.stirred.append(market)


def _change_status(
    state: State, market: Market, command: SetMarketStatus, events: list[Event]
) -> None:
    event = MarketStatusChanged(market.id, command.status)
    events.append(event)
    transitions.market_status_changed(state, event)
    if command.status is not OPEN:
        stand_down(state, market, events)
