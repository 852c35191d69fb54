"""What of the feed is over and concerns nobody any more: found and deleted step by step.

Laws: a step looks at a bounded number of rows from a place on and says where the next one begins;
whoever holds, watches or was shown a market keeps it (a position, a watchlist, a look, a snapshot,
a candle of a minute or an hour, a decision that it matches another), all of which have an end or an
owner; candles of a day keep none and go with their market. An event stays as long as one of its
markets does.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from persistence.postgres.database import DeadlinePool
from persistence.repositories.feeds.snapshots import DAY

_MARKETS: Final = f"""
WITH looked AS MATERIALIZED (
    SELECT id, platform, external_id, status, changed_at FROM venue_markets
     WHERE id > $1 ORDER BY id LIMIT $2
), over AS (
    SELECT l.* FROM looked l
     WHERE l.changed_at < $3
       AND (l.status IN ('RESOLVED', 'VOID')
            OR EXISTS (SELECT FROM venue_sightings s, unnest($4::text[], $5::bigint[]) AS g(p, at)
                        WHERE s.market_id = l.id AND g.p = l.platform AND s.seen_at < g.at))
), gone AS (
    DELETE FROM venue_markets d USING over l
     WHERE d.id = l.id AND d.status = l.status AND d.changed_at = l.changed_at
       AND NOT EXISTS (SELECT FROM watchlist_items w
                        WHERE w.platform = l.platform AND w.external_id = l.external_id)
       AND NOT EXISTS (SELECT FROM portfolio_positions p
                        WHERE p.platform = l.platform AND p.external_id = l.external_id)
       AND NOT EXISTS (SELECT FROM venue_watches v WHERE v.market_id = l.id)
       AND NOT EXISTS (SELECT FROM market_snapshots s WHERE s.market_id = l.id)
       AND NOT EXISTS (SELECT FROM snapshot_candles c
                        WHERE c.market_id = l.id AND c.seconds < {DAY})
       AND NOT EXISTS (SELECT FROM market_matches m WHERE m.status <> 'CANDIDATE'
                          AND m.first_platform = l.platform AND m.first_id = l.external_id)
       AND NOT EXISTS (SELECT FROM market_matches m WHERE m.status <> 'CANDIDATE'
                          AND m.second_platform = l.platform AND m.second_id = l.external_id)
    RETURNING d.id
), candles AS (
    DELETE FROM snapshot_candles c USING gone WHERE c.market_id = gone.id
)
SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM looked), (SELECT max(id) FROM looked)
"""  # noqa: S608 - constants
_EVENTS: Final = """
WITH looked AS MATERIALIZED (
    SELECT id, platform, external_id, changed_at FROM venue_events
     WHERE id > $1 ORDER BY id LIMIT $2
), gone AS (
    DELETE FROM venue_events d USING looked l
     WHERE d.id = l.id AND d.changed_at < $3 AND l.changed_at < $3
       AND NOT EXISTS (SELECT FROM venue_markets m
                        WHERE m.platform = l.platform AND m.event_id = l.external_id)
    RETURNING d.id
)
SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM looked), (SELECT max(id) FROM looked)
"""
# Words have no quotes and no backslashes (`gateway/feeds/words.py`).
_USED: Final = """
EXISTS (SELECT FROM venue_texts t WHERE t.search @@ ('''' || w.word || '''')::tsquery)
"""
_UNUSED_WORDS: Final = f"""
WITH looked AS MATERIALIZED (
    SELECT word FROM search_words WHERE word > $1 COLLATE "C" ORDER BY word LIMIT $2
)
SELECT (SELECT count(*) FROM looked), (SELECT max(word) FROM looked),
       ARRAY(SELECT w.word FROM looked w WHERE NOT {_USED})
"""  # noqa: S608 - constants
_DELETE_WORDS: Final = f"""
DELETE FROM search_words w WHERE w.word = ANY($1::text[]) AND NOT {_USED} RETURNING w.word
"""  # noqa: S608 - constants


class Step(msgspec.Struct, frozen=True):
    """What a step did, and where the next one begins (None: there is nothing further)."""

    gone: int
    next_after: int | None


class WordStep(msgspec.Struct, frozen=True):
    """Words that no text has, and where the next step begins (None: there is nothing further)."""

    unused: list[str]
    next_after: str | None


class FeedRetention:
    """Deletes what concerns nobody any more."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def prune_markets(
        self, after: int, before: int, unseen: Mapping[str, int], limit: int
    ) -> Step:
        """Delete markets that didn't change since `before` and are over; looks at `limit` rows.

        Over is what ended, and what wasn't seen since the time that `unseen` has for its platform.
        """
        platforms, times = list(unseen), list(unseen.values())
        return await self._prune(_MARKETS, after, limit, before, platforms, times)

    async def prune_events(self, after: int, before: int, limit: int) -> Step:
        """Delete events that no market is of and that didn't change since `before`."""
        return await self._prune(_EVENTS, after, limit, before)

    async def _prune(self, statement: str, after: int, limit: int, *more: object) -> Step:
        row = await self._pool.fetchrow(statement, after, limit, *more)
        if row is None:
            return Step(0, None)
        gone, looked, last = row
        return Step(gone, last if looked == limit else None)

    async def unused_words(self, after: str, limit: int) -> WordStep:
        """Return which of the next `limit` words no text has."""
        row = await self._pool.fetchrow(_UNUSED_WORDS, after, limit)
        if row is None:
            return WordStep([], None)
        looked, last, unused = row
        return WordStep(list(unused), last if looked == limit else None)

    async def delete_words(self, words: Sequence[str]) -> int:
        """Delete those of these that no text has, with their forms; return how many went."""
        return len(await self._pool.fetch(_DELETE_WORDS, list(words)))
