"""The engine's side of the process, as the composition root starts it.

A process without an engine (only reads and sign-in of known accounts) refuses every command before
it is taken: `QueueFull`, which the edge answers 503.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from gateway.metrics import Metrics
from gateway.ports import AccountsView, CommandPort, QueueFull
from gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class EngineSide:
    """The two ends that the gateway holds: commands in, committed state out."""

    commands: CommandPort
    view: AccountsView


class NoEngine:
    """Both ends where no engine runs."""

    is_open = False
    accounts: Mapping[int, object] = {}

    def submit(self, command: object) -> asyncio.Future[Any]:
        """Refuse; nothing happens."""
        raise QueueFull(type(command).__name__)


@asynccontextmanager
async def start_engine(
    _settings: Settings, _url: str, _metrics: Metrics
) -> AsyncIterator[EngineSide]:
    """Yield the engine's side; stop it at the end."""
    none = NoEngine()
    yield EngineSide(none, none)
