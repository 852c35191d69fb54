"""One row of the journal as bytes: what a batch of commands and their events looks like, and what
chains it to the row before.

Laws: a payload is one msgpack array of `Execution`s, so that the same batch gives the same bytes
anywhere; the hash covers the hash before, every column of the row and the payload. Where rows are
kept is `journal` (writing) and `reader` (reading).
"""

import struct
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import msgspec

from exchange.messages.commands import Command
from exchange.messages.execution import Execution

HASH_LENGTH: Final = 32
GENESIS_HASH: Final = bytes(HASH_LENGTH)
"""What stands for the hash before the first row."""

_HEADER: Final = struct.Struct(">qqqqi")
_ARRAY_32: Final = struct.Struct(">BI")
_ARRAY_32_MARK: Final = 0xDD
_decode: Final = msgspec.msgpack.Decoder(list[Execution]).decode
_decode_raw: Final = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode
_decode_one: Final = msgspec.msgpack.Decoder(Execution).decode
_encode: Final = msgspec.msgpack.Encoder().encode


COLUMNS: Final = "first_seq, last_seq, epoch, at, rules_version, payload, previous_hash, hash"
"""Of the table, in the order of `JournalRow`'s fields."""


class JournalRow(msgspec.Struct, frozen=True, array_like=True):
    """A stored batch; `at` is the time of its last command, in microseconds since the epoch.

    The same row goes over Redis to whoever follows the engine.
    """

    first_seq: int
    last_seq: int
    epoch: int
    at: int
    rules_version: int
    payload: bytes
    previous_hash: bytes
    hash: bytes

    def executions(self) -> list[Execution]:
        """Decode the payload; raises msgspec.DecodeError if it was tampered with."""
        return _decode(self.payload)

    def execution(self, seq: int) -> Execution:
        """Decode one command of the batch, by its sequence; the others are only passed over."""
        return _decode_one(_decode_raw(self.payload)[seq - self.first_seq])

    def within(self, after: int, to: int) -> list[Execution]:
        """Decode the commands later than `after`, up to `to`; the others are only passed over."""
        if after < self.first_seq and self.last_seq <= to:
            return self.executions()
        raw = _decode_raw(self.payload)
        first, end = max(0, after + 1 - self.first_seq), to + 1 - self.first_seq
        return [_decode_one(one) for one in raw[first : max(0, end)]]

    def some(self, seqs: Sequence[int]) -> list[Execution]:
        """Decode commands of the batch, by their sequences; the others are only passed over."""
        found = _decode_raw(self.payload)
        return [_decode_one(found[seq - self.first_seq]) for seq in seqs]

    def expected_hash(self) -> bytes:
        """Return what the hash must be if nothing of the row was changed."""
        return chain(
            self.previous_hash,
            self.first_seq,
            self.last_seq,
            self.epoch,
            self.at,
            self.rules_version,
            self.payload,
        )


def executions_with(payload: bytes, marks: Sequence[bytes]) -> list[Execution]:
    """Decode the commands of a payload whose bytes hold any of these marks, in order; the others
    are only passed over.
    """
    raws = ((raw, bytes(raw)) for raw in _decode_raw(payload))
    return [_decode_one(raw) for raw, text in raws if any(mark in text for mark in marks)]


def encode_execution(execution: Execution) -> bytes:
    """Return one execution's bytes as they stand in a payload."""
    return _encode(execution)


def encode_command(command: Command) -> bytes:
    """Return a command's bytes; raises UnicodeEncodeError for a text that has none."""
    return _encode(command)


def join_payload(encoded: Sequence[bytes]) -> bytes:
    """Make a payload of executions that were encoded one by one."""
    return _ARRAY_32.pack(_ARRAY_32_MARK, len(encoded)) + b"".join(encoded)


def chain(
    previous_hash: bytes,
    first_seq: int,
    last_seq: int,
    epoch: int,
    at: int,
    rules_version: int,
    payload: bytes,
) -> bytes:
    """Return SHA-256 over the hash before, the row's numbers (big-endian) and its payload."""
    digest = sha256(previous_hash)
    digest.update(_HEADER.pack(first_seq, last_seq, epoch, at, rules_version))
    digest.update(payload)
    return digest.digest()
