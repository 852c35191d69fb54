"""The boards as they are read: their first places, and where somebody stands.

Laws: whoever doesn't want to be seen isn't, from the moment it is said, whatever the last run
ranked; a place that was theirs is left out until the next one. The names are those of now.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from persistence.postgres.database import Fetching
from persistence.repositories.leaderboards.words import BOARD, SPAN, Board, Span

_HEADS: Final = "SELECT board, span, since, made_at, through_seq, ranked FROM leaderboard_boards"
_PLACES: Final = """
SELECT rank, account_id, score, forecasts FROM leaderboard_tops
 WHERE board = $1 AND span = $2 AND rank > $3 ORDER BY rank LIMIT $4
"""
_MADE_AT: Final = "SELECT made_at FROM leaderboard_boards WHERE board = $1 AND span = $2"
_PEOPLE: Final = """
SELECT id, coalesce(display_name, 'Trader-' || id) AS display_name, avatar_url, username,
       preferences #> '{profile,username}' IS DISTINCT FROM 'false' AS shows_username,
       preferences #> '{profile,avatarUrl}' IS DISTINCT FROM 'false' AS shows_avatar
  FROM users WHERE id = ANY($1::bigint[])
   AND preferences #> '{profile,leaderboards}' IS DISTINCT FROM 'false'
"""
_IS_SHOWN: Final = """
SELECT preferences #> '{profile,leaderboards}' IS DISTINCT FROM 'false' FROM users WHERE id = $1
"""
_STANDING: Final = """
SELECT gain, volume, brier, forecasts, gain_rank, volume_rank, calibration_rank
  FROM leaderboard_standings WHERE account_id = $1 AND span = $2
"""


class Head(msgspec.Struct, frozen=True, array_like=True):
    """Of a board: when its span began (0: before all) and it was made, in microseconds, the newest
    command in it, and how many have a place.
    """

    since: int
    made_at: int
    through_seq: int
    ranked: int


class Place(msgspec.Struct, frozen=True, array_like=True):
    """One place: the score is money, or an error in 1/100 000 000."""

    rank: int
    account_id: int
    score: int
    forecasts: int


class Ranked(msgspec.Struct, frozen=True):
    """Somebody's name, as others see it."""

    id: int
    display_name: str
    avatar_url: str | None
    username: str | None


class OwnStanding(msgspec.Struct, frozen=True):
    """Where somebody stands in a span: scores, None for none, and the places they have."""

    scores: Mapping[Board, int | None]
    ranks: Mapping[Board, int | None]
    forecasts: int


class Leaderboards:
    """Reads them."""

    def __init__(self, source: Fetching) -> None:
        self._source = source

    async def heads(self) -> dict[tuple[Board, Span], Head]:
        """Return what boards there are: none before the first run."""
        boards = {code: board for board, code in BOARD.items()}
        spans = {code: span for span, code in SPAN.items()}
        return {
            (boards[board], spans[span]): Head(*head)
            for board, span, *head in await self._source.fetch(_HEADS)
        }

    async def places(
        self, board: Board, span: Span, made_at: int, after: int, limit: int
    ) -> list[Place] | None:
        """Return the places below one; None if the board was made anew since `made_at`."""
        code = BOARD[board], SPAN[span]
        rows = await self._source.fetch(_PLACES, *code, after, limit)
        # Asked afterwards: boards only grow younger.
        if await self._source.fetchval(_MADE_AT, *code) != made_at:
            return None
        return [Place(*row) for row in rows]

    async def people(self, ids: Sequence[int]) -> dict[int, Ranked]:
        """Return those of them who want to be seen."""
        found = {}
        for row in await self._source.fetch(_PEOPLE, ids):
            found[row["id"]] = Ranked(
                row["id"],
                row["display_name"],
                row["avatar_url"] if row["shows_avatar"] else None,
                row["username"] if row["shows_username"] else None,
            )
        return found

    async def is_shown(self, account_id: int) -> bool:
        """Say whether somebody wants to be seen."""
        return bool(await self._source.fetchval(_IS_SHOWN, account_id))

    async def standing(self, account_id: int, span: Span) -> OwnStanding:
        """Return where somebody stands."""
        row: Any = await self._source.fetchrow(_STANDING, account_id, SPAN[span])
        gain, volume, brier, forecasts, *ranks = row or (None, None, None, 0, None, None, None)
        boards = Board.PNL, Board.VOLUME, Board.CALIBRATION
        return OwnStanding(
            dict(zip(boards, (gain, volume, brier), strict=True)),
            dict(zip(boards, ranks, strict=True)),
            forecasts,
        )
