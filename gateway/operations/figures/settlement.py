"""The row `GET /admin/markets/{slug}/settlement`: who would be paid what by a resolution.

Laws: worked out as the rules pay (exchange/rules/settlement.py, RULEBOOK 9), of the shares that are
held now: orders that trade until then change it. Nothing is changed by asking. The largest payments
come first, a bounded part of them at a time; the sums are over all holders. Nobody waits for it:
it is worked out a piece at a time, and begun anew if the market moves meanwhile; one that moves
each time is worked out in one piece.
"""

import asyncio
import heapq
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Annotated, Final

import msgspec

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.commands import ResolveMarket
from exchange.messages.errors import MalformedNumber
from exchange.messages.terms import Resolution
from exchange.messages.units import parse_price
from exchange.model.accounts import Position
from exchange.model.market import DECIDED, Market
from exchange.model.state import State
from exchange.rules.settlement import FIXED_PAYOUT, resolution_problem
from gateway.http.paging import LimitText, OffsetText
from gateway.http.request import Request
from gateway.http.routing import Access, Route
from gateway.http.settings import PageLimits
from gateway.markets.lookup import find_market
from gateway.wire.errors import Conflict, NotFound, ValidationFailed
from gateway.wire.scalars import money_text, price_text, quantity_text
from gateway.wire.strict_json import AnswerStruct, QueryStruct

COST: Final = 5
"""Calls that it counts as: it goes through all holders."""

PayoutText = Annotated[
    str, msgspec.Meta(max_length=20, description="what a share of YES pays, with SPLIT only")
]


class SettlementPreviewQuery(QueryStruct, frozen=True):
    """Which answer; `yesPayout` goes with SPLIT and only with it."""

    outcome: Resolution
    yes_payout: PayoutText | None = None
    limit: LimitText | None = None
    offset: OffsetText = 0


class PayeeView(AnswerStruct, frozen=True):
    """One holder: the shares, what they cost, what is paid for them, and what that gains."""

    account_id: str
    yes: str
    no: str
    cost: str
    payout: str
    profit: str


class SettlementPreviewView(AnswerStruct, frozen=True):
    """Who would be paid what; `paid` is over all `holders`, and the market's whole `collateral`."""

    outcome: Resolution
    yes_payout: str
    no_payout: str
    holders: int
    paid: str
    collateral: str
    payees: list[PayeeView]
    """The largest payments first."""


_Paid = tuple[int, int, int, int, int]
PIECE: Final = 2_000
"""Holders that are worked out, or given, without a pause."""
TRIES: Final = 3


def _paid(positions: Sequence[tuple[int, Position]], payout: int) -> Iterator[_Paid]:
    """Yield (payment, account, yes, no, cost) of each holder, the payment below zero: so that the
    largest sorts first.
    """
    for account_id, position in positions:
        yes, no = position.yes.quantity, position.no.quantity
        if yes or no:
            paid = yes * payout + no * (PRICE_SCALE - payout)
            yield -paid, account_id, yes, no, position.yes.cost + position.no.cost


def _payee(row: _Paid) -> PayeeView:
    owed, account_id, yes, no, cost = row
    paid = -owed
    return PayeeView(
        str(account_id),
        quantity_text(yes),
        quantity_text(no),
        money_text(cost),
        money_text(paid),
        money_text(paid - cost),
    )


class SettlementRoutes:
    """Foretells what a resolution pays."""

    def __init__(self, view: State, pages: PageLimits) -> None:
        self._view = view
        self._pages = pages

    async def show(self, request: Request[None, SettlementPreviewQuery]) -> SettlementPreviewView:
        """Return who would be paid what.  O(holders)."""
        query = request.query
        limit = self._pages.size if query.limit is None else query.limit
        if limit > self._pages.size_max:
            raise ValidationFailed.of("limit", f"must be at most {self._pages.size_max}")
        payout = _payout(query)
        market = find_market(self._view, request.path["slug"], drafts=True)
        if market is None:
            raise NotFound("There is no such market here")
        if market.status in DECIDED:
            raise Conflict(f"The market is {market.status.value} already")
        runs = await _worked_out(market, payout)
        first = await _first(runs, query.offset + limit)
        return SettlementPreviewView(
            query.outcome,
            price_text(payout),
            price_text(PRICE_SCALE - payout),
            sum(map(len, runs)),
            money_text(-sum(row[0] for run in runs for row in run)),
            money_text(market.collateral),
            [_payee(row) for row in first[query.offset :]],
        )

    def routes(self) -> tuple[Route, ...]:
        """Return the row."""
        return (
            Route(
                method="GET",
                path="/admin/markets/{slug}/settlement",
                handler=self.show,
                access=Access.ADMIN,
                query=SettlementPreviewQuery,
                answer=SettlementPreviewView,
                errors=(NotFound, Conflict),
                cost=COST,
                summary="Show who would be paid what if a market were resolved so",
                tag="admin",
            ),
        )


async def _worked_out(market: Market, payout: int) -> list[list[_Paid]]:
    """Return what each holder is paid, in sorted pieces, all as of one moment."""
    for _ in range(TRIES):
        seq, positions = market.seq, list(market.positions.items())
        runs: list[list[_Paid]] = []
        for begin in range(0, len(positions), PIECE):
            if begin:
                await asyncio.sleep(0)
            if market.seq != seq:
                break
            runs.append(sorted(_paid(positions[begin : begin + PIECE], payout)))
        else:
            return runs
    return [sorted(_paid(list(market.positions.items()), payout))]


async def _first(runs: list[list[_Paid]], count: int) -> list[_Paid]:
    """Return the first `count` of sorted pieces."""
    merged, first = heapq.merge(*runs), list[_Paid]()
    while piece := list(islice(merged, min(PIECE, count - len(first)))):
        first += piece
        await asyncio.sleep(0)
    return first


def _payout(query: SettlementPreviewQuery) -> int:
    """Return what a share of YES pays, in price units; raises ValidationFailed."""
    try:
        split = None if query.yes_payout is None else parse_price(query.yes_payout)
    except MalformedNumber as error:
        raise ValidationFailed.of("yesPayout", str(error)) from None
    problem = resolution_problem(ResolveMarket(0, query.outcome, split, ""))
    if problem is not None:
        raise ValidationFailed.of(*problem)
    return FIXED_PAYOUT[query.outcome] if split is None else split
