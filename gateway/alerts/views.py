"""Alerts and what they told, on the wire."""

from typing import Final

import msgspec

from exchange.messages.terms import Outcome, Side
from gateway.alerts.rules import AlertEnd, AlertKind
from gateway.feeds.known import KnownMarket, MarketRef
from gateway.wire.scalars import iso_millis, money_text, price_text, time_if_known
from gateway.wire.strict_json import AnswerStruct
from persistence.repositories.alerts.alerts import Alert
from persistence.repositories.alerts.firings import Firing


class SawView(AnswerStruct, frozen=True, kw_only=True, omit_defaults=True):
    """What an alert saw when it fired; what has nothing to do with its kind is left out.

    `price` is of `outcome`: the print's, the venue's or the fill's. `volume` is of 24 hours.
    """

    slug: str | None = None
    question: str | None = None
    outcome: Outcome | None = None
    price: str | None = None
    trade_no: str | None = None
    volume: str | None = None
    currency: str | None = None
    close_time: str | None = None
    resolution: str | None = None
    order_id: str | None = None
    side: Side | None = None
    quantity: str | None = None
    webhook_id: str | None = None
    failures: int | None = None


class AlertView(AnswerStruct, frozen=True):
    """An alert; what its kind doesn't have is null.

    `met` says whether what it waits for was so when it was looked at last: it fires when that
    becomes so again. `pauseSeconds` is null for one that fires once; `active` is false after that.
    `ended` says why it looks out no more: FIRED, or MARKET_ENDED for a market of which nothing is
    to be expected; null while it does, and when its owner stopped it.
    """

    id: str
    kind: AlertKind
    market_id: str | None
    platform: str | None
    slug: str | None
    question: str | None
    outcome: Outcome | None
    price: str | None
    volume: str | None
    minutes: int | None
    order_id: str | None
    note: str
    pause_seconds: int | None
    webhook_id: str | None
    active: bool
    ended: AlertEnd | None
    met: bool
    fired_count: int
    fired_at: str | None
    created_at: str


class FiringView(AnswerStruct, frozen=True):
    """One time that an alert fired; `alertId` is null when the alert was deleted.

    The kind TEST is what one had sent to try a webhook, WEBHOOK_DISABLED says that nothing more is
    sent to one, as too much failed.
    """

    id: str
    alert_id: str | None
    kind: AlertKind
    market_id: str | None
    note: str
    at: str
    saw: SawView


class FiringMessage(FiringView, frozen=True, kw_only=True):
    """The same as a socket hears it: by its number on the topic, which a gap shows."""

    topic: str
    topic_epoch: int
    topic_seq: int


_SAW: Final = msgspec.json.Decoder(SawView)


def alert_view(alert: Alert, market: KnownMarket | None) -> AlertView:
    """Return what its owner is shown of an alert, with what is known of its market."""
    kind, threshold = AlertKind(alert.kind), alert.threshold
    is_price = alert.outcome is not None
    is_volume = kind is AlertKind.VOLUME_ABOVE
    return AlertView(
        str(alert.id),
        kind,
        _market_id(alert.platform, alert.external_id),
        alert.platform,
        None if market is None else market.slug,
        None if market is None else market.question,
        None if alert.outcome is None else Outcome(alert.outcome),
        price_text(threshold) if is_price and threshold is not None else None,
        money_text(threshold) if is_volume and threshold is not None else None,
        threshold if kind is AlertKind.CLOSE else None,
        None if alert.order_id is None else str(alert.order_id),
        alert.note,
        alert.pause_s,
        None if alert.webhook_id is None else str(alert.webhook_id),
        alert.is_active,
        None if alert.ended is None else AlertEnd(alert.ended),
        alert.is_met,
        alert.fired_count,
        time_if_known(alert.fired_at),
        iso_millis(alert.created_at),
    )


def firing_view(firing: Firing) -> FiringView:
    """Return what is told of a firing."""
    return FiringView(
        str(firing.id),
        None if firing.alert_id is None else str(firing.alert_id),
        AlertKind(firing.kind),
        _market_id(firing.platform, firing.external_id),
        firing.note,
        iso_millis(firing.at),
        _SAW.decode(firing.saw),
    )


def saw_text(saw: SawView) -> str:
    """Return what is stored of what an alert saw."""
    return msgspec.json.encode(saw).decode("utf-8")


def ref_of(alert: Alert) -> MarketRef | None:
    """Return the market that an alert is about, if it is about one."""
    if alert.platform is None or alert.external_id is None:
        return None
    return MarketRef(alert.platform, alert.external_id)


def _market_id(platform: str | None, external_id: str | None) -> str | None:
    if platform is None or external_id is None:
        return None
    return MarketRef(platform, external_id).id
