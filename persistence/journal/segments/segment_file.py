"""One segment as a file: a run of whole batches in compressed blocks, and an index behind them.

    magic | block, block ... | index | footer: where the index is, its SHA-256
            └ zlib of msgpack: the hash before, then (numbers, payload, hash) of each batch

Laws: a file is written once and never changed; the same batches give the same bytes; a reader gets
at one batch by the index and one block of `BLOCK_BYTES` and a batch more; whatever is read is shown
only if its hashes chain. Nothing here waits for anything but the disk: call it in a thread.
"""

import os
import struct
import zlib
from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from persistence.journal.rows import HASH_LENGTH, JournalRow

MAGIC: Final = b"probity journal 1\n"
BLOCK_BYTES: Final = 64 * 1_024
"""So much payload is compressed together, and a batch more at most."""
_LEVEL: Final = 6
_FOOTER: Final = struct.Struct(f">QI{HASH_LENGTH}s")


class Block(msgspec.Struct, frozen=True, array_like=True):
    """Where some batches lie; `ends` are their last sequences, `sizes` the bytes of payload."""

    first_seq: int
    offset: int
    length: int
    ends: list[int]
    sizes: list[int]


class Index(msgspec.Struct, frozen=True):
    """What a file says of itself: whose journal it is of, which part, and where its blocks are."""

    database_id: str
    first_seq: int
    last_seq: int
    previous_hash: bytes
    hash: bytes
    blocks: list[Block]


class Written(msgspec.Struct, frozen=True):
    """A file that is safe on disk."""

    size: int
    sha256: bytes


class Damaged(Exception):
    """A file doesn't hold what a segment's file holds; the message says why."""


class _Batch(msgspec.Struct, frozen=True, array_like=True):
    first_seq: int
    last_seq: int
    epoch: int
    at: int
    rules_version: int
    payload: bytes
    hash: bytes


class _Blockful(msgspec.Struct, frozen=True, array_like=True):
    previous_hash: bytes
    batches: list[_Batch]


_encode: Final = msgspec.msgpack.Encoder().encode
_decode_blockful: Final = msgspec.msgpack.Decoder(_Blockful).decode
_decode_index: Final = msgspec.msgpack.Decoder(Index).decode


def write_file(path: Path, database_id: str, rows: Sequence[JournalRow]) -> Written:
    """Write a run of batches, at least one, to a new file and wait until the disk has it.

    Raises OSError, after which a part of the file may be there.
    """
    digest, size, blocks = sha256(), 0, []
    # Orders are nobody else's business.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:

        def add(data: bytes) -> None:
            nonlocal size
            file.write(data)
            digest.update(data)
            size += len(data)

        add(MAGIC)
        for part in _in_blocks(rows):
            data = zlib.compress(_encode(_blockful(part)), _LEVEL)
            ends, sizes = [row.last_seq for row in part], [len(row.payload) for row in part]
            blocks.append(Block(part[0].first_seq, size, len(data), ends, sizes))
            add(data)
        first, last = rows[0], rows[-1]
        index = Index(
            database_id, first.first_seq, last.last_seq, first.previous_hash, last.hash, blocks
        )
        packed = zlib.compress(_encode(index), _LEVEL)
        begin = size
        add(packed)
        add(_FOOTER.pack(begin, len(packed), sha256(packed).digest()))
        file.flush()
        os.fsync(file.fileno())
    return Written(size, digest.digest())


def read_index(path: Path) -> Index:
    """Return a file's index; raises OSError, Damaged."""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise Damaged("it doesn't begin as a segment of the journal does")
        end = file.seek(0, os.SEEK_END) - _FOOTER.size
        if end < len(MAGIC):
            raise Damaged("it is cut off")
        file.seek(end)
        begin, length, digest = _FOOTER.unpack(file.read(_FOOTER.size))
        if begin + length != end:
            raise Damaged("it is cut off, or its end was changed")
        file.seek(begin)
        packed = file.read(length)
    if sha256(packed).digest() != digest:
        raise Damaged("its index was changed")
    try:
        return _decode_index(zlib.decompress(packed))
    except (zlib.error, msgspec.DecodeError) as error:
        raise Damaged(f"its index can't be read: {error}") from error


def read_blocks(path: Path, blocks: Sequence[Block]) -> list[JournalRow]:
    """Return the batches of some of a file's blocks; raises OSError, Damaged."""
    found: list[JournalRow] = []
    with path.open("rb") as file:
        for block in blocks:
            found += _read_block(file, block)
    return found


def read_whole(path: Path) -> tuple[Written, list[JournalRow]]:
    """Return how large a file is, its SHA-256, and all its batches; raises OSError, Damaged."""
    data = path.read_bytes()
    rows = read_blocks(path, read_index(path).blocks)
    return Written(len(data), sha256(data).digest()), rows


def _read_block(file: BinaryIO, block: Block) -> list[JournalRow]:
    file.seek(block.offset)
    try:
        blockful = _decode_blockful(zlib.decompress(file.read(block.length)))
    except (zlib.error, msgspec.DecodeError) as error:
        raise Damaged(f"the block of command {block.first_seq} can't be read: {error}") from error
    previous, rows = blockful.previous_hash, []
    for batch in blockful.batches:
        row = JournalRow(
            batch.first_seq,
            batch.last_seq,
            batch.epoch,
            batch.at,
            batch.rules_version,
            batch.payload,
            previous,
            batch.hash,
        )
        if row.hash != row.expected_hash():
            raise Damaged(f"the batch of command {row.first_seq} was changed")
        previous = row.hash
        rows.append(row)
    if [row.last_seq for row in rows] != block.ends or rows[0].first_seq != block.first_seq:
        raise Damaged(f"the block of command {block.first_seq} holds others")
    return rows


def _blockful(rows: Sequence[JournalRow]) -> _Blockful:
    return _Blockful(
        rows[0].previous_hash,
        [
            _Batch(
                row.first_seq,
                row.last_seq,
                row.epoch,
                row.at,
                row.rules_version,
                row.payload,
                row.hash,
            )
            for row in rows
        ],
    )


def _in_blocks(rows: Sequence[JournalRow]) -> list[Sequence[JournalRow]]:
    """Cut a run of batches into the parts that are compressed together."""
    bounds, size = [0], 0
    for number, row in enumerate(rows):
        if size >= BLOCK_BYTES:
            bounds.append(number)
            size = 0
        size += len(row.payload)
    bounds.append(len(rows))
    return [rows[begin:end] for begin, end in pairwise(bounds)]
