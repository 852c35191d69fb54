"""The chain of the journal's batches, walked from the first one on or from one that is known.

Laws: nothing is decoded here; each batch follows the one before without a gap, holds its hash, and
doesn't run back in time; the last is the one that `engine_state` names.
"""

from persistence.journal.rows import GENESIS_HASH, JournalRow
from persistence.journal.tables import Head


class ChainWalk:
    """Goes along the chain, batch by batch."""

    def __init__(self, seq: int = 0, hash_: bytes | None = GENESIS_HASH) -> None:
        """Begin behind the command `seq`, whose batch has this hash; None: it isn't known."""
        self.seq = seq
        self.hash = hash_
        self.count = 0
        self._epoch = 0
        self._at = 0

    def step(self, row: JournalRow) -> str | None:
        """Take the next batch; return what is wrong with it."""
        name = f"the batch of {row.first_seq}"
        seq, before = self.seq, row.previous_hash if self.hash is None else self.hash
        is_earlier = row.epoch < self._epoch or row.at < self._at
        self.seq, self.hash, self._epoch, self._at = row.last_seq, row.hash, row.epoch, row.at
        if row.first_seq != seq + 1 or row.last_seq < row.first_seq:
            return f"{name} to {row.last_seq} follows {seq}"
        if row.previous_hash != before or row.hash != row.expected_hash():
            return f"{name} has another hash than the chain says"
        if is_earlier:
            return f"{name} runs back in time"
        self.count += 1
        return None

    def end_problem(self, head: Head) -> str | None:
        """Say what is wrong with where it ends, by what `engine_state` says; None if nothing is."""
        is_there = self.hash is None or self.hash == head.chain_hash
        if self.seq != head.last_seq or not is_there or head.epoch < self._epoch:
            return f"engine_state stands at {head.last_seq}, the journal ends at {self.seq}"
        return None
