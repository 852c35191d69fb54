"""The passwords that are tried first: 11 611 that many people have, of at least 8 characters.

They are those of zxcvbn (MIT licence, Copyright (c) 2012-2016 Dan Wheeler and Dropbox, Inc., (c)
2016 Daniel Wolf), whose list is of passwords that have come to light. Kept as five bytes of each
one's BLAKE2b, in order, so that nobody has to read what is on it: `packed` makes `tried_first.bin`
of a list. One password in a hundred million is taken for one of them without being one.
"""

import functools
import hashlib
from bisect import bisect_left
from collections.abc import Iterable
from importlib.resources import files
from typing import Final

_BYTES: Final = 5
_PERSON: Final = b"common password"


def packed(passwords: Iterable[str]) -> bytes:
    """Return what stands for passwords in lower case."""
    return b"".join(sorted({_mark(password) for password in passwords}))


def is_common(password: str) -> bool:
    """Say whether a password is one of them, whatever the case of its letters."""
    marks, mark = _marks(), _mark(password.lower())
    count = len(marks) // _BYTES
    place = bisect_left(range(count), mark, key=lambda number: _at(marks, number))
    return place < count and _at(marks, place) == mark


def _mark(password: str) -> bytes:
    # What isn't UTF-8 is refused elsewhere, and mustn't be an error here.
    text = password.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=_BYTES, person=_PERSON).digest()


def _at(marks: bytes, number: int) -> bytes:
    return marks[number * _BYTES : (number + 1) * _BYTES]


@functools.cache
def _marks() -> bytes:
    """Return the list, which is read when it is first needed."""
    return files(__package__).joinpath("tried_first.bin").read_bytes()
