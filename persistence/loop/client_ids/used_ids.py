"""Which client ids were certainly never used: a Bloom filter of those that were.

::

    stage 1   2^20 ids   |block|block|block| ...          a block: 512 bits, eight of them an id's
    stage 2   2^21 ids   |block|block|block|block| ...
    ...                  an id is added to the newest stage, and looked for in all

Laws: an id that was met is never called new; one that wasn't is called used by mistake (some 5 of
10 000, by a stage that is full), which costs a question and nothing else. No step takes longer than
a look at one block of each stage: nothing is copied when it grows; when it may grow no more it
calls nothing new. The hash is Python's own, whose secret is another one in each process: nobody can
choose ids that look used, and nothing of it may be kept.
"""

import random
from collections.abc import Sequence
from functools import cache
from typing import Final

from exchange.model.idempotency import Key

FIRST_STAGE_IDS: Final = 2**20
MOST_STAGES: Final = 6
"""66 million ids in 165 MB; each stage is twice as large as the one before."""
_BITS_AN_ID: Final = 20
_BLOCK_BITS: Final = 512
_BLOCK_BYTES: Final = _BLOCK_BITS // 8
_MASKS: Final = 4_096
_QUARTER: Final = _BLOCK_BITS // 4
_QUARTER_BITS: Final = (_QUARTER - 1).bit_length()


class UsedIds:
    """A set of client ids that only grows, and forgets none."""

    __slots__ = ("_first", "_left", "_most", "_newest", "_older", "_second", "is_full")

    def __init__(self, first_stage: int = FIRST_STAGE_IDS, most_stages: int = MOST_STAGES) -> None:
        """Begin with nothing.

        Args:
            first_stage: how many ids the first stage is made for.
            most_stages: how many stages there may be.
        """
        self.is_full = False
        """Whether the last stage is full: then nothing is kept, and every id may have been used."""
        self._first, self._second = _masks(1), _masks(2)
        self._most = most_stages
        self._left = first_stage
        """How many more ids the newest stage is made for."""
        self._newest = _stage(first_stage)
        self._older: list[bytearray] = []

    @property
    def memory(self) -> int:
        """How many bytes the stages take."""
        return len(self._newest) + sum(map(len, self._older))

    def meet(self, keys: Sequence[Key]) -> list[Key]:
        """Add these ids, at most some thousand; return those that may have been used before, in
        their order.
        """
        if self.is_full:
            return list(keys)
        used = []
        first, second, stage = self._first, self._second, self._newest
        blocks, left = len(stage) // _BLOCK_BYTES, self._left
        for key in keys:
            hashed = hash(key)
            mask = first[hashed >> 32 & _MASKS - 1] | second[hashed >> 44 & _MASKS - 1]
            at = hashed % blocks * _BLOCK_BYTES
            block = int.from_bytes(stage[at : at + _BLOCK_BYTES], "little")
            marked = block | mask
            if marked == block or (self._older and self._was_met(hashed, mask)):
                used.append(key)
            else:
                stage[at : at + _BLOCK_BYTES] = marked.to_bytes(_BLOCK_BYTES, "little")
                left -= 1
        self._left = left
        if left <= 0:
            self._grow()
        return used

    def _was_met(self, hashed: int, mask: int) -> bool:
        """Tell whether an older stage may hold the id."""
        for stage in self._older:
            at = hashed % (len(stage) // _BLOCK_BYTES) * _BLOCK_BYTES
            if not mask & ~int.from_bytes(stage[at : at + _BLOCK_BYTES], "little"):
                return True
        return False

    def _grow(self) -> None:
        self._older.append(self._newest)
        if len(self._older) == self._most:
            self.is_full = True
            self._older, self._newest = [], bytearray()
            return
        ids = len(self._newest) * 8 // _BITS_AN_ID * 2
        self._left, self._newest = ids, _stage(ids)


@cache
def _masks(seed: int) -> tuple[int, ...]:
    """Return masks that have one bit in each quarter of a block."""
    dice = random.Random(seed)  # noqa: S311 - no secret: the hash says which of them are an id's
    return tuple(
        sum(1 << quarter * _QUARTER + dice.getrandbits(_QUARTER_BITS) for quarter in range(4))
        for _ in range(_MASKS)
    )


def _stage(ids: int) -> bytearray:
    """Return room for so many ids; pages of memory that no id falls into aren't taken."""
    return bytearray(-(-ids * _BITS_AN_ID // _BLOCK_BITS) * _BLOCK_BYTES)
