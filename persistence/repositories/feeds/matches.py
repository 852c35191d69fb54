"""The matches' table, and the questions that are compared to fill it.

Laws: a pair has one row, the lesser name first; what people decided is never undone by the job,
which only keeps its score fresh. Scores are in 1/10 000, times microseconds since the epoch.
"""

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Final

import msgspec

from exchange.messages.bounds import STORED_MAX
from exchange.messages.terms import MarketStatus
from persistence.journal.codes import MARKET_STATUS
from persistence.postgres.database import DeadlinePool, affected

if TYPE_CHECKING:
    from asyncpg import Record

_LIVE: Final = ["OPEN", "POST_ONLY", "HALTED"]
_OURS_LIVE: Final = [
    MARKET_STATUS[status]
    for status in (MarketStatus.OPEN, MarketStatus.POST_ONLY, MarketStatus.HALTED)
]
_STEP: Final = 1_000
_TOP: Final = (2**31 - 1, STORED_MAX)
"""Above every place: a score and an id."""

_COLUMNS: Final = (
    "id, first_platform, first_id, second_platform, second_id, score, status, found_at, decided_at"
)
_WRITE: Final = """
INSERT INTO market_matches AS m
       (first_platform, first_id, second_platform, second_id, score, found_at, seen_at)
SELECT g.*, $6, $6
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::integer[]) AS g
    ON CONFLICT (first_platform, first_id, second_platform, second_id) DO UPDATE
   SET score = excluded.score, seen_at = excluded.seen_at
"""
_FORGET: Final = "DELETE FROM market_matches WHERE status = 'CANDIDATE' AND seen_at <> $1"
_WANTED: Final = (
    "FROM market_matches WHERE status = ANY($1::text[])"
    " AND ($2::text IS NULL OR first_platform = $2 OR second_platform = $2)"
)
_PAGE: Final = (
    f"SELECT {_COLUMNS} {_WANTED} AND (score, id) < ($3::bigint, $4)"
    " ORDER BY score DESC, id DESC LIMIT $5 OFFSET $6"
)
_COUNT: Final = f"SELECT count(*) {_WANTED}"
_OF_MARKET: Final = (
    "FROM market_matches WHERE ((first_platform = $1 AND first_id = $2)"
    " OR (second_platform = $1 AND second_id = $2)) AND status <> 'DENIED'"
)
_PAGE_OF_MARKET: Final = (
    f"SELECT {_COLUMNS} {_OF_MARKET} AND (score, id) < ($3::bigint, $4)"
    " ORDER BY score DESC, id DESC LIMIT $5 OFFSET $6"
)
_COUNT_OF_MARKET: Final = f"SELECT count(*) {_OF_MARKET}"
_DECIDE: Final = (
    "UPDATE market_matches SET status = $2, decided_at = $3 WHERE id = $1"  # noqa: S608 - a constant
    f" RETURNING {_COLUMNS}"
)
_VENUE_IDS: Final = """
SELECT id FROM venue_markets WHERE platform = ANY($1::text[]) AND status = ANY($2::text[])
 ORDER BY volume DESC, id DESC LIMIT $3
"""
_OURS: Final = """
SELECT id, question, close_time FROM markets WHERE status = ANY($1::smallint[])
 ORDER BY id DESC LIMIT $2
"""


class MatchStatus(Enum):
    """What is known of a pair: found by likeness alone, or decided by an admin."""

    CANDIDATE = "CANDIDATE"
    CONFIRMED = "CONFIRMED"
    DENIED = "DENIED"


class NewMatch(msgspec.Struct, frozen=True):
    """A pair that was found, the lesser name first."""

    first: tuple[str, str]
    second: tuple[str, str]
    score: int


class Match(NewMatch, frozen=True):
    """A pair, and what was decided of it."""

    id: int
    status: MatchStatus
    found_at: int
    decided_at: int | None


class MatchFilter(msgspec.Struct, frozen=True):
    """Which matches are wanted."""

    statuses: tuple[MatchStatus, ...]
    platform: str | None = None


class OurQuestion(msgspec.Struct, frozen=True):
    """What one of our markets asks, and when it closes."""

    id: int
    question: str
    close_time: int


class Matches:
    """Reads and writes matches."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def replace(self, found: Sequence[NewMatch], at: int) -> int:
        """Make these the candidates as of `at`; decisions stay. Return how many went.

        Written in steps, so a run that ends in the middle leaves what was there beside what is new.
        """
        for start in range(0, len(found), _STEP):
            part = found[start : start + _STEP]
            await self._pool.execute(
                _WRITE,
                [one.first[0] for one in part],
                [one.first[1] for one in part],
                [one.second[0] for one in part],
                [one.second[1] for one in part],
                [one.score for one in part],
                at,
            )
        return affected(await self._pool.execute(_FORGET, at))

    async def page(
        self, wanted: MatchFilter, limit: int, offset: int, before: tuple[int, int] | None
    ) -> list[Match]:
        """Return matches below the place (score, id), the likeliest first."""
        which = [one.value for one in wanted.statuses], wanted.platform
        rows = await self._pool.fetch(_PAGE, *which, *(before or _TOP), limit, offset)
        return [_match(row) for row in rows]

    async def count(self, wanted: MatchFilter) -> int:
        """Return how many there are in all."""
        statuses = [one.value for one in wanted.statuses]
        count: int = await self._pool.fetchval(_COUNT, statuses, wanted.platform)
        return count

    async def page_of_market(
        self,
        platform: str,
        external_id: str,
        limit: int,
        offset: int,
        before: tuple[int, int] | None,
    ) -> tuple[list[Match], int]:
        """Return a market's matches that weren't denied, as `page` does, and how many in all."""
        market = platform, external_id
        rows = await self._pool.fetch(_PAGE_OF_MARKET, *market, *(before or _TOP), limit, offset)
        total = await self._pool.fetchval(_COUNT_OF_MARKET, *market)
        return [_match(row) for row in rows], total

    async def decide(self, match_id: int, status: MatchStatus, at: int) -> Match | None:
        """Note a decision and return the match; CANDIDATE takes one back."""
        decided_at = None if status is MatchStatus.CANDIDATE else at
        row = await self._pool.fetchrow(_DECIDE, match_id, status.value, decided_at)
        return None if row is None else _match(row)

    async def live_ids(self, platforms: Sequence[str], limit: int) -> list[int]:
        """Return the ids of venues' markets that trade, the most traded first."""
        rows = await self._pool.fetch(_VENUE_IDS, list(platforms), _LIVE, limit)
        return [row["id"] for row in rows]

    async def our_questions(self, limit: int) -> list[OurQuestion]:
        """Return what our markets that trade ask, the newest first."""
        rows = await self._pool.fetch(_OURS, _OURS_LIVE, limit)
        return [OurQuestion(*row) for row in rows]


def _match(row: "Record") -> Match:
    number, one, name, other, its_name, score, status, found_at, decided_at = row.values()
    return Match(
        (one, name), (other, its_name), score, number, MatchStatus(status), found_at, decided_at
    )
