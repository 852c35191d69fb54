"""One invented question, and everything about it as a function of time.

Laws: nothing is remembered: a price, a book, a print are computed from the question's number and
the time, so every process of an exchange shows the same, before and after a restart. A question is
asked again and again: each *round* of it is a market that closes at its end and is resolved
`RESOLVED_S` later, by where its price stood. Every text says that it is a sample.
"""

import hashlib
import math
from decimal import Decimal
from typing import Final

import msgspec

from exchange.messages.terms import Resolution
from gateway.feeds.model import (
    Levels,
    ListedStatus,
    PricePoint,
    TakenSide,
    VenueBook,
    VenueCandle,
    VenueMarket,
    VenueTrade,
)
from persistence.clock import MICROSECONDS

PLATFORM: Final = "sample"
STEP_S: Final = 5
"""A price holds for so long; once in each step somebody trades."""
RESOLVED_S: Final = 120
_LEVELS: Final = 8
_TICK: Final = 100
_LOWEST: Final = 300
_HIGHEST: Final = 9_700
_HALF: Final = 5_000
_CREDIT: Final = 10_000


class Question(msgspec.Struct, frozen=True):
    """What is asked, again every `period_s` seconds."""

    number: int
    category: str
    text: str
    period_s: int
    tags: tuple[str, ...] = ()
    event: tuple[str, str] | None = None
    """(id, title) of the event it belongs to."""

    def round_at(self, at_s: float) -> int:
        """Return which round goes on at a time in seconds since the epoch."""
        return int((at_s + self.shift) // self.period_s)

    @property
    def shift(self) -> int:
        """Return by how many seconds its rounds end earlier, so that not all end at once."""
        return self.number * 97 % self.period_s


class SampleMarket:
    """One round of a question."""

    def __init__(self, question: Question, round_no: int) -> None:
        self.question = question
        self.round_no = round_no
        self.external_id: Final = f"{question.number}-{round_no}"
        self.close_s: Final = (round_no + 1) * question.period_s - question.shift
        self.open_s: Final = self.close_s - question.period_s
        self._seed = hashlib.blake2b(self.external_id.encode(), digest_size=16).digest()

    def price(self, at_s: float) -> int:
        """Return what YES is worth, a multiple of the tick; the same for all of a step."""
        step = int(max(self.open_s, min(at_s, self.close_s - 1)) // STEP_S)
        wave = 0.0
        for part, length in enumerate((40, 133, 421)):
            phase = self._seed[part] / 255 * math.tau
            wave += math.sin(step / length * math.tau + phase) / (part + 1.5)
        drift = (
            (self._seed[7] / 255 - 0.5) * 2 * (step * STEP_S - self.open_s) / self.question.period_s
        )
        noise = (self._chance(step, 0) - 0.5) / 4
        price = _HALF + int((wave / 1.6 + drift + noise) * _HALF * 0.7)
        return max(_LOWEST, min(_HIGHEST, price // _TICK * _TICK))

    def market(self, at_s: float) -> VenueMarket:
        """Return the market as it is at a time."""
        question, status = self.question, self.status(at_s)
        is_open = status is ListedStatus.OPEN
        bids, asks = self.levels(at_s)
        traded = self._traded(at_s)
        ended = self.price(self.close_s - 1) >= _HALF
        is_resolved = status is ListedStatus.RESOLVED
        number = self.round_no % 10_000
        return VenueMarket(
            platform=PLATFORM,
            external_id=self.external_id,
            question=f"[Sample] {question.text} (round {number})",
            slug=f"sample-{question.number}-{number}",
            description=(
                "Sample data: an invented question with invented prices, for a demonstration. "
                "Nothing here is a forecast, and nobody trades it."
            ),
            category=question.category,
            tags=("sample", *question.tags),
            event_id=None if question.event is None else question.event[0],
            event_title=None if question.event is None else f"[Sample] {question.event[1]}",
            status=status,
            close_time=self.close_s * MICROSECONDS,
            created_at=self.open_s * MICROSECONDS,
            resolved_at=(self.close_s + RESOLVED_S) * MICROSECONDS if is_resolved else None,
            resolution=(Resolution.YES if ended else Resolution.NO) if is_resolved else None,
            yes_price=None if is_resolved else self.price(at_s),
            best_bid=bids[0][0] if is_open else None,
            best_ask=asks[0][0] if is_open else None,
            bid_quantity=bids[0][1] if is_open else None,
            ask_quantity=asks[0][1] if is_open else None,
            last_price=self.price(at_s),
            tick_size=_TICK,
            min_quantity=100,
            volume_24h=Decimal(traded),
            volume_total=Decimal(traded),
            liquidity=Decimal(sum(q * p for p, q in bids) // (100 * _CREDIT)),
            currency="SAMPLE",
            open_interest=traded * 50,
            stream_keys=(self.external_id,),
            venue_at=int(at_s // STEP_S * STEP_S) * MICROSECONDS,
        )

    def status(self, at_s: float) -> ListedStatus:
        """Return where in its life it is."""
        if at_s < self.close_s:
            return ListedStatus.OPEN
        if at_s < self.close_s + RESOLVED_S:
            return ListedStatus.CLOSED
        return ListedStatus.RESOLVED

    def levels(self, at_s: float) -> tuple[Levels, Levels]:
        """Return (bids, asks), best first."""
        if at_s >= self.close_s:
            at_s = self.close_s - 1
        middle, step = self.price(at_s), int(at_s // STEP_S)
        gap = _TICK if self._chance(step, 1) < 1 / 2 else 2 * _TICK
        bids = tuple(
            (middle - depth * _TICK, self._size(step, depth))
            for depth in range(_LEVELS)
            if middle - depth * _TICK > 0
        )
        asks = tuple(
            (middle + gap + depth * _TICK, self._size(step, 32 + depth))
            for depth in range(_LEVELS)
            if middle + gap + depth * _TICK < _CREDIT
        )
        return bids, asks

    def book(self, at_s: float) -> VenueBook:
        """Return the book; empty once it is closed."""
        is_open = self.status(at_s) is ListedStatus.OPEN
        bids, asks = self.levels(at_s) if is_open else ((), ())
        step = int(at_s // STEP_S)
        return VenueBook(
            platform=PLATFORM,
            external_id=self.external_id,
            bids=bids,
            asks=asks,
            venue_seq=str(step),
            venue_at=step * STEP_S * MICROSECONDS,
        )

    def trade(self, step: int) -> VenueTrade:
        """Return the print of a step."""
        return VenueTrade(
            platform=PLATFORM,
            external_id=self.external_id,
            trade_id=f"{self.external_id}-{step}",
            yes_price=self.price(step * STEP_S),
            quantity=self._size(step, 64),
            taken=TakenSide.YES if self._chance(step, 2) < 1 / 2 else TakenSide.NO,
            venue_at=step * STEP_S * MICROSECONDS,
        )

    def trades(self, at_s: float, limit: int) -> list[VenueTrade]:
        """Return the newest prints, newest first."""
        last = int(min(at_s, self.close_s - 1) // STEP_S)
        first = -(-self.open_s // STEP_S)
        return [self.trade(step) for step in range(last, max(first, last - limit + 1) - 1, -1)]

    def history(self, start_s: float, end_s: float, interval_s: int) -> list[PricePoint]:
        """Return its prices at the interval's multiples, oldest first."""
        begin = -(-int(max(start_s, self.open_s)) // interval_s) * interval_s
        end = int(min(end_s, self.close_s - 1))
        return [
            PricePoint(at=at * MICROSECONDS, yes_price=self.price(at))
            for at in range(begin, end + 1, interval_s)
        ]

    def candles(self, start_s: float, end_s: float, interval_s: int) -> list[VenueCandle]:
        """Return its candles, oldest first."""
        begin = int(max(start_s, self.open_s)) // interval_s * interval_s
        end = int(min(end_s, self.close_s - 1))
        return [self._candle(at, interval_s, end) for at in range(begin, end + 1, interval_s)]

    def _candle(self, start_s: int, interval_s: int, end_s: int) -> VenueCandle:
        # Of a long interval as many prices as tell its form, not each of its steps.
        step = max(STEP_S, interval_s // 60)
        until = min(start_s + interval_s, end_s + 1)
        prices = [self.price(at) for at in range(start_s, until, step)]
        return VenueCandle(
            start=start_s * MICROSECONDS,
            open=prices[0],
            high=max(prices),
            low=min(prices),
            close=prices[-1],
            volume=self._size(start_s, 96) * len(prices),
        )

    def _traded(self, at_s: float) -> int:
        steps = max(0, int((min(at_s, self.close_s) - self.open_s) // STEP_S))
        return steps * (20 + self._seed[9])

    def _size(self, step: int, salt: int) -> int:
        """Return shares in hundredths: whole ones, 1 to 500."""
        return 100 * (1 + int(self._chance(step, salt) * 500))

    def _chance(self, step: int, salt: int) -> float:
        """Return a number from 0 up to 1 that is always the same for the same question."""
        text = f"{self.external_id}:{step}:{salt}".encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=4).digest(), "big") / 2**32
