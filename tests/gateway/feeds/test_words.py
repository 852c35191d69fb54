"""Words: what makes no difference, what is alike, and what a text may cost."""

import asyncio
from random import Random

import pytest

from gateway.feeds.words import (
    TEXT_WORDS,
    WORD_LENGTH,
    are_alike,
    fold,
    forms,
    terms,
    vector,
    words_of,
)
from tests.gateway.feeds.conftest import Store
from tests.measured import computing


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Will it rain?", ["will", "it", "rain"]),
        ("65-70°F in St. John's", ["65", "70", "f", "in", "st", "john", "s"]),
        ("ÉLECTION Zürich Tromsø Łódź straße", ["election", "zurich", "tromso", "lodz", "strasse"]),
        ("ＢＴＣ ①", ["btc", "1"]),
        ("a_b 'c' \\d & | ! : * ( ) <->", ["a", "b", "c", "d"]),
        ("🙂 \u0301\u0301", []),
        ("x" * 100, ["x" * WORD_LENGTH]),
    ],
)
def test_words_of_a_text(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def edits(word: str, random: Random) -> str:
    """The word with one letter changed, added, left out, or swapped with its neighbour."""
    place = random.randrange(len(word) - 1)
    letter = random.choice("abcdefghij")
    return random.choice(
        [
            word[:place] + letter + word[place + 1 :],
            word[:place] + letter + word[place:],
            word[:place] + word[place + 1 :],
            word[:place] + word[place + 1] + word[place] + word[place + 2 :],
        ]
    )


def test_one_wrong_letter_is_found_by_a_shared_form_and_two_are_not_alike() -> None:
    random = Random(5)
    for _ in range(2_000):
        word = "".join(random.choices("abcdefghij", k=random.randrange(5, 12)))
        other = edits(word, random)
        assert are_alike(word, other)
        assert are_alike(other, word)
        if len(other) >= 4:
            assert {*forms(word)} & {*forms(other)}
    for one, other in (("abcdef", "badcfe"), ("abcd", "abxy"), ("abcd", "abcdef"), ("", "ab")):
        assert not are_alike(one, other)


def test_a_vector_weighs_and_bounds_its_words() -> None:
    text, words = vector((("A", "Rain or rain?"), ("D", "or snow")))
    assert text == "'rain':1A,3A 'or':2A,4D 'snow':5D"
    assert words == {"rain", "or", "snow"}
    with computing() as took:
        text, words = vector((("A", "w " * 10_000), ("D", " ".join(map(str, range(10_000))))))
    assert len(words) <= TEXT_WORDS
    assert took.seconds < 0.1
    assert vector(()) == ("", frozenset())


def test_terms_hold_no_more_than_words() -> None:
    found = terms(["rain", "snwo"], {"snwo": ["snow", "snows"]})
    assert found.anywhere == "'rain':* & ('snow' | 'snows')"
    assert found.is_guess
    assert not terms(["rain"], {}).is_guess


def test_folding_is_quick_on_long_texts_of_marks() -> None:
    with computing() as took:
        assert fold("e" + "\u0301" * 100_000) == "e"
    assert took.seconds < 1


async def test_venues_may_learn_the_same_words_at_once(store: Store) -> None:
    """Each locks the words it adds until its statement ends, so all must do so in one order."""
    randomness = Random(5)
    plain = [f"word{number:04}" for number in range(1_500)]
    for _ in range(6):
        shuffled = [randomness.sample(plain, count) for count in (1_500, 1_100, 600, 250)]
        await asyncio.gather(
            *(store.words.add([(word, word) for word in words]) for words in shuffled)
        )
        assert await store.pool.fetchval("SELECT count(*) FROM search_forms") == len(plain)
        await store.pool.execute("DELETE FROM search_words")
