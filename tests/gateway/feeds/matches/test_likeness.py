"""Which questions are taken for the same: by words, numbers, dates, directions and closings."""

import random

import pytest

from gateway.feeds.known import MarketRef
from gateway.feeds.matches import likeness
from gateway.feeds.matches.likeness import (
    APART_US,
    DAY_US,
    PER_MARKET,
    SCORE_MIN,
    Question,
    find,
    score,
    traits,
    weights,
)
from tests.lengths import length
from tests.measured import computing, tries

CLOSE = 20_500 * DAY_US
NOISE = [
    "Will the Fed cut rates in March?",
    "Will Arsenal win the Premier League?",
    "Will Ethereum reach $5,000 before July?",
    "Will it snow in Oslo on December 24?",
    "Who will be the next prime minister of Japan?",
    "Will unemployment fall below 4%?",
]


def alike(one: str, other: str, apart: int = 0) -> int:
    """The score of two questions among some others."""
    texts = [traits(text) for text in (one, other, *NOISE)]
    return score((texts[0], CLOSE), (texts[1], CLOSE + apart), weights(texts))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Will Bitcoin reach $100k by December 31, 2026?", "Bitcoin reach $100,000 by Dec 31 2026"),
        ("Will Bitcoin be above $100,000.00 on 31 December?", "Bitcoin above $100K on Dec. 31st"),
        ("Will Gavin Newsom win the 2028 election?", "Gavin Newsom wins the election in 2028?"),
        ("Zürich rain on 2026-01-31?", "Will it rain in Zurich on January 31, 2026?"),
        ("Will GDP growth in Q1 be over 2.50%?", "Q1 GDP growth over 2.5%"),
        (
            "Will the US enter a recession in 2026?",
            "US enter recession in 2026?",
        ),
    ],
)
def test_the_same_question_in_other_words(one: str, other: str) -> None:
    assert alike(one, other) >= SCORE_MIN
    assert alike(one, other) == alike(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Will Bitcoin reach $100k in 2026?", "Will Bitcoin reach $110k in 2026?"),
        ("Will Bitcoin reach $100k in 2026?", "Will Bitcoin reach a record in 2026?"),
        ("Will Bitcoin reach $100k in 2026?", "Will Bitcoin reach $100k in 2027?"),
        ("Rain in Lima on January 30?", "Rain in Lima on January 31?"),
        ("Rain in Lima on January 30?", "Rain in Lima on February 30?"),
        ("Rain in Lima in January?", "Rain in Lima in February?"),
        ("Bitcoin above $100k on Friday?", "Bitcoin below $100k on Friday?"),
        ("Ceasefire before the summit?", "Ceasefire after the summit?"),
        ("Will Newsom run?", "Will Newsom not run?"),
        ("GDP growth in Q1?", "GDP growth in Q2?"),
        ("Will the 1st candidate win?", "Will the 2nd candidate win?"),
        ("Will Arsenal win the cup?", "Will it rain tomorrow?"),
        ("?", "?"),
        ("", ""),
    ],
)
def test_another_question(one: str, other: str) -> None:
    assert alike(one, other) < SCORE_MIN


def test_closings_far_apart_are_of_other_questions() -> None:
    text = "Will Gavin Newsom win?"
    scores = [alike(text, text, apart) for apart in (0, DAY_US, 10 * DAY_US, APART_US)]
    assert scores[:2] == [10_000, 10_000]
    assert scores == sorted(scores, reverse=True)
    assert scores[3] == 5_000
    assert alike(text, text, APART_US + 1) == 0
    texts = [traits(text)] * 2
    assert score((texts[0], None), (texts[1], CLOSE), weights(texts)) == 8_500


def test_a_rare_word_says_more_than_a_common_one() -> None:
    texts = ["Will Newsom win the election?", "Newsom win primary", "Harris win election"]
    every = [traits(text) for text in (*texts, *[f"Who {n} win election" for n in "abcdef"])]
    weigh = weights(every)
    by_name, by_kind = (score((every[0], None), (every[n], None), weigh) for n in (1, 2))
    assert by_name > by_kind


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("100k", {"100000"}),
        ("$1.5m and 2 billion", {"1500000", "2000000000"}),
        ("1,234,567.890", {"1234567.89"}),
        ("0.05% or 007", {"0.05", "7"}),
        ("65-70 degrees", {"65", "70"}),
        ("Q1 3rd", {"q1", "3rd"}),
        ("in 2026 on January 5", set()),
        ("2,026 seats", {"2026"}),
    ],
)
def test_numbers_are_written_in_one_way(text: str, numbers: set[str]) -> None:
    assert traits(text).numbers == numbers


def question(platform: str, number: int, text: str, close: int | None = CLOSE) -> Question:
    return Question(MarketRef(platform, f"m{number}"), text, close)


def test_candidates_are_of_different_platforms_and_in_one_order() -> None:
    questions = [
        question("kalshi", 1, "Will Gavin Newsom win the election?"),
        question("kalshi", 2, "Will Gavin Newsom win the election?"),
        question("polymarket", 1, "Gavin Newsom wins election"),
        question("exchange", 1, "Will Gavin Newsom win the election?"),
        *[question("polymarket", 10 + n, text) for n, text in enumerate(NOISE)],
    ]
    found = find(questions)
    pairs = {(one.first, one.second) for one in found}
    assert len(pairs) == len(found) == 5
    assert all(one.first < one.second for one in found)
    assert all(one.first.platform != one.second.platform for one in found)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    mixed = questions[:]
    random.Random(7).shuffle(mixed)
    assert find(mixed) == found


def test_one_market_has_so_many_candidates_at_most() -> None:
    text = "Will Gavin Newsom win the election?"
    questions = [question("kalshi", n, text) for n in range(20)]
    found = find([*questions, question("polymarket", 1, text)])
    assert len(found) == PER_MARKET


def test_what_everybody_says_leads_nowhere() -> None:
    text = "Will Gavin Newsom win the election?"
    crowd = [question(("kalshi", "polymarket")[n % 2], n, text) for n in range(likeness.CROWD + 1)]
    assert find(crowd) == []


def test_no_more_pairs_are_looked_at_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likeness, "PAIRS_MAX", 3)
    text = "Will {} win?"
    questions = [
        question(platform, n, text.format(f"name{'abcdefghij'[n]}"))
        for platform in ("kalshi", "polymarket")
        for n in range(10)
    ]
    assert len(find(questions)) == 3


WORDS = [a + b + c for a in "bdfghklmnprstv" for b in "aeiou" for c in ("ran", "lok", "mis", "ten")]


def many(count: int, seed: int = 1) -> list[Question]:
    """So many questions: a third of them has its twin on the other platform."""
    chance = random.Random(seed)
    questions = []
    for number in range(count // 2):
        names = chance.sample(WORDS, 4)
        text = f"Will {' '.join(names)} reach {chance.randrange(1, 400)} by June 2026?"
        questions.append(question("kalshi", number, text))
        if number % 3 == 0:
            text = f"{' '.join(names[::-1])} to reach {text.split(' reach ')[1]}"
        else:
            text = f"Will {' '.join(chance.sample(WORDS, 4))} reach {chance.randrange(1, 400)}?"
        questions.append(question("polymarket", number, text))
    return questions


def test_twenty_thousand_markets_take_bounded_time() -> None:
    """Compared with the same work on a tenth: the time grows as the number, not as its square."""
    small, large = many(length(500, long=2_000)), many(length(5_000, long=20_000))
    for attempt in tries():
        times = []
        for questions in (small, large):
            with computing() as took:
                found = find(questions)
            times.append(took.seconds)
            twins = {one for one in found if one.first.external_id == one.second.external_id}
            expected = len(questions) // 6
            assert len(twins) >= 0.95 * expected
        print(f"{len(large)} questions: {times[1]:.2f} s, {len(small)}: {times[0]:.2f} s")
        attempt.holds("times that of a tenth", times[1] / max(times[0], 0.01), 40)
