"""When an alert fires: from how it stood and what is seen now to how it stands. Pure.

    not met ── what it waits for is so ──> met: fires     met ── is so no more ──> not met

Laws: it fires when what it waits for becomes so, never because it stays so; once and for all, or
again, then at most once in `pause_s` seconds: what becomes so within a pause doesn't fire. What
isn't known changes nothing. A fill is so for a moment only, so each one counts.
"""

import enum
from collections.abc import Sequence
from typing import Final

import msgspec

from exchange.messages.bounds import PRICE_SCALE
from gateway.feeds.known import KnownMarket
from gateway.feeds.model import FINAL, ListedStatus
from persistence.clock import MICROSECONDS
from persistence.repositories.alerts.alerts import Alert

_ENDED: Final = FINAL | {ListedStatus.CLOSED, ListedStatus.RESOLVING}
_MINUTE_US: Final = 60 * MICROSECONDS


class AlertKind(enum.StrEnum):
    """What an alert waits for; the last two are told without one."""

    PRICE_ABOVE = "PRICE_ABOVE"
    PRICE_BELOW = "PRICE_BELOW"
    VOLUME_ABOVE = "VOLUME_ABOVE"
    FILL = "FILL"
    CLOSE = "CLOSE"
    RESOLUTION = "RESOLUTION"
    TEST = "TEST"
    WEBHOOK_DISABLED = "WEBHOOK_DISABLED"


class AlertEnd(enum.StrEnum):
    """Why an alert looks out no more."""

    FIRED = "FIRED"
    MARKET_ENDED = "MARKET_ENDED"


PRICES: Final = frozenset({AlertKind.PRICE_ABOVE, AlertKind.PRICE_BELOW})


def price_holds(
    kind: str, outcome: str | None, threshold: int | None, yes: int | None
) -> bool | None:
    """Say whether a price is where an alert waits for it, by the price of YES; None: not known."""
    if yes is None or threshold is None:
        return None
    price = yes if outcome == "YES" else PRICE_SCALE - yes
    return price >= threshold if kind == AlertKind.PRICE_ABOVE else price <= threshold


def market_holds(
    alert: Alert, market: KnownMarket | None, volume: int | None, now: int
) -> bool | None:
    """Say whether what an alert waits for is so in a market as it is now; None: not known.

    `volume` is what was paid within 24 hours, in millionths of the market's currency.
    """
    if market is None:
        return None
    match alert.kind:
        case AlertKind.RESOLUTION:
            return market.resolution is not None or market.status is ListedStatus.VOID
        case AlertKind.CLOSE:
            if market.close_time is None or alert.threshold is None or market.status in _ENDED:
                return False
            return market.close_time - now <= alert.threshold * _MINUTE_US
        case AlertKind.VOLUME_ABOVE:
            return None if volume is None or alert.threshold is None else volume >= alert.threshold
        case _:
            return price_holds(alert.kind, alert.outcome, alert.threshold, market.yes_price)


def seen(alert: Alert, holds: bool | None, at: int) -> tuple[Alert, bool]:
    """Return how an alert stands when it was seen at a time (microseconds) whether what it waits
    for is so, and whether it fires.
    """
    if holds is None or holds == alert.is_met or not alert.is_active:
        return alert, False
    if not holds:
        return msgspec.structs.replace(alert, is_met=False), False
    return _becomes_met(alert, at)


def happened(alert: Alert, at: int) -> tuple[Alert, bool]:
    """Return how an alert stands after something that is over at once, and whether it fires."""
    if not alert.is_active:
        return alert, False
    after, fires = _becomes_met(alert, at)
    return msgspec.structs.replace(after, is_met=False), fires


def prints_seen(alert: Alert, prints: Sequence[tuple[int, int]]) -> tuple[Alert, list[int]]:
    """Return how an alert of a price stands after prints (price of YES, time), and the places of
    those at which it fires.
    """
    fired = []
    for place, (yes, at) in enumerate(prints):
        holds = price_holds(alert.kind, alert.outcome, alert.threshold, yes)
        alert, fires = seen(alert, holds, at)
        if fires:
            fired.append(place)
    return alert, fired


def _becomes_met(alert: Alert, at: int) -> tuple[Alert, bool]:
    pause_us = (alert.pause_s or 0) * MICROSECONDS
    if alert.fired_at is not None and alert.pause_s is not None and at - alert.fired_at < pause_us:
        return msgspec.structs.replace(alert, is_met=True), False
    fired = msgspec.structs.replace(
        alert,
        is_met=True,
        is_active=alert.pause_s is not None,
        fired_count=alert.fired_count + 1,
        fired_at=at,
    )
    return fired, True
