"""The rows of the route table under /bets.

Laws: only the caller's own bets, another's is a 404. How bets stand is what the projector stored: a
read holds what the caller's last bet or sale did, if that takes no longer than `OWN_S`, and says
how far it reaches.
"""

import contextlib
from collections.abc import Callable
from typing import Final

import msgspec

from exchange.messages.bounds import STORED_MAX
from exchange.model.state import State
from gateway.access.api_keys.standing import Scope
from gateway.economy.bets.betting import SIDES, Betting, required_shares
from gateway.economy.bets.bodies import (
    BetBody,
    BetQuoteQuery,
    BetsQuery,
    BetState,
    SaleBody,
    SaleQuoteQuery,
    asked_amount,
    asked_price,
    asked_shares,
    body_amount,
    body_price,
)
from gateway.economy.bets.orders import bet_order, proceeds_at, sale_order
from gateway.economy.bets.quotes import Quotes, free_of_charge
from gateway.economy.bets.views import (
    BetDetailView,
    BetQuoteView,
    BetView,
    PlacedBetView,
    SaleQuoteView,
    SaleView,
    bet_quote_view,
    bet_view,
    leaving_view,
    sale_quote_view,
    sale_view,
)
from gateway.economy.mirrors.making import Foreseen
from gateway.economy.settings import EconomySettings
from gateway.http.paging import slice_of
from gateway.http.reading.query_strings import parse_words
from gateway.http.request import Request, Slice, UpTo
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.markets.lookup import asked_market
from gateway.markets.projected import Projected
from gateway.trading.order_bodies import check_client_id
from gateway.trading.views import balance_view
from gateway.wire import strict_json
from gateway.wire.errors import (
    Conflict,
    LimitReached,
    NotFound,
    NotYetReached,
    Refused,
    Unavailable,
    UnknownOutcome,
)
from persistence.repositories.economy.bets import BetFilter, Bets, StoredBet

QUOTE_COST: Final = 2
"""Calls that a quote counts as: the book is looked at for it."""
OWN_S: Final = 1.0
_COMMAND_ERRORS: Final = (NotFound, Conflict, Refused, Unavailable, UnknownOutcome)
_BET_ERRORS: Final = (*_COMMAND_ERRORS, LimitReached)


class BetRoutes:
    """Takes bets, and shows them."""

    def __init__(
        self,
        betting: Betting,
        rows: Bets,
        view: State,
        projected: Projected,
        settings: EconomySettings,
        pages: PageLimits,
        charge: Callable[[int, int], None] = free_of_charge,
    ) -> None:
        """`charge` counts what quotes look at."""
        self._betting = betting
        self._rows = rows
        self._view = view
        self._projected = projected
        self._own_projected = Projected(rows, OWN_S)
        self._settings = settings
        self._pages = pages
        self._quotes = Quotes(view, charge)

    async def place(self, request: Request[BetBody, None]) -> PlacedBetView:
        """Bet."""
        body = request.body
        if body.client_bet_id is not None:
            check_client_id(body.client_bet_id, "clientBetId")
        amount = body_amount(body.amount, self._settings)
        max_price = body_price(body.max_price)
        asked = request.user_id, body.side, amount, max_price
        market = await self._betting.market(body.market_id, *asked)
        bet, intent, is_repeat = await self._betting.bet(
            request.user_id,
            market,
            body.side,
            amount,
            max_price,
            body.client_bet_id,
            request.request_id,
        )
        return PlacedBetView(
            **msgspec.structs.asdict(bet_view(bet, self._view)),
            balance=balance_view(intent.available or 0, intent.locked or 0),
            replayed=True if is_repeat else msgspec.UNSET,
        )

    async def quote(self, request: Request[None, BetQuoteQuery]) -> BetQuoteView:
        """Return what a bet would buy now."""
        query = request.query
        amount = asked_amount(query.amount, self._settings)
        outcome, max_price = SIDES[query.side], asked_price(query.max_price)
        market = await self._betting.shown_market(query.market_id)
        if isinstance(market, Foreseen):
            made = self._betting.foresee(market, request.user_id, query.side, amount, max_price)
            return bet_quote_view(made, amount, outcome, market.id, market.id)
        order = bet_order(market, request.user_id, outcome, amount, max_price, None)
        made = await self._quotes.of(order)
        return bet_quote_view(made, amount, outcome, str(market.id), market.slug)

    async def list_bets(self, request: Request[None, BetsQuery]) -> UpTo[Slice[BetView]]:
        """Return a slice of the caller's bets, newest first."""
        query, user_id = request.query, request.user_id
        limit, before = query.size(self._pages), query.number() or STORED_MAX
        market = asked_market(self._view, query)
        statuses = parse_words(query.status, BetState, "status")
        wanted = BetFilter([one.value for one in statuses], 0 if market is None else market.id)
        seq = await self._come_to(user_id, request.min_seq)
        found = await self._rows.page(user_id, wanted, before, limit + 1)
        shown = slice_of(
            found, limit, lambda bet: bet_view(bet, self._view), lambda bet: str(bet.id)
        )
        return UpTo(shown, seq)

    async def show(self, request: Request[None, None]) -> UpTo[BetDetailView]:
        """Return a bet, and how shares left it."""
        seq = await self._come_to(request.user_id, request.min_seq)
        bet = await self._own(request)
        exits = [leaving_view(one) for one in await self._rows.exits(bet.id)]
        fields = msgspec.structs.asdict(bet_view(bet, self._view))
        return UpTo(BetDetailView(**fields, exits=exits), seq)

    async def sell(self, request: Request[SaleBody, None]) -> SaleView:
        """Sell a bet, or shares of it."""
        body, given = request.body, strict_json.is_given
        if body.request_id is not None:
            check_client_id(body.request_id, "requestId")
        least = body.min_proceeds
        sale, intent, is_repeat = await self._betting.sell(
            request.user_id,
            request.path_id("id"),
            strict_json.quantity(body.shares, "shares") if given(body.shares) else None,
            strict_json.money(least, "minProceeds") if given(least) else None,
            body.request_id,
            request.request_id,
        )
        balance = balance_view(intent.available or 0, intent.locked or 0)
        return sale_view(sale, balance, is_repeat=is_repeat)

    async def quote_sale(self, request: Request[None, SaleQuoteQuery]) -> SaleQuoteView:
        """Return what a sale of a bet would bring now."""
        asked = asked_shares(request.query.shares)
        bet = await self._own(request)
        quantity = required_shares(await self._betting.sellable(bet.id), asked)
        market = self._view.markets[bet.market_id]
        order = sale_order(market, request.user_id, SIDES[bet.side], quantity, None, None)
        made = await self._quotes.of(order)
        least = 0 if made.quantity < quantity else proceeds_at(market, made.worst, quantity)
        return sale_quote_view(made, bet.id, quantity, least)

    async def _own(self, request: Request[None, None] | Request[None, SaleQuoteQuery]) -> StoredBet:
        bet = await self._rows.find(request.user_id, request.path_id("id"))
        if bet is None:
            raise NotFound("There is no such bet of yours")
        return bet

    async def _come_to(self, user_id: int, min_seq: int) -> int:
        """Wait until the projector has come to a command, and a moment for the caller's own last
        one; return how far it has come.

        Raises NotYetReached, Unavailable.
        """
        reached = await self._projected.reach(min_seq)
        own = await self._rows.last_answered(user_id)
        if own > reached:
            with contextlib.suppress(NotYetReached, Unavailable):
                reached = await self._own_projected.reach(own)
        return reached

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="POST",
                path="/bets",
                handler=self.place,
                access=Access.USER,
                scope=Scope.TRADE,
                body=BetBody,
                answer=PlacedBetView,
                status=201,
                errors=_BET_ERRORS,
                summary="Bet credits on one side of a question",
                tag="economy",
            ),
            Route(
                method="GET",
                path="/bets/quote",
                handler=self.quote,
                access=Access.USER,
                scope=Scope.READ,
                query=BetQuoteQuery,
                answer=BetQuoteView,
                errors=(NotFound, Refused, Unavailable),
                cost=QUOTE_COST,
                summary="Show what a bet would buy now; nothing changes",
                tag="economy",
            ),
            Route(
                method="GET",
                path="/bets/me",
                handler=self.list_bets,
                access=Access.USER,
                scope=Scope.READ,
                query=BetsQuery,
                answer=BetView,
                shape=Shape.SLICE,
                errors=(NotFound, Unavailable),
                summary="List one's bets, newest first",
                tag="economy",
            ),
            Route(
                method="GET",
                path="/bets/{id}",
                handler=self.show,
                access=Access.USER,
                scope=Scope.READ,
                answer=BetDetailView,
                errors=(NotFound, Unavailable),
                summary="Show one of one's bets, and how shares left it",
                tag="economy",
            ),
            *self._sale_routes(),
        )

    def _sale_routes(self) -> tuple[Route, ...]:
        return (
            Route(
                method="POST",
                path="/bets/{id}/sell",
                handler=self.sell,
                access=Access.USER,
                scope=Scope.TRADE,
                body=SaleBody,
                needs_body=False,
                answer=SaleView,
                errors=_COMMAND_ERRORS,
                summary="Sell a bet, or shares of it, to whoever buys now",
                tag="economy",
            ),
            Route(
                method="GET",
                path="/bets/{id}/sell/quote",
                handler=self.quote_sale,
                access=Access.USER,
                scope=Scope.READ,
                query=SaleQuoteQuery,
                answer=SaleQuoteView,
                errors=(NotFound, Refused, Unavailable),
                cost=QUOTE_COST,
                summary="Show what selling a bet would bring now; nothing changes",
                tag="economy",
            ),
        )
