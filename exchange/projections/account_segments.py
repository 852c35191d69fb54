"""How an account's past is kept: in segments, each an image and the commands that came after it.

    image at seq 40 | 41 57 58 90 ... | closed     image at seq 912 | 915 ...     open

Laws: a segment begins after whole commands, with the message that `account_seq` numbers; its
commands are those that touched the account, so each made one message at least, and a look-up of any
message reads no more commands than the segment has messages. It is closed when its messages
outweigh its image, so that images cost no more than their commands, and at a bound, so that a
look-up stays small whatever the account holds.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from exchange.messages.events import Event
from exchange.messages.execution import Execution
from exchange.projections.account_replay import AccountReplay

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


class Segment:
    """An account's segment as it grows; `first` is the number of its first message, `seq` the
    command after which its image was taken, `last_seq` the last command in it.
    """

    __slots__ = ("closed_at", "commands", "first", "image", "last_seq", "seq")

    def __init__(
        self, first: int, seq: int, image: bytes | None = None, commands: bytes = b""
    ) -> None:
        """Begin one with an image that is to be stored, or go on with one that is."""
        self.first = first
        self.seq = self.last_seq = seq
        self.image = image
        self.commands = bytearray(commands)
        self.closed_at = 0

    def add(self, seq: int) -> None:
        """Note a command that touched the account."""
        gap = seq - self.last_seq
        if gap <= _LOW:
            # Nearly every gap of whoever trades all day.
            self.commands.append(gap)
        else:
            self.commands += encode_gap(gap)
        self.last_seq = seq


class AccountPast:
    """An account as it stands, its open segment, and those of its segments that have to be written;
    `weight` is how many records it had when somebody counted last.
    """

    __slots__ = ("replay", "segment", "unwritten", "weight")

    def __init__(self, replay: AccountReplay, segment: Segment) -> None:
        self.replay = replay
        self.segment = segment
        self.unwritten: dict[int, Segment] = {}
        self.weight = 0

    @classmethod
    def opened(cls, account_id: int, seq: int) -> "AccountPast":
        """Return an account that the command `seq` opens."""
        replay = AccountReplay(account_id)
        return cls(replay, Segment(1, seq - 1, replay.dump()))

    def take(self, seq: int, at: int, events: Sequence[Event]) -> bool:
        """Take the command `seq`, stamped `at`; say whether it touched the account."""
        replay, segment = self.replay, self.segment
        messages = replay.account.seq - segment.first + 1
        if messages >= SEGMENT_MESSAGES and segment.commands and is_full(messages, replay.weight):
            segment.closed_at = replay.now
            self.unwritten[segment.first] = segment
            next_first = replay.account.seq + 1
            self.segment = segment = Segment(next_first, seq - 1, replay.dump())
        if not replay.take(seq, at, events):
            return False
        segment.add(seq)
        self.unwritten[segment.first] = segment
        return True


def take_command(
    execution: Execution,
    events: Mapping[int, Sequence[Event]],
    held: dict[int, AccountPast],
    touched: dict[int, AccountPast],
) -> None:
    """Let accounts take a command, whose events are given by account.

    Those in memory are `held`; one that isn't there is opened by the command. Whoever it touched is
    put into both.
    """
    seq, at = execution.seq, execution.at
    for account_id, theirs in events.items():
        past = held.get(account_id)
        if past is None:
            past = AccountPast.opened(account_id, seq)
        if past.take(seq, at, theirs):
            touched[account_id] = held[account_id] = past
