"""The services that handlers reach, as one typed bundle; only `bootstrap/compose.py` makes one."""

from dataclasses import dataclass

from exchange.model.state import State
from gateway.access.rate_limits import RateLimits
from gateway.accounts.passwords import Passwords
from gateway.accounts.sign_in import SignIn
from gateway.engine_side.ports import History
from gateway.engine_side.readiness import Readiness, ViewFeed
from gateway.observability.metrics import Metrics
from gateway.settings.settings import Settings
from persistence.loop.ports import CommandPort
from persistence.repositories.audit import AuditLog
from persistence.repositories.users import Users


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What a request may use.  A new service gets a field here and is made in bootstrap."""

    settings: Settings
    commands: CommandPort
    view: State
    """The committed view; only the engine's side moves it, or replaces what is in it."""
    history: History
    feed: ViewFeed
    """How the view is fed, and under which epoch."""
    readiness: Readiness
    auth: SignIn
    users: Users
    audit: AuditLog
    passwords: Passwords
    limits: RateLimits
    metrics: Metrics
    openapi: bytes
