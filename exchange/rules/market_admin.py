"""Listing markets and moving their life on, short of resolution (`rules/settlement.py`).  Admins
and timers only.

These commands run in every mode of the exchange.
"""

import re
from typing import Final

from exchange.messages.admin.commands import EditMarket
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
    MarketEdited,
    MarketStatusChanged,
)
from exchange.messages.reasons import Reason
from exchange.messages.terms import CancelReason, ExchangeMode
from exchange.model.market import (
    CLOSED,
    DECIDED,
    DRAFT,
    NEXT_STATUS,
    OPEN,
    POST_ONLY,
    UNFINISHED,
    Market,
)
from exchange.model.state import State
from exchange.rules.ending import end_order
from exchange.rules.netting import net
from exchange.rules.waiting.reaching import stand_down
from exchange.transitions import transitions

_MODE_OPEN: Final = ExchangeMode.OPEN
_TAKES_ORDERS: Final = (OPEN, POST_ONLY)

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
    return _first_problem(
        question=command.question,
        description=command.description,
        category=command.category,
        close_time=command.close_time,
        tick_size=command.tick_size,
        min_quantity=command.min_quantity,
        maker_fee=command.maker_fee,
        taker_fee=command.taker_fee,
    )


def _first_problem(
    *,
    question: str | None,
    description: str | None,
    category: str | None,
    close_time: int | None,
    min_quantity: int | None,
    tick_size: int | None = None,
    maker_fee: int | None = None,
    taker_fee: int | None = None,
) -> tuple[str, str] | None:
    """Return (field, what is wrong) of the first that can't be; None isn't asked about."""
    checks = (
        (
            "question",
            question is None or 0 < len(question) <= QUESTION_LENGTH,
            f"must be 1 to {QUESTION_LENGTH} characters",
        ),
        (
            "description",
            description is None or len(description) <= DESCRIPTION_LENGTH,
            "is too long",
        ),
        ("category", category is None or len(category) <= CATEGORY_LENGTH, "is too long"),
        ("closeTime", close_time is None or 0 < close_time <= TIME_MAX, "is out of range"),
        (
            "tickSize",
            tick_size is None or tick_size in TICK_SIZES,
            "must be 0.0001, 0.001 or 0.01",
        ),
        (
            "minQuantity",
            min_quantity is None or 1 <= min_quantity <= QUANTITY_MAX,
            "is out of range",
        ),
        (
            "makerFee",
            maker_fee is None or 0 <= maker_fee <= RATE_MAX,
            "must lie between 0 and 0.1",
        ),
        (
            "takerFee",
            taker_fee is None or 0 <= taker_fee <= RATE_MAX,
            "must lie between 0 and 0.1",
        ),
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


def edit_problem(command: EditMarket) -> tuple[str, str] | None:
    """Return (field, what is wrong) if no market can be edited so."""
    return _first_problem(
        question=command.question,
        description=command.description,
        category=command.category,
        close_time=command.close_time,
        min_quantity=command.min_quantity,
    )


def edit(state: State, command: EditMarket) -> list[Event]:
    """Run an EditMarket and return its events, already applied.

    Whoever has an order in the market meant the question as it was, so where the question, what it
    says more of it or its close time is another, all open orders end; and it takes no orders just
    then, or those on their way would come to stand under what they never meant.
    """
    market = state.markets.get(command.market_id)
    if market is None:
        return [CommandRejected(Reason.MARKET_NOT_FOUND, "market", "there is no such market")]
    if market.status not in UNFINISHED:
        if market.status in DECIDED:
            message = f"is {market.status.value} for good"
            return [CommandRejected(Reason.MARKET_ALREADY_RESOLVED, "market", message)]
        return [CommandRejected(Reason.MARKET_NOT_OPEN, "market", "the market has closed already")]
    if market.trade_no:
        message = "the market has traded: what it is about is fixed"
        return [CommandRejected(Reason.MARKET_TRADED, "market", message)]
    problem = edit_problem(command)
    if problem is not None:
        return [CommandRejected(Reason.INVALID_MARKET, *problem)]
    if command.close_time is not None and command.close_time <= state.now:
        return [CommandRejected(Reason.CLOSE_TIME_PASSED, "closeTime", "must lie in the future")]
    edited = MarketEdited(
        market.id,
        market.question if command.question is None else command.question,
        market.description if command.description is None else command.description,
        market.category if command.category is None else command.category,
        market.close_time if command.close_time is None else command.close_time,
        market.min_quantity if command.min_quantity is None else command.min_quantity,
    )
    before = market.question, market.description, market.close_time
    is_other = before != (edited.question, edited.description, edited.close_time)
    if is_other and market.status in _TAKES_ORDERS:
        message = f"is {market.status.value}: halt the market before it is about something else"
        return [CommandRejected(Reason.MARKET_NOT_HALTED, "market", message)]
    events: list[Event] = [edited]
    transitions.market_edited(state, edited)
    if is_other:
        end_all(state, market, CancelReason.ADMIN, events)
    return events


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
    """Close a market for good and cancel all its orders."""
    event = MarketStatusChanged(market.id, CLOSED)
    events.append(event)
    transitions.market_status_changed(state, event)
    end_all(state, market, CancelReason.MARKET_CLOSED, events)


def end_all(state: State, market: Market, reason: CancelReason, events: list[Event]) -> None:
    """Cancel all orders of a market, bids first, best first, oldest first, then those that wait for
    a price, by id.
    """
    owners: dict[int, None] = {}
    waiting = () if market.waiting is None else market.waiting.orders.values()
    for order in [*market.book.bids.orders(), *market.book.asks.orders(), *waiting]:
        account = state.accounts[order.account_id]
        end_order(state, account, market, order, reason, events)
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
