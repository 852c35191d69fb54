"""How likely two questions are the same: pure functions of their words, numbers and dates.

A question becomes its words (folded, a plural's s off), the numbers in it ("$100k" is 100000), the
dates it names, and which way it points (above or below, before or after, not). Then

    text  = 2 x weight of the words that both have / (weight of the one's + weight of the other's)
    time  = 1 if both close within a day, falling to 1/2 for 30 days apart; 0.85 if one doesn't say
    score = text x time                                             in 1/10 000

where a word weighs log((N + 1) / (n + 1)) + 1 if n of all N questions have it: rare words say more.
Numbers must be the same ones, dates and directions must not contradict each other, and closings lie
at most 30 days apart: otherwise the score is 0, however alike the words are.

`find` compares what shares one of its rarest words and all of its numbers. Its time is bounded,
whatever the questions are: a word that more than `CROWD` of them share leads nowhere, no question
has more than `WORDS_MAX` words, and no more than `PAIRS_MAX` pairs are looked at, those that share
the rarest words first.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from gateway.feeds.known import MarketRef
from gateway.feeds.words import fold, words_of

SCORE_SCALE: Final = 10_000
SCORE_MIN: Final = 6_000
"""Pairs that score less are no candidates."""
CROWD: Final = 60
RAREST: Final = 5
"""So many of a question's rarest words lead to others."""
WORDS_MAX: Final = 60
PAIRS_MAX: Final = 2_000_000
PER_MARKET: Final = 5
"""Candidates of one market, the best ones."""
CANDIDATES_MAX: Final = 20_000
DAY_US: Final = 86_400_000_000
APART_US: Final = 30 * DAY_US

_TEXT_LENGTH: Final = 600
_UNKNOWN_TIME: Final = 0.85
_FILLERS: Final = (
    "a an and any are as at be been by did do does for from has have if in is it its of on or than"
    " that the their there this to was were which who whom will with would"
)
_SAYS_NOTHING: Final = frozenset(_FILLERS.split())
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "january jan",
            "february feb",
            "march mar",
            "april apr",
            "may may",
            "june jun",
            "july jul",
            "august aug",
            "september sep sept",
            "october oct",
            "november nov",
            "december dec",
        ),
        start=1,
    )
    for name in names.split()
}
_POINTS: Final = {
    word: way
    for way, names in {
        "up": "above over more higher exceed exceeds greater least rise up",
        "down": "below under less lower fewer most fall down",
        "before": "before",
        "after": "after",
    }.items()
    for word in names.split()
}
_CONTRARY: Final = ({"up", "down"}, {"before", "after"})
_NOT: Final = frozenset({"not", "never", "no", "neither", "without", "t"})
"""With the "t" that is left of "won't"."""
_SCALES: Final = {
    "k": 3,
    "thousand": 3,
    "m": 6,
    "mm": 6,
    "million": 6,
    "b": 9,
    "bn": 9,
    "billion": 9,
    "t": 12,
    "trillion": 12,
}
_NUMBER: Final = re.compile(
    r"(?<![\w.,])([0-9]{1,3}(?:,[0-9]{3}){1,5}|[0-9]{1,15})(?:\.([0-9]{1,6}))?"
    r"(?: ?(k|mm|m|bn|b|t|thousand|million|billion|trillion)(?!\w))?(?!\w)"
)
_YEAR: Final = re.compile(r"(?<![\w.,$])((?:19|20)[0-9]{2})(?![\w,]|\.[0-9])")
_ISO: Final = re.compile(r"(?<![\w-])((?:19|20)[0-9]{2})-([0-9]{2})-([0-9]{2})(?![\w-])")
_MONTH: Final = "|".join(sorted(_MONTHS, key=len, reverse=True))
_MONTH_DAY: Final = re.compile(
    rf"(?<!\w)({_MONTH})\.? ([0-9]{{1,2}})(?:st|nd|rd|th)?(?!\w|[.,][0-9])"
)
_DAY_MONTH: Final = re.compile(rf"(?<![\w.,])([0-9]{{1,2}})(?:st|nd|rd|th)? ({_MONTH})(?!\w)")
_MONTH_ALONE: Final = re.compile(rf"(?<!\w)({_MONTH})(?!\w)")


class Question(msgspec.Struct, frozen=True):
    """A market's question, and when it closes, in microseconds, if that is known."""

    ref: MarketRef
    text: str
    close_time: int | None


class Candidate(msgspec.Struct, frozen=True):
    """Two markets of different platforms, the lesser name first, and how alike they are."""

    first: MarketRef
    second: MarketRef
    score: int


class Traits(msgspec.Struct, frozen=True):
    """What of a question is compared."""

    words: frozenset[str]
    numbers: frozenset[str]
    years: frozenset[int]
    days: frozenset[tuple[int, int]]
    months: frozenset[int]
    points: frozenset[str]
    is_negated: bool


def traits(text: str) -> Traits:
    """Return what is compared of a question; of a very long one its beginning."""
    folded = fold(text[:_TEXT_LENGTH])
    years: set[int] = set()
    days: set[tuple[int, int]] = set()
    rest = folded
    for found in _ISO.finditer(folded):
        years.add(int(found[1]))
        days.add((int(found[2]), int(found[3])))
    rest = _ISO.sub(" ", rest)
    days |= {(_MONTHS[found[1]], int(found[2])) for found in _MONTH_DAY.finditer(rest)}
    rest = _MONTH_DAY.sub(" ", rest)
    days |= {(_MONTHS[found[2]], int(found[1])) for found in _DAY_MONTH.finditer(rest)}
    rest = _DAY_MONTH.sub(" ", rest)
    # "May" alone may be a verb: it is a month only beside others, or with a day.
    named = {found[1] for found in _MONTH_ALONE.finditer(rest)} - {"may"}
    months = {month for month, _ in days} | {_MONTHS[name] for name in named}
    years |= {int(found[1]) for found in _YEAR.finditer(rest)}
    rest = _YEAR.sub(" ", rest)
    numbers = {_number(found[1], found[2], found[3]) for found in _NUMBER.finditer(rest)}
    words = words_of(_NUMBER.sub(" ", rest))[:WORDS_MAX]
    # "Q1" and "2nd" are numbers as well: they tell questions apart.
    mixed = {word for word in words if any(c.isdigit() for c in word)}
    said = {_stem(word) for word in words if word not in _MONTHS or word == "may"}
    return Traits(
        frozenset(said - _SAYS_NOTHING - _NOT - _POINTS.keys() - mixed),
        frozenset(numbers | mixed),
        frozenset(years),
        frozenset(days),
        frozenset(months),
        frozenset(_POINTS[word] for word in words if word in _POINTS),
        not _NOT.isdisjoint(words),
    )


def weights(all_traits: Sequence[Traits]) -> dict[str, float]:
    """Return what each word weighs among these questions."""
    counts = Counter(word for one in all_traits for word in one.words)
    total = len(all_traits) + 1
    return {word: math.log(total / (count + 1)) + 1 for word, count in counts.items()}


def agree(one: Traits, other: Traits) -> bool:
    """Say whether numbers are the same, and neither dates nor directions contradict each other."""
    if one.numbers != other.numbers or one.is_negated is not other.is_negated:
        return False
    for mine, theirs in (
        (one.years, other.years),
        (one.days, other.days),
        (one.months, other.months),
    ):
        if mine and theirs and mine != theirs:
            return False
    return not any(
        (one.points & ways) and (other.points & ways) and one.points & ways != other.points & ways
        for ways in _CONTRARY
    )


def score(
    one: tuple[Traits, int | None], other: tuple[Traits, int | None], weigh: dict[str, float]
) -> int:
    """Return how alike two questions with their close times are, 0 to 10 000."""
    (mine, closes), (theirs, their_close) = one, other
    time = _UNKNOWN_TIME
    if closes is not None and their_close is not None:
        apart = abs(closes - their_close)
        if apart > APART_US:
            return 0
        time = 1.0 - max(0, apart - DAY_US) / (2 * (APART_US - DAY_US))
    shared = mine.words & theirs.words
    if not shared or not agree(mine, theirs):
        return 0
    both = _weight(mine.words, weigh) + _weight(theirs.words, weigh)
    return round(SCORE_SCALE * time * 2 * _weight(shared, weigh) / both)


def find(questions: Sequence[Question]) -> list[Candidate]:
    """Return the candidates among these questions, the best first; at most `CANDIDATES_MAX`.

    A question may be of one's own platform or another's; two of the same platform are never
    compared. The result depends on nothing but the questions.
    """
    every = [traits(question.text) for question in questions]
    weigh = weights(every)
    found: list[Candidate] = []
    for first, second in _pairs(questions, every, weigh):
        value = score(
            (every[first], questions[first].close_time),
            (every[second], questions[second].close_time),
            weigh,
        )
        if value >= SCORE_MIN:
            one, other = sorted((questions[first].ref, questions[second].ref))
            found.append(Candidate(one, other, value))
    return _best(found)


def _pairs(
    questions: Sequence[Question], every: Sequence[Traits], weigh: dict[str, float]
) -> Iterable[tuple[int, int]]:
    """Yield pairs of different platforms that share a rare word and all numbers, each once."""
    blocks: dict[tuple[str, frozenset[str]], list[int]] = defaultdict(list)
    for index, one in enumerate(every):
        rarest = sorted(one.words, key=lambda word: (-weigh[word], word))[:RAREST]
        for word in rarest:
            blocks[word, one.numbers].append(index)
    crowds = sorted(
        (members for members in blocks.values() if 1 < len(members) <= CROWD),
        key=lambda members: (len(members), members),
    )
    seen: set[tuple[int, int]] = set()
    looked_at = 0
    for members in crowds:
        for place, first in enumerate(members):
            for second in members[place + 1 :]:
                looked_at += 1
                if looked_at > PAIRS_MAX:
                    return
                if questions[first].ref.platform == questions[second].ref.platform:
                    continue
                if (first, second) not in seen:
                    seen.add((first, second))
                    yield first, second


def _best(found: Iterable[Candidate]) -> list[Candidate]:
    counts: Counter[MarketRef] = Counter()
    kept: list[Candidate] = []
    for one in sorted(found, key=lambda each: (-each.score, each.first, each.second)):
        if counts[one.first] < PER_MARKET and counts[one.second] < PER_MARKET:
            counts.update((one.first, one.second))
            kept.append(one)
            if len(kept) == CANDIDATES_MAX:
                break
    return kept


def _weight(words: Iterable[str], weigh: dict[str, float]) -> float:
    # In one order, so that a sum of floats is the same in every process.
    return math.fsum(weigh[word] for word in words)


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word  # noqa: PLR2004 - "gas", "was"


def _number(whole: str, fraction: str | None, scale: str | None) -> str:
    """Return the one way to write a number: "100k", "100,000" and "100000.0" are the same."""
    places = _SCALES[scale] if scale else 0
    digits = fraction or ""
    moved = whole.replace(",", "") + digits[:places].ljust(places, "0")
    rest = digits[places:].rstrip("0")
    return (moved.lstrip("0") or "0") + (f".{rest}" if rest else "")
