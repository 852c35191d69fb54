"""What the gateway holds of the engine: commands in, committed state and history out."""

from dataclasses import dataclass

from exchange.model.state import State
from gateway.engine_side.feed import Feed
from gateway.engine_side.history_port import History
from gateway.engine_side.ports import CommandPort


@dataclass(frozen=True, slots=True)
class EngineSide:
    """The ends, and how the view is fed."""

    commands: CommandPort
    view: State
    history: History
    feed: Feed
