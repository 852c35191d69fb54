"""What tells of the past, made of the parts; each transport has its own."""

from gateway.bootstrap.parts import Parts
from gateway.streaming.resuming.resumption import Resumption
from persistence.repositories.account_events import AccountEvents


def resumption(parts: Parts) -> Resumption:
    """Return what tells accounts the private messages that they missed."""
    events = AccountEvents(parts.pool, parts.segments)
    return Resumption(parts.engine.view, events, parts.replays, parts.settings.pages)
