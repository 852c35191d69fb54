"""What the engine returns for each command, and what the journal keeps of it."""

import msgspec

from exchange.messages.commands import Command
from exchange.messages.events import Event


class Execution(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One command as it ran: its stamp, itself, and what happened."""

    seq: int
    at: int
    command: Command
    events: list[Event]
