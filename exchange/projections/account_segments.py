"""How an account's past is kept: in segments, each an image and the commands that came after it.

    image at seq 40 | 41 57 58 90 ... | closed     image at seq 912 | 915 ...     open

Laws: a segment begins after whole commands, with the message that `account_seq` numbers; its
commands are those that touched the account, so each made one message at least, and a look-up of any
message reads no more commands than the segment has messages. It is closed when its messages
outweigh its image, so that images cost no more than their commands, and at a bound, so that a
look-up stays small whatever the account holds.
"""

from collections.abc import Sequence
from typing import Final

SEGMENT_MESSAGES: Final = 256
"""A segment of an account that holds little has so many."""
SEGMENT_MESSAGES_MAX: Final = 2_048
"""None has many more: the last command in it may make any number."""
RECORDS_A_MESSAGE: Final = 4
"""So many records of an image (orders, positions) are worth one message."""
_LOW: Final = 0x7F
_MORE: Final = 0x80


def is_full(messages: int, weight: int) -> bool:
    """Say whether a segment is to be closed that has so many messages, by the records that the
    account's next image will have.
    """
    wanted = SEGMENT_MESSAGES + weight // RECORDS_A_MESSAGE
    return messages >= min(wanted, SEGMENT_MESSAGES_MAX)


def encode_gap(gap: int) -> bytes:
    """Return the bytes of how far a command lies behind the one before: 7 bits each, low first."""
    encoded = bytearray()
    while gap > _LOW:
        encoded.append(gap & _LOW | _MORE)
        gap >>= 7
    encoded.append(gap)
    return bytes(encoded)


def decode_commands(after: int, encoded: bytes) -> list[int]:
    """Return the sequences of a segment's commands; `after` is that of its image."""
    found: list[int] = []
    seq, gap, shift = after, 0, 0
    for byte in encoded:
        gap |= (byte & _LOW) << shift
        if byte & _MORE:
            shift += 7
        else:
            seq += gap
            found.append(seq)
            gap = shift = 0
    return found


def encode_commands(after: int, seqs: Sequence[int]) -> bytes:
    """Return the bytes of ascending sequences, the first above `after`."""
    encoded: list[bytes] = []
    for seq in seqs:
        encoded.append(encode_gap(seq - after))
        after = seq
    return b"".join(encoded)
