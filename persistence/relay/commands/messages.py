"""What goes between gateways and the engine when a command comes from elsewhere.

    key of an engine's life    commands, in the order in which Redis took them      (a stream)
    channel of a sender        what became of them                                  (pub/sub)

Laws: a command is for one life of one engine: the stream's key holds the life's name, and its seal
covers the key, so no other engine can execute it, nor this one after a restart. A sender numbers
what it sends, upwards, so the engine takes each once, however often somebody shows it. Nothing is
ever sent again: what had no answer in time is unknown, and asking again is its client's to decide.
"""

import enum
from typing import Annotated, Final

import msgspec

from exchange.messages.commands import Command
from persistence.errors import (
    CancelsOnly,
    CommandLate,
    CommandNotTaken,
    EngineAway,
    EngineClosed,
    EngineStalled,
    QueueFull,
)
from persistence.loop.authority import Place
from persistence.loop.ports import Answer
from persistence.relay.channel import Sealed, name_of

STREAM_ENTRIES: Final = 10_000
"""At most so many are in the stream, what is under way included; more are refused."""
PARCEL_COMMANDS: Final = 64
"""Commands of one entry: reading an entry costs more than most commands in it."""
PARCEL_BYTES: Final = 1 << 20
"""Many batches of the most operations take less; what is larger isn't looked at."""
LIVES_S: Final = 60
"""A stream whose engine isn't there any more goes after so long."""
SENDER_BYTES: Final = 16

SPACING_S: Final = 0.003
"""Between two sendings, or two readings, where there is more at once: what costs most is each of
them, and who is alone never waits."""

BODY: Final = b"c"
"""The field of an entry that holds a parcel."""
OPENING: Final = b"o"
"""The field of the entries by which an engine makes its stream, or lifts its ids."""


class Sent(msgspec.Struct, frozen=True, array_like=True):
    """A command on its way."""

    number: Annotated[int, msgspec.Meta(ge=1)]
    """Of this sender's, upwards."""
    deadline: int
    """Of the database's clock, in microseconds since the epoch: later it is never executed."""
    command: Command


class Parcel(msgspec.Struct, frozen=True, array_like=True):
    """An entry of the stream: what a sender had to send at once, in order."""

    sender: Annotated[bytes, msgspec.Meta(min_length=SENDER_BYTES, max_length=SENDER_BYTES)]
    """One start of one process, drawn at random."""
    sent: Annotated[list[Sent], msgspec.Meta(min_length=1, max_length=PARCEL_COMMANDS)]


class Why(enum.IntEnum):
    """Why a command wasn't taken."""

    FULL = 1
    CLOSED = 2
    STALLED = 3
    LATE = 4
    OTHER = 5
    CANCELS_ONLY = 6


class Done(msgspec.Struct, frozen=True, array_like=True, tag="done"):
    """The engine's answer, right after its commit."""

    number: int
    answer: Answer


class NotTaken(msgspec.Struct, frozen=True, array_like=True, tag="not taken"):
    """The engine took nothing, and nothing happened."""

    number: int
    why: Why


class Unknown(msgspec.Struct, frozen=True, array_like=True, tag="unknown"):
    """The engine can't say what became of it."""

    number: int


Outcome = Done | NotTaken | Unknown


class Answers(msgspec.Struct, frozen=True, array_like=True):
    """What became of some of a sender's commands."""

    outcomes: list[Outcome]


_KINDS: Final = (
    (QueueFull, Why.FULL),
    (EngineClosed, Why.CLOSED),
    (EngineStalled, Why.STALLED),
    (CommandLate, Why.LATE),
    (CancelsOnly, Why.CANCELS_ONLY),
)
_ERRORS: Final[dict[Why, CommandNotTaken]] = {
    Why.FULL: QueueFull("the engine's queue is full"),
    Why.CLOSED: EngineClosed("the engine takes no commands"),
    Why.STALLED: EngineStalled("the engine's database doesn't answer, nothing was done"),
    Why.LATE: CommandLate("the command's time was over before the engine took it"),
    Why.CANCELS_ONLY: CancelsOnly(
        "Another engine has just taken over, and takes cancels alone for a moment; nothing"
        " happened, try again"
    ),
    Why.OTHER: EngineAway("the engine couldn't take the command, nothing was done"),
}
_decode_parcel: Final = msgspec.msgpack.Decoder(Parcel).decode
_decode_answers: Final = msgspec.msgpack.Decoder(Answers).decode


def outcome_of(number: int, error: BaseException) -> Outcome:
    """Return how a sender is told of what a command's future, or its submission, raised."""
    for kind, why in _KINDS:
        if isinstance(error, kind):
            return NotTaken(number, why)
    return NotTaken(number, Why.OTHER) if isinstance(error, CommandNotTaken) else Unknown(number)


def error_of(outcome: NotTaken) -> CommandNotTaken:
    """Return a new error that says so to whoever waits."""
    error = _ERRORS[outcome.why]
    return type(error)(*error.args)


def command_stream(identity: str, stream: str, secret: bytes) -> Sealed[Parcel]:
    """Return the stream of one engine's life (`channel.new_stream`)."""
    return Sealed(name_of(identity, f"commands:{stream}"), secret, b"commands", _decode_parcel)


def answer_channel(identity: str, sender: bytes, secret: bytes) -> Sealed[Answers]:
    """Return where a sender hears what became of its commands."""
    return Sealed(name_of(identity, f"answers:{sender.hex()}"), secret, b"answers", _decode_answers)


def place_of(entry_id: bytes) -> Place:
    """Return an entry's place; raises ValueError for what is no id."""
    ms, _, number = entry_id.partition(b"-")
    return int(ms), int(number)


def id_of(place: Place) -> str:
    """Return a place as Redis writes it."""
    return f"{place[0]}-{place[1]}"


def behind(place: Place) -> Place:
    """Return the next place."""
    return place[0], place[1] + 1
