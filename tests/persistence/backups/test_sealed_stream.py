"""What is sealed comes back as it was, or is refused: no byte is believed that wasn't proved."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.backups.sealed_stream import MAGIC, PIECE_BYTES, SealedReader, SealingWriter
from persistence.errors import BackupDamaged

KEY, OTHER = bytes(range(32)), bytes(32)
TAGGED = PIECE_BYTES + 16
HEAD = len(MAGIC) + 16


def seal(*writes: bytes, key: bytes = KEY) -> bytes:
    file = io.BytesIO()
    writer = SealingWriter(file, key)
    for data in writes:
        assert writer.write(data) == len(data)
    writer.close()
    return file.getvalue()


def opened(sealed: bytes, *keys: bytes, size: int = 10_000) -> bytes:
    file = io.BytesIO(sealed)
    assert file.read(len(MAGIC)) == MAGIC
    reader = SealedReader(file, keys or (KEY,))
    found = b""
    while data := reader.read(size):
        found += data
    return found


@given(
    lengths=st.lists(
        st.sampled_from((0, 1, 1_000, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 200_000)),
        max_size=4,
    ),
    size=st.sampled_from((1_000, PIECE_BYTES, 500_000)),
)
def test_what_is_sealed_comes_back(lengths: list[int], size: int) -> None:
    writes = [bytes([number + 1]) * length for number, length in enumerate(lengths)]
    assert opened(seal(*writes), size=size) == b"".join(writes)


def test_a_new_key_in_front_opens_what_the_old_one_sealed() -> None:
    sealed = seal(b"rows" * 50_000)
    assert opened(sealed, OTHER, KEY) == b"rows" * 50_000
    with pytest.raises(BackupDamaged, match="none of the keys opens it"):
        opened(sealed, OTHER)


def test_the_same_rows_look_different_each_time() -> None:
    first, second = seal(b"rows"), seal(b"rows")
    assert first[HEAD:] != second[HEAD:]


@pytest.mark.parametrize("place", [len(MAGIC), HEAD, HEAD + TAGGED, HEAD + 2 * TAGGED + 5, -1])
def test_a_changed_bit_is_found(place: int) -> None:
    sealed = bytearray(seal(b"x" * (2 * PIECE_BYTES + 50)))
    sealed[place] ^= 1
    with pytest.raises(BackupDamaged):
        opened(bytes(sealed))


@pytest.mark.parametrize("kept", [HEAD, HEAD + 10, HEAD + TAGGED, HEAD + 2 * TAGGED, -1])
def test_an_end_that_is_missing_is_found(kept: int) -> None:
    sealed = seal(b"x" * (2 * PIECE_BYTES + 50))
    with pytest.raises(BackupDamaged):
        opened(sealed[:kept])


def test_pieces_that_are_moved_or_repeated_are_found() -> None:
    sealed = seal(bytes(3 * PIECE_BYTES + 50))
    head, first, second = sealed[:HEAD], sealed[HEAD:][:TAGGED], sealed[HEAD + TAGGED :][:TAGGED]
    rest = sealed[HEAD + 2 * TAGGED :]
    for wrong in (second + first + rest, first + first + second + rest, first + rest):
        with pytest.raises(BackupDamaged):
            opened(head + wrong)
    with pytest.raises(BackupDamaged):
        opened(sealed + b"more")
