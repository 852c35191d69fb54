"""The catalogue: a page of a venue's markets goes in, what is new of it is written.

    page -> encoded and hashed (thread) -> which hashes are known? (one query)
         -> the others made into rows (thread) -> written in bulk -> all of them seen

Laws: an unchanged market rewrites no row; when a venue says it was so, and when we saw it, are kept
apart and are no change. What computes runs in a thread, in steps of `STEP` markets, so the event
loop waits for the interpreter a few milliseconds at most. A market or an event that can't be stored
is counted and left out, and the rest of its page goes in: where PostgreSQL refuses a step, halves
of it are tried until the one is found.
"""

import asyncio
import hashlib
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

import asyncpg
import msgspec

from gateway.feeds.model import MarketsPage, VenueEvent, VenueMarket
from gateway.feeds.words import fold, forms_of_all, vector
from gateway.observability.logs import Logger
from gateway.observability.metrics import CatalogueMetrics
from persistence.repositories.feeds.events import NewEvent, VenueEvents
from persistence.repositories.feeds.markets import NEVER, UNKNOWN, NewMarket, VenueMarkets
from persistence.repositories.feeds.words import SearchWords

STEP: Final = 250
RAW_LENGTH: Final = 256 * 1024
"""A venue's object that is longer isn't kept; its market is."""
EXTERNAL_ID_LENGTH: Final = 200
SLUG_LENGTH: Final = 255
_AMOUNT_MAX: Final = 2**62
_DIGITS_MAX: Final = 12
"""Of an amount before its point; a larger one is sorted as the largest."""
_TIME_MAX: Final = 2**61
_WORDS_KNOWN_MAX: Final = 200_000
WORDS_KNOWN_S: Final = 1_200.0
"""So long a process remembers which words are written; those that no text has any more go later."""
_MICRO: Final = Decimal(1_000_000)

_encode: Final = msgspec.msgpack.Encoder(decimal_format="string").encode
_decode_market: Final = msgspec.msgpack.Decoder(VenueMarket).decode
_decode_event: Final = msgspec.msgpack.Decoder(VenueEvent).decode


class Stored(msgspec.Struct, frozen=True):
    """What came of a page."""

    seen: int
    inserted: int
    changed: int
    refused: Mapping[str, int]
    """How many of each reason."""


class _Encoded(msgspec.Struct, frozen=True, gc=False):
    market: VenueMarket
    raw: bytes | None
    record: bytes
    hash: bytes


class Catalogue:
    """Writes what venues list."""

    def __init__(
        self,
        markets: VenueMarkets,
        events: VenueEvents,
        words: SearchWords,
        metrics: CatalogueMetrics,
        logger: Logger,
    ) -> None:
        self._markets = markets
        self._events = events
        self._words = words
        self._metrics = metrics
        self._logger = logger
        self._known_words: set[str] = set()
        self._known_until = 0.0
        self._said: set[tuple[str, str]] = set()

    async def store(self, platform: str, page: MarketsPage, asked_at: int) -> Stored:
        """Write a page that was asked for at a time.

        Raises what the database does while it is away.
        """
        refused: Counter[str] = Counter()
        for external_id, reason in page.refused:
            self._refuse(refused, platform, reason, external_id)
        seen = inserted = changed = 0
        raws = page.raw if len(page.raw) == len(page.markets) else (None,) * len(page.markets)
        # Of a market that a page has twice, the later one.
        pairs = {m.external_id: (m, raw) for m, raw in zip(page.markets, raws, strict=True)}
        every = list(pairs.values())
        for start in range(0, len(every), STEP):
            part = every[start : start + STEP]
            encoded, wrong = await asyncio.to_thread(_encode_all, platform, part)
            for external_id, reason in wrong:
                self._refuse(refused, platform, reason, external_id)
            counts = await self._store_step(platform, encoded, asked_at, refused)
            seen, inserted, changed = seen + counts[0], inserted + counts[1], changed + counts[2]
        if page.events:
            rows, wrong = await asyncio.to_thread(_event_rows, platform, page.events)
            for external_id, reason in wrong:
                self._refuse(refused, platform, reason, external_id)
            await self._write_events(platform, rows, asked_at, refused)
        return Stored(seen, inserted, changed, refused)

    async def _store_step(
        self, platform: str, encoded: Sequence[_Encoded], asked_at: int, refused: Counter[str]
    ) -> tuple[int, int, int]:
        """Return (seen, inserted, changed)."""
        if not encoded:
            return 0, 0, 0
        known = await self._markets.known(platform, [one.market.external_id for one in encoded])
        fresh = [
            one
            for one in encoded
            if (stored := known.get(one.market.external_id)) is None or stored[1] != one.hash
        ]
        inserted, written = 0, {name: number for name, (number, _) in known.items()}
        changed = 0
        if fresh:
            rows, words = await asyncio.to_thread(_rows, fresh, asked_at)
            await self._learn(words)
            for row_ids, count in await self._write(platform, rows, asked_at, refused):
                written |= row_ids
                inserted += count
                changed += len(row_ids) - count
        sightings = [
            (written[one.market.external_id], one.market.venue_at)
            for one in encoded
            if one.market.external_id in written
        ]
        await self._markets.seen(sightings, asked_at)
        return len(sightings), inserted, changed

    async def _write(
        self, platform: str, rows: Sequence[NewMarket], asked_at: int, refused: Counter[str]
    ) -> list[tuple[dict[str, int], int]]:
        try:
            written = await self._markets.write(platform, rows, asked_at)
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            if len(rows) == 1:
                self._refuse(
                    refused, platform, "database", f"{rows[0].external_id} {type(error).__name__}"
                )
                return []
            middle = len(rows) // 2
            halves = (rows[:middle], rows[middle:])
            return [
                one
                for half in halves
                for one in await self._write(platform, half, asked_at, refused)
            ]
        return [(written.ids, written.inserted)]

    async def _write_events(
        self, platform: str, rows: Sequence[NewEvent], asked_at: int, refused: Counter[str]
    ) -> None:
        try:
            await self._events.write(platform, rows, asked_at)
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            if len(rows) == 1:
                what = f"{rows[0].external_id} {type(error).__name__}"
                self._refuse(refused, platform, "event_database", what)
                return
            middle = len(rows) // 2
            for half in (rows[:middle], rows[middle:]):
                await self._write_events(platform, half, asked_at, refused)

    async def _learn(self, words: frozenset[str]) -> None:
        """Make words findable in spite of a wrong letter, each once in a while."""
        if (now := time.monotonic()) >= self._known_until:
            self._known_words.clear()
            self._known_until = now + WORDS_KNOWN_S
        new = words - self._known_words
        if not new:
            return
        pairs = await asyncio.to_thread(forms_of_all, sorted(new))
        await self._words.add(pairs)
        if len(self._known_words) + len(new) > _WORDS_KNOWN_MAX:
            self._known_words.clear()
        self._known_words |= new

    def _refuse(self, refused: Counter[str], platform: str, reason: str, what: str) -> None:
        refused[reason] += 1
        self._metrics.refused(platform, reason)
        if (platform, reason) not in self._said:
            self._said.add((platform, reason))
            self._logger.warning(
                "what a venue lists has no form here",
                platform=platform,
                reason=reason,
                example=what[:EXTERNAL_ID_LENGTH],
            )


def market_of(record: bytes, venue_at: int | None) -> VenueMarket:
    """Return the market of a stored record."""
    return msgspec.structs.replace(_decode_market(record), venue_at=venue_at)


def event_of(record: bytes) -> VenueEvent:
    """Return the event of a stored record."""
    return _decode_event(record)


def raw_of(stored: bytes) -> bytes:
    """Return a venue's own JSON."""
    return zlib.decompressobj().decompress(stored, RAW_LENGTH)


def category_key(category: str) -> str:
    """Return what makes two categories the same: letters whatever their case, and one blank."""
    return " ".join(fold(category).split())[:64]


def _encode_all(
    platform: str, pairs: Iterable[tuple[VenueMarket, bytes | None]]
) -> tuple[list[_Encoded], list[tuple[str, str]]]:
    """Return what can be stored, and (external id, reason) of what can't."""
    encoded: list[_Encoded] = []
    wrong: list[tuple[str, str]] = []
    for market, raw in pairs:
        reason = _problem(platform, market)
        if reason is None:
            try:
                record = _encode(msgspec.structs.replace(market, venue_at=None))
            except (msgspec.EncodeError, TypeError, ValueError, OverflowError):
                reason = "encoding"
            else:
                digest = hashlib.blake2b(record, digest_size=16).digest()
                encoded.append(_Encoded(market, raw, record, digest))
        if reason is not None:
            wrong.append((market.external_id, reason))
    return encoded, wrong


def _problem(platform: str, market: VenueMarket) -> str | None:
    if market.platform != platform:
        return "platform"
    if not _is_id(market.external_id):
        return "id"
    texts = (market.question, market.slug, market.category, market.event_id)
    return None if all(map(_is_storable, texts)) else "text"


def _event_problem(platform: str, event: VenueEvent) -> str | None:
    if event.platform != platform:
        return "event_platform"
    if not _is_id(event.external_id):
        return "event_id"
    return None if all(map(_is_storable, (event.slug, event.category))) else "event_text"


def _is_id(name: str) -> bool:
    return 0 < len(name) <= EXTERNAL_ID_LENGTH and name.isprintable() and "/" not in name


def _is_storable(text: str | None) -> bool:
    return text is None or not ("\x00" in text or _has_surrogate(text))


def _has_surrogate(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text)


def _rows(encoded: Iterable[_Encoded], now: int) -> tuple[list[NewMarket], frozenset[str]]:
    rows: list[NewMarket] = []
    words: set[str] = set()
    for one in encoded:
        market = one.market
        search, found = vector(
            (
                ("A", market.question),
                ("B", f"{market.event_title or ''} {' '.join(market.outcomes)}"),
                ("C", f"{market.category} {' '.join(market.tags)} {market.slug or ''}"),
                ("D", market.description),
            )
        )
        words |= found
        slug = market.slug
        raw = one.raw if one.raw is not None and len(one.raw) <= RAW_LENGTH else None
        rows.append(
            NewMarket(
                external_id=market.external_id,
                slug=None if slug is None or len(slug) > SLUG_LENGTH else slug,
                status=market.status.value,
                category=market.category[:64],
                category_key=category_key(market.category),
                event_id=None if market.event_id is None else market.event_id[:200],
                created_at=_time(market.created_at, now),
                close_time=_time(market.close_time, NEVER),
                volume_24h=amount(market.volume_24h),
                volume=amount(market.volume_total),
                liquidity=amount(market.liquidity),
                hash=one.hash,
                record=one.record,
                raw=None if raw is None else zlib.compress(raw, 3),
                search=search,
            )
        )
    return rows, frozenset(words)


def _event_rows(
    platform: str, events: Iterable[VenueEvent]
) -> tuple[list[NewEvent], list[tuple[str, str]]]:
    """Return what can be stored, and (external id, reason) of what can't."""
    rows: dict[str, NewEvent] = {}
    wrong: list[tuple[str, str]] = []
    for event in events:
        name = event.external_id
        if (reason := _event_problem(platform, event)) is not None:
            wrong.append((name, reason))
            continue
        try:
            record = _encode(msgspec.structs.replace(event, venue_at=None))
        except (msgspec.EncodeError, TypeError, ValueError, OverflowError):
            wrong.append((name, "event_encoding"))
            continue
        slug = event.slug
        rows[name] = NewEvent(
            external_id=name,
            slug=None if slug is None or len(slug) > SLUG_LENGTH else slug,
            category_key=category_key(event.category),
            close_time=_time(event.close_time, NEVER),
            hash=hashlib.blake2b(record, digest_size=16).digest(),
            record=record,
        )
    return list(rows.values()), wrong


def amount(value: Decimal | None) -> int:
    """Return micro-units for sorting, `UNKNOWN` for None and for what is no amount."""
    if value is None or not value.is_finite() or value < 0:
        return UNKNOWN
    # Compared before it is scaled: an exponent may be of any size.
    return _AMOUNT_MAX if value.adjusted() > _DIGITS_MAX else min(int(value * _MICRO), _AMOUNT_MAX)


def _time(at: int | None, otherwise: int) -> int:
    return otherwise if at is None or not 0 <= at < _TIME_MAX else at
