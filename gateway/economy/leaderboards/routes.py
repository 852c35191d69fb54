"""The rows of the route table under /leaderboard: the boards, and where one stands oneself.

Laws: boards are public, and show whoever wants to be shown (`profile.leaderboards` of the
preferences); one's own figures are one's own to see in any case. What is told is as of the last
run, which `asOf` and `asOfSeq` say.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from gateway.access.api_keys.standing import Scope
from gateway.economy.leaderboards.reading import BoardPage, Reading
from gateway.http.paging import PageQuery
from gateway.http.request import AsOfView, Page, Request, Told, UpTo
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.wire.errors import NotYetReached
from gateway.wire.scalars import iso_millis, money_text
from gateway.wire.strict_json import AnswerStruct, QueryStruct
from persistence.clock import MICROSECONDS, now_us
from persistence.repositories.leaderboards.boards import Head, Leaderboards, Place, Ranked
from persistence.repositories.leaderboards.computing import TOP
from persistence.repositories.leaderboards.words import ERROR_SCALE, Board, Span

RUN_US: Final = 5 * 60 * MICROSECONDS
"""A run that takes no longer than this shows nothing as late."""
_DIGITS: Final = len(str(ERROR_SCALE)) - 1
_SUMMARIES: Final = {
    Board.PNL: "List who gained most: what one has, less what was put in",
    Board.VOLUME: "List who traded most",
    Board.CALIBRATION: "List whose forecasts were best: the lowest Brier score",
}


class BoardQuery(PageQuery, frozen=True):
    """Of which time: of UTC's day, week (from Monday) or month, until now, or of all time."""

    period: Span = Span.ALL


class StandingQuery(QueryStruct, frozen=True):
    """Of which time, as on the boards."""

    period: Span = Span.ALL


class LeaderView(AnswerStruct, frozen=True):
    """A place of a board. `value` is credits gained or traded, or a Brier score (0 to 1, 0 is
    best); `positions` how many were held until their market paid, within the period.
    """

    rank: int
    user_id: str
    display_name: str
    username: str | None
    avatar_url: str | None
    value: str
    positions: int


_Shown = Told[Page[LeaderView]] | Page[LeaderView]
"""Before the first run a board has no age."""


class OwnPlaceView(AnswerStruct, frozen=True):
    """One's `value` on a board and place among `of`; null without one, or for who isn't shown.

    `listed` says whether that place is one of those that the board shows.
    """

    value: str | None
    rank: int | None
    of: int
    listed: bool


class OwnStandingView(AnswerStruct, frozen=True):
    """Where one stands on all boards of a period that began at `since` (null: ever); `madeAt` null:
    not known yet. `shown` says whether others see one there.
    """

    period: Span
    since: str | None
    made_at: str | None
    shown: bool
    pnl: OwnPlaceView
    volume: OwnPlaceView
    calibration: OwnPlaceView
    positions: int


class LeaderboardRoutes:
    """Shows the boards."""

    def __init__(
        self, reading: Reading, rows: Leaderboards, pages: PageLimits, *, minutes: int
    ) -> None:
        """`minutes` lie between the boards' runs."""
        self._reading = reading
        self._rows = rows
        self._pages = pages
        # So old is a board when two runs in a row have failed.
        self._stale_us = 2 * minutes * 60 * MICROSECONDS + RUN_US

    def _shower(
        self, board: Board
    ) -> Callable[[Request[None, BoardQuery]], Awaitable[UpTo[_Shown]]]:
        async def show(request: Request[None, BoardQuery]) -> UpTo[_Shown]:
            """Return a page of one board, the first places first."""
            query = request.query
            limit, offset = query.bounds(self._pages)
            after = offset + (query.number() or 0)
            found = await self._reading.page(board, query.period, after, limit)
            _require_reached(request.min_seq, found.head)
            page = _page(board, found, limit, offset)
            if not found.head.made_at:
                return UpTo(page, 0)
            age = _age(found.head, self._stale_us)
            return UpTo(Told(page, age), found.head.through_seq)

        return show

    async def show_own(self, request: Request[None, StandingQuery]) -> UpTo[OwnStandingView]:
        """Return where the caller stands."""
        span, user_id = request.query.period, request.user_id
        head = await self._reading.head(Board.PNL, span)
        _require_reached(request.min_seq, head)
        own = await self._rows.standing(user_id, span)
        views = {}
        for board in Board:
            score, ranked = own.scores[board], (await self._reading.head(board, span)).ranked
            value = None if score is None else value_text(board, score)
            rank = own.ranks[board]
            views[board] = OwnPlaceView(value, rank, ranked, rank is not None and rank <= TOP)
        view = OwnStandingView(
            span,
            iso_millis(head.since) if head.since else None,
            iso_millis(head.made_at) if head.made_at else None,
            await self._rows.is_shown(user_id),
            views[Board.PNL],
            views[Board.VOLUME],
            views[Board.CALIBRATION],
            own.forecasts,
        )
        return UpTo(view, head.through_seq)

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        boards = (
            Route(
                method="GET",
                path=f"/leaderboard/{board.value}",
                handler=self._shower(board),
                access=Access.PUBLIC,
                query=BoardQuery,
                answer=LeaderView,
                shape=Shape.PAGE,
                tells_age=True,
                summary=summary,
                tag="economy",
            )
            for board, summary in _SUMMARIES.items()
        )
        own = Route(
            method="GET",
            path="/leaderboard/me",
            handler=self.show_own,
            access=Access.USER,
            scope=Scope.READ,
            query=StandingQuery,
            answer=OwnStandingView,
            summary="Show where one stands on the boards",
            tag="economy",
        )
        return (*boards, own)


def value_text(board: Board, score: int) -> str:
    """Return a score as it is told: credits, or a Brier score to eight decimals."""
    if board is not Board.CALIBRATION:
        return money_text(score)
    whole, rest = divmod(score, ERROR_SCALE)
    return f"{whole}.{rest:0{_DIGITS}d}"


def _page(board: Board, found: BoardPage, limit: int, offset: int) -> Page[LeaderView]:
    views = [_view(board, place, person) for place, person in found.places]
    cursor = None if found.next_rank is None else str(found.next_rank)
    return Page(views, found.total, limit, offset, cursor)


def _view(board: Board, place: Place, person: Ranked) -> LeaderView:
    return LeaderView(
        place.rank,
        str(person.id),
        person.display_name,
        person.username,
        person.avatar_url,
        value_text(board, place.score),
        place.forecasts,
    )


def _age(head: Head, stale_us: int) -> AsOfView:
    age = max(0, now_us() - head.made_at)
    return AsOfView(iso_millis(head.made_at), age // 1_000, age > stale_us)


def _require_reached(wanted: int, head: Head) -> None:
    """Raise NotYetReached for a command that isn't in the board yet."""
    if wanted > head.through_seq:
        raise NotYetReached.of(wanted, head.through_seq)
