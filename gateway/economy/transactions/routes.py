"""The rows of the route table under /transactions: all that moved one's credits, and why.

Laws: only the caller's own; nothing here keeps a balance, each line is an entry of the ledger. A
file is made while it is read, a bounded piece at a time, and goes as far back as the filter says
from the command that the view had come to when it began.
"""

from collections.abc import AsyncIterator
from typing import Annotated, Final

import msgspec

from exchange.model.state import State
from gateway.access.api_keys.standing import Scope
from gateway.http.paging import SliceQuery
from gateway.http.reading.query_strings import parse_words, words_text
from gateway.http.request import AsOf, Request, Slice, Stream
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.markets.lookup import MarketText, asked_market
from gateway.markets.views import trade_id
from gateway.trading.views import read_mark
from gateway.wire.csv_text import MEDIA, csv_rows, text_cell
from gateway.wire.errors import NotFound, Unavailable
from gateway.wire.scalars import TimeText, iso_millis, money_text, parse_range
from gateway.wire.strict_json import AnswerStruct, QueryStruct
from persistence.repositories.economy.transactions import (
    Transaction,
    TransactionFilter,
    Transactions,
    TransactionType,
)
from persistence.repositories.history import EntryPlace

COST: Final = 5
"""Calls that a page counts as: thousands of entries may be looked through for it."""
FILE_COST: Final = 50
"""Calls that a file counts as."""
PIECE: Final = 500
"""Lines that are read at once for a file."""
AT_ONCE: Final = 4
"""Files that are being read at the same time, one a person."""
_RETRY_S: Final = 10
_RENAMED: Final = {"market_id": "marketId", "from_time": "from", "to_time": "to"}

TypesText = Annotated[str, words_text(TransactionType, "REWARD,PURCHASE")]


class TransactionsQuery(SliceQuery, frozen=True, rename=_RENAMED):
    """Which movements; what is unset matches all. Both times are included."""

    type: TypesText | None = None
    market: MarketText | None = None
    market_id: MarketText | None = None
    slug: MarketText | None = None
    from_time: TimeText | None = None
    to_time: TimeText | None = None


class TransactionsFileQuery(QueryStruct, frozen=True, rename=_RENAMED):
    """Which movements; what is unset matches all. Both times are included."""

    type: TypesText | None = None
    market: MarketText | None = None
    market_id: MarketText | None = None
    slug: MarketText | None = None
    from_time: TimeText | None = None
    to_time: TimeText | None = None


class TransactionView(AnswerStruct, frozen=True, gc=False):
    """One movement: `amount` is what one has more by it (below 0: less), `balanceAfter` all that
    one had right after it, `availableAfter` the part of it that wasn't locked.

    `reference` is what it was for: a reward's, referral's, purchase's or bet's own id, else the
    trade's; null where there is none. `reason` is what was said to it, null if nothing was.
    """

    id: str
    seq: int
    type: TransactionType
    amount: str
    balance_after: str
    available_after: str
    reference: str | None
    reason: str | None
    market_id: str | None
    slug: str | None
    order_id: str | None
    trade_id: str | None
    created_at: str


class TransactionRoutes:
    """Shows what moved one's credits."""

    def __init__(self, rows: Transactions, view: State, pages: PageLimits) -> None:
        self._rows = rows
        self._view = view
        self._pages = pages
        self._under_way: set[int] = set()

    async def list_transactions(
        self, request: Request[None, TransactionsQuery]
    ) -> AsOf[Slice[TransactionView]]:
        """Return a slice of what moved the caller's credits, newest first."""
        query, mark = request.query, read_mark(self._view, request.user_id)
        limit, newest = query.size(self._pages), (mark.seq + 1, 0)
        before = min(query.pair() or newest, newest)
        wanted = self._wanted(query)
        found, further = await self._rows.page(request.user_id, wanted, before, limit)
        views = [transaction_view(one, self._view) for one in found]
        return mark.on(Slice(views, None if further is None else "{}-{}".format(*further)))

    async def export(self, request: Request[None, TransactionsFileQuery]) -> Stream:
        """Return all of it as a table, newest first."""
        wanted, seq = self._wanted(request.query), self._view.seq
        user_id = request.user_id
        if user_id in self._under_way:
            raise Unavailable("You are taking one away already", retry_after_seconds=_RETRY_S)
        if len(self._under_way) >= AT_ONCE:
            raise Unavailable(
                "Others are taking theirs away just now", retry_after_seconds=_RETRY_S
            )
        self._under_way.add(user_id)

        async def close() -> None:
            self._under_way.discard(user_id)

        chunks = self._chunks(user_id, wanted, (seq + 1, 0))
        return Stream(MEDIA, "probity-transactions.csv", chunks, _nothing, close, seq)

    async def _chunks(
        self, account_id: int, wanted: TransactionFilter, before: EntryPlace
    ) -> AsyncIterator[bytes]:
        yield csv_rows([_NAMES])
        place: EntryPlace | None = before
        while place is not None:
            found, place = await self._rows.page(account_id, wanted, place, PIECE)
            # Also where there is nothing: whoever sends it looks then whether anybody is left.
            yield csv_rows(_cells(transaction_view(one, self._view)) for one in found)

    def _wanted(self, query: TransactionsQuery | TransactionsFileQuery) -> TransactionFilter:
        market = asked_market(self._view, query)
        since, until = parse_range(query.from_time, query.to_time)
        types = parse_words(query.type, TransactionType, "type")
        return TransactionFilter(types, 0 if market is None else market.id, since, until)

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/transactions/me",
                handler=self.list_transactions,
                access=Access.USER,
                scope=Scope.READ,
                query=TransactionsQuery,
                answer=TransactionView,
                shape=Shape.SLICE,
                errors=(NotFound,),
                cost=COST,
                summary="List all that moved one's credits, newest first",
                tag="economy",
                of_account=True,
            ),
            Route(
                method="GET",
                path="/transactions/me/export",
                handler=self.export,
                access=Access.USER,
                scope=Scope.READ,
                query=TransactionsFileQuery,
                answer=None,
                shape=Shape.STREAM,
                media=(MEDIA.partition(";")[0],),
                says_as_of=True,
                errors=(NotFound,),
                cost=FILE_COST,
                summary="Take away all that moved one's credits as a table",
                tag="economy",
            ),
        )


def transaction_view(one: Transaction, view: State) -> TransactionView:
    """Return a movement as it is told."""
    market = view.markets.get(one.market_id)
    trade = None if one.trade_no == 0 else trade_id(one.market_id, one.trade_no)
    return TransactionView(
        "{}-{}".format(*one.place),
        one.seq,
        one.type,
        money_text(one.amount),
        money_text(one.total_after),
        money_text(one.available_after),
        one.system_id or trade,
        one.reason,
        None if one.market_id == 0 else str(one.market_id),
        None if market is None else market.slug,
        None if one.order_id == 0 else str(one.order_id),
        trade,
        iso_millis(one.at),
    )


def _cells(view: TransactionView) -> list[str]:
    """Return a line of the file: text that somebody wrote is never taken for a formula."""
    values = msgspec.structs.asdict(view) | {"seq": str(view.seq), "type": view.type.value}
    shown = {"reference", "reason", "slug"}
    return [text_cell(value) if name in shown else value or "" for name, value in values.items()]


def _nothing() -> None:
    """Stop nothing: a piece is read at a time, and none without a reader."""


_NAMES: Final = [field.encode_name for field in msgspec.structs.fields(TransactionView)]
