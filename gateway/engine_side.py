"""The engine's side of the process, as the composition root starts it.

A process without an engine (only reads and sign-in of known accounts) refuses every command before
it is taken: `QueueFull`, which the edge answers 503.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from exchange.commands import Command
from exchange.order_book import Order
from exchange.state import State
from gateway.history_port import History, PastEntry, PastTrade
from gateway.metrics import Metrics
from gateway.ports import Answer, CommandPort, QueueFull
from gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class EngineSide:
    """The ends that the gateway holds: commands in, committed state and history out."""

    commands: CommandPort
    view: State
    history: History
    epoch: int


class NoEngine:
    """The way in where no engine runs."""

    is_open = False

    def submit(self, command: Command) -> asyncio.Future[Answer]:
        """Refuse; nothing happens."""
        raise QueueFull(type(command).__name__)


class NoHistory:
    """The past where nothing ever happened."""

    async def order(self, _order_id: int) -> None:
        """Find nothing."""

    async def order_by_client_id(self, _account_id: int, _client_order_id: str) -> None:
        """Find nothing."""

    async def orders(self, *_asked: object) -> list[Order]:
        """Find nothing."""
        return []

    async def trades(self, *_asked: object) -> list[PastTrade]:
        """Find nothing."""
        return []

    async def trades_after(self, *_asked: object) -> list[PastTrade]:
        """Find nothing."""
        return []

    async def ledger(self, *_asked: object) -> list[PastEntry]:
        """Find nothing."""
        return []


@asynccontextmanager
async def start_engine(
    _settings: Settings, _url: str, _metrics: Metrics
) -> AsyncIterator[EngineSide]:
    """Yield the engine's side; stop it at the end."""
    yield EngineSide(NoEngine(), State(), NoHistory(), 0)
