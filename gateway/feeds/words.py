"""Words of texts and of searches: one way to cut both, so that what is written is found.

Laws: case, accents and width are no difference; whatever isn't a letter or a digit parts words; a
word is at most `WORD_LENGTH` characters, longer ones are cut on both sides. What a text may cost is
bounded: `TEXT_LENGTH` characters of a description, `TEXT_WORDS` words in all. The vector is put
together here, since PostgreSQL's own parser takes "65-70" for a negative number and "e.g" for a
file, and its dictionaries know one language each.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final
from unicodedata import combining, normalize

from persistence.repositories.feeds.words import Terms

WORD_LENGTH: Final = 40
TEXT_LENGTH: Final = 2_000
TEXT_WORDS: Final = 600
QUERY_WORDS: Final = 10
LIKENESS_LENGTH: Final = 4
"""Shorter words are like too many others."""
_LONGEST_ALIKE: Final = 24
# Letters with a stroke are no letter and an accent to Unicode; people write them without.
_PLAIN: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "\u0131": "i", "æ": "ae", "œ": "oe"}
)
_WORD: Final = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """Return the text without what makes no difference."""
    if text.isascii():
        return text.lower()
    flat = "".join(c for c in normalize("NFKD", text) if not combining(c))
    return normalize("NFC", flat.casefold()).translate(_PLAIN)


def words_of(text: str) -> list[str]:
    """Return the words of a text, in their order."""
    return [word[:WORD_LENGTH] for word in _WORD.findall(fold(text))]


def vector(parts: Iterable[tuple[str, str]]) -> tuple[str, frozenset[str]]:
    """Return a tsvector's text, and its words; `parts` are (weight, text), the heaviest first.

    A weight is one of "ABCD". Words have no quotes and no backslashes, so none is escaped.
    """
    places: dict[str, list[str]] = {}
    position = 0
    for weight, text in parts:
        for word in words_of(text[:TEXT_LENGTH]):
            if position == TEXT_WORDS:
                break
            position += 1
            places.setdefault(word, []).append(f"{position}{weight}")
    body = " ".join(f"'{word}':{','.join(where[:16])}" for word, where in places.items())
    return body, frozenset(places)


def forms(word: str) -> list[str]:
    """Return the word and what is left with one letter taken out; none of words like too many."""
    if not LIKENESS_LENGTH <= len(word) <= _LONGEST_ALIKE or not word.isalpha():
        return []
    return list(dict.fromkeys([word, *(word[:i] + word[i + 1 :] for i in range(len(word)))]))


def forms_of_all(words: Iterable[str]) -> list[tuple[str, str]]:
    """Return (form, word) of each form of each word; a word without forms is its only one."""
    return [(form, word) for word in words for form in forms(word) or [word]]


def are_alike(one: str, other: str) -> bool:
    """Say whether one letter was changed, added, left out or swapped with its neighbour."""
    if abs(len(one) - len(other)) > 1 or one == other:
        return one == other
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    rest, rest_other = one[start:], other[start:]
    if len(one) == len(other):
        is_changed = rest[1:] == rest_other[1:]
        is_swapped = rest[:2] == rest_other[1::-1] and rest[2:] == rest_other[2:]
        return is_changed or is_swapped
    longer, shorter = sorted((rest, rest_other), key=len, reverse=True)
    return longer[1:] == shorter


def terms(words: Sequence[str], guesses: dict[str, Sequence[str]]) -> Terms:
    """Return what to search for; `guesses` are the words to look for in place of an unknown one.

    Every word must be in the text, the last one perhaps only begun (all of them may be).
    """
    anywhere = " & ".join(
        f"({' | '.join(_quoted(guess) for guess in guesses[word])})"
        if guesses.get(word)
        else f"{_quoted(word)}:*"
        for word in words
    )
    return Terms(
        anywhere=anywhere,
        whole=" & ".join(f"{_quoted(word)}:A" for word in words),
        beginnings=" & ".join(f"{_quoted(word)}:*A" for word in words),
        is_guess=any(guesses.values()),
    )


def _quoted(word: str) -> str:
    return f"'{word}'"
