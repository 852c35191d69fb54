"""What sockets use of the process, as one bundle, and what they ask of sign-in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from exchange.model.state import State
from gateway.access.principals import Principal
from gateway.access.rate_limits import RateLimits
from gateway.engine_side.ports import History
from gateway.engine_side.readiness import ViewFeed
from gateway.observability.logs import Logger
from gateway.observability.metrics import Metrics
from gateway.settings.settings import Settings
from gateway.streaming.rooms import Rooms
from persistence.loop.ports import CommandPort


class TokenChecks(Protocol):
    """The part of `auth.SignIn` that sockets need."""

    on_revoked: list[Callable[[int, int], None]]

    def remembered(self, token: bytes) -> Principal | None:
        """Return who a token stands for if it was verified before and still holds."""

    async def verify(self, token: bytes) -> Principal:
        """Return who a token stands for; raises Unauthorized."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketServices:
    """What a socket may use; the composition root makes one."""

    settings: Settings
    commands: CommandPort
    view: State
    history: History
    auth: TokenChecks
    limits: RateLimits
    metrics: Metrics
    rooms: Rooms
    feed: ViewFeed
    logger: Logger
