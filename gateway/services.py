"""The services that handlers reach, as one typed bundle; only `bootstrap.py` makes one."""

from dataclasses import dataclass

from exchange.state import State
from gateway.auth import Auth
from gateway.feed import Feed
from gateway.history_port import History
from gateway.metrics import Metrics
from gateway.passwords import Passwords
from gateway.ports import CommandPort
from gateway.rate_limits import RateLimits
from gateway.readiness import Readiness
from gateway.settings import Settings
from persistence.audit import AuditLog
from persistence.users import Users


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What a request may use.  A new service gets a field here and is made in bootstrap."""

    settings: Settings
    commands: CommandPort
    view: State
    """The committed view; only the engine's side moves it, or replaces what is in it."""
    history: History
    feed: Feed
    """How the view is fed, and under which epoch."""
    readiness: Readiness
    auth: Auth
    users: Users
    audit: AuditLog
    passwords: Passwords
    limits: RateLimits
    metrics: Metrics
    openapi: bytes
