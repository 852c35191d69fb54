"""How an exchange opens behind a takeover: cancels alone, then post-only orders, then everything.

    0 s ── cancels, admins, money ── cancel_only_s ── post-only orders ── post_only_s ── all

Laws: whoever was cut off looks first and takes back what they no longer want, before anybody trades
against it. What is held back is refused before the engine has it, so nothing of it happened, no
client id is used up and the journal knows nothing of it; the time of post-only orders is the
engine's own (RULEBOOK 9: a command begins it, a timer ends it), and never loosens what an admin
said.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from exchange.messages.commands import (
    AmendOrder,
    BatchOrders,
    Command,
    NamedOrder,
    Operation,
    PlaceOco,
    PlaceOrder,
)
from persistence.errors import CancelsOnly
from persistence.loop.ports import Answer, CommandPort
from persistence.loop.recovery import Recovered

_TRADE: Final = (PlaceOrder, PlaceOco, AmendOrder)


class Takeover(NamedTuple):
    """How a standby takes over, and how the exchange opens then."""

    recover: Callable[..., Awaitable[Recovered]]
    """Takes what `persistence.loop.recovery.recover` does."""
    cancel_only_s: int
    post_only_s: int


class CancelsFirst:
    """A `CommandPort` that takes no orders for some seconds, and then everything."""

    def __init__(
        self, commands: CommandPort, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Hold orders back for so long, from now on."""
        self._commands = commands
        self._clock = clock
        self._until = clock() + seconds

    @property
    def is_open(self) -> bool:
        """Whether commands are taken."""
        return self._commands.is_open

    def submit(self, command: Command) -> asyncio.Future[Answer]:
        """Enqueue a command; raises CancelsOnly for an order while cancels come first."""
        left = self._until - self._clock()
        if left > 0 and may_trade(command):
            raise CancelsOnly(
                "Another engine has just taken over, and takes cancels alone for"
                f" {left:.1f} s; nothing happened, try again"
            )
        return self._commands.submit(command)


def cancels_first(commands: CommandPort, takeover: Takeover | None) -> CommandPort:
    """Return the way in behind a takeover, or as it is behind none."""
    if takeover is None or not takeover.cancel_only_s:
        return commands
    return CancelsFirst(commands, takeover.cancel_only_s)


def may_trade(command: Command) -> bool:
    """Say whether a command may make an order larger, or trade; a batch of cancels doesn't."""
    if isinstance(command, BatchOrders):
        return any(map(_operation_may_trade, command.operations))
    return isinstance(command, _TRADE)


def _operation_may_trade(part: Operation) -> bool:
    return isinstance(part.operation if isinstance(part, NamedOrder) else part, _TRADE)
