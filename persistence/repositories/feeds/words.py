"""Searching the venues' markets by words: ranked, by prefix, and in spite of a wrong letter.

A word of a question that no market has is taken for misspelt; those one letter away are looked up
by what is left of each with one letter taken out, which two words share if one letter was changed,
added, left out or swapped with its neighbour. (Symmetric deletion, W. Garbe's SymSpell: a lookup of
a few keys; docs/decisions/0014.)

Laws: a tier is worth more than any rank within it: 3 all words whole in the question, 2 all of them
as beginnings there, 1 anywhere, 0 by words that are only alike. Of very many matches the most
traded `RANKED_MAX` are ranked, and there are no others. How a search is done best depends on how
common its words are, so it is planned each time: a plan for any words took five times as long.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final

import msgspec

from persistence.postgres.database import DeadlinePool
from persistence.repositories.feeds.listing import fetch_planned

RANKED_MAX: Final = 500
_ALIKE_MAX: Final = 8
_STEP: Final = 5_000

# In order, so that two who add the same words wait for each other and never in a circle.
_ADD: Final = """
WITH new AS (INSERT INTO search_words SELECT DISTINCT unnest($1::text[]) COLLATE "C" ORDER BY 1
                 ON CONFLICT DO NOTHING RETURNING word)
INSERT INTO search_forms (form, word)
SELECT g.form, g.word FROM unnest($2::text[], $3::text[]) AS g(form, word)
  JOIN new ON new.word = g.word COLLATE "C"
    ON CONFLICT DO NOTHING
"""
_UNKNOWN: Final = """
SELECT asked FROM unnest($1::text[]) AS asked
 WHERE NOT EXISTS (SELECT FROM search_words w
                    WHERE w.word >= asked COLLATE "C"
                      AND w.word < (asked || U&'\\+10FFFF') COLLATE "C")
"""
_ALIKE: Final = "SELECT DISTINCT word FROM search_forms WHERE form = ANY($1) LIMIT $2"
_SEARCH: Final = """
WITH matched AS MATERIALIZED (
    SELECT t.market_id, t.search, m.volume
      FROM venue_texts t JOIN venue_markets m ON m.id = t.market_id
     WHERE t.search @@ $1::text::tsquery AND ($4::text[] IS NULL OR m.platform = ANY($4))
       AND ($5::text[] IS NULL OR m.status = ANY($5))
     ORDER BY m.volume DESC LIMIT $6
)
SELECT count(*) OVER (), market_id,
       CASE WHEN $7 THEN 0 WHEN search @@ $2::text::tsquery THEN 3
            WHEN search @@ $3::text::tsquery THEN 2 ELSE 1 END AS tier,
       ts_rank('{0.05, 0.2, 0.4, 1.0}', search, $1::text::tsquery, 1) AS rank
  FROM matched ORDER BY tier DESC, rank DESC, volume DESC, market_id DESC LIMIT $8
"""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What is searched for, each a tsquery's text."""

    anywhere: str
    whole: str
    beginnings: str
    is_guess: bool
    """Whether a word was replaced by words like it."""


class Found(msgspec.Struct, frozen=True):
    """A market that was found."""

    market_id: int
    tier: int
    rank: float


class SearchWords:
    """Reads and writes the words of the venues' markets."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def add(self, forms: Iterable[tuple[str, str]]) -> None:
        """Add words: (what is left of it, word) for each form of each, the word itself included.

        Those of a word stand one behind another: they are written with it, in one statement.
        """
        part: list[tuple[str, str]] = []
        for _, of_word in groupby(forms, key=itemgetter(1)):
            part += of_word
            if len(part) >= _STEP:
                await self._add(part)
                part = []
        if part:
            await self._add(part)

    async def _add(self, pairs: Sequence[tuple[str, str]]) -> None:
        words = [word for _, word in pairs]
        await self._pool.execute(_ADD, words, [form for form, _ in pairs], words)

    async def unknown(self, words: Sequence[str]) -> list[str]:
        """Return those with which no word of any market begins."""
        return [row[0] for row in await self._pool.fetch(_UNKNOWN, list(words))]

    async def alike(self, forms: Sequence[str]) -> list[str]:
        """Return words that share one of these forms."""
        return [row[0] for row in await self._pool.fetch(_ALIKE, list(forms), 4 * _ALIKE_MAX)]

    async def search(
        self,
        terms: Terms,
        platforms: Sequence[str] | None,
        statuses: Sequence[str] | None,
        limit: int,
    ) -> tuple[list[Found], int]:
        """Return the best matches, best first, and how many there are, `RANKED_MAX` at most."""
        rows = await fetch_planned(
            self._pool,
            _SEARCH,
            terms.anywhere,
            terms.whole,
            terms.beginnings,
            None if platforms is None else list(platforms),
            None if statuses is None else list(statuses),
            RANKED_MAX,
            terms.is_guess,
            limit,
        )
        return [Found(*tuple(row)[1:]) for row in rows], rows[0][0] if rows else 0
