"""Taking an alert: which fields go with which kind, and what they say in units.

PRICE_ABOVE, PRICE_BELOW  marketId, outcome?, price      VOLUME_ABOVE  marketId, volume
CLOSE                     marketId, minutes              RESOLUTION    marketId
FILL                      marketId?, orderId?
"""

from typing import Annotated, Final, Literal

import msgspec

from exchange.messages.terms import YES, Outcome
from gateway.alerts.rules import PRICES, AlertKind
from gateway.feeds.known import NAME_LENGTH_MAX, OURS, MarketRef
from gateway.wire import strict_json
from gateway.wire.errors import ValidationFailed
from gateway.wire.scalars import NAME_LENGTH, parse_id
from gateway.wire.strict_json import BodyStruct, MoneyText, PriceText, not_given, stored_text
from persistence.repositories.alerts.alerts import AlertTerms

NOTE_LENGTH: Final = 200
PAUSE_LEAST_S: Final = 10
PAUSE_MOST_S: Final = 604_800
MINUTES_MOST: Final = 10_080
_ONCE_ONLY: Final = frozenset({AlertKind.RESOLUTION})

KindName = Literal["PRICE_ABOVE", "PRICE_BELOW", "VOLUME_ABOVE", "FILL", "CLOSE", "RESOLUTION"]
MarketText = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=NAME_LENGTH_MAX,
        description="a market's id of any platform, or the slug of one of ours",
        examples=["kalshi:KXHIGHNY-26JAN31-B40"],
        extra_json_schema={"pattern": "^[!-~]+$"},
    ),
]
OrderText = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=NAME_LENGTH,
        description="one of one's own orders; with FILL only",
        extra_json_schema={"pattern": "^[1-9][0-9]{0,18}$"},
    ),
]
WebhookText = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=NAME_LENGTH,
        description="one of one's own webhooks, where it is sent beside the page",
        extra_json_schema={"pattern": "^[1-9][0-9]{0,18}$"},
    ),
]
MinutesNumber = Annotated[
    int, msgspec.Meta(ge=1, le=MINUTES_MOST, description="so long before the close")
]
PauseNumber = Annotated[
    int,
    msgspec.Meta(
        ge=PAUSE_LEAST_S,
        le=PAUSE_MOST_S,
        description="fires again, at most once in so many seconds; unset: fires once",
    ),
]
NoteText = Annotated[
    str, msgspec.Meta(max_length=NOTE_LENGTH, description="a word to oneself, told with it")
]


class NewAlertBody(BodyStruct, frozen=True):
    """What to be told of; which fields go with which kind is in docs/alerts.md.

    `market`, or `marketId` or `slug` in its place, is any platform's. `outcome` is YES unless
    given; `price` is of it. `volume` is what was paid within 24 hours, in the market's currency.
    """

    kind: KindName
    market: MarketText | None = None
    market_id: MarketText | None = None
    slug: MarketText | None = None
    outcome: Outcome | None = None
    price: PriceText = not_given()
    volume: MoneyText = not_given()
    minutes: MinutesNumber | None = None
    order_id: OrderText | None = None
    note: NoteText = ""
    pause_seconds: PauseNumber | None = None
    webhook_id: WebhookText | None = None


class AlertChangeBody(BodyStruct, frozen=True):
    """What an alert gets; what isn't given stays.

    `once` makes one fire once, `pauseSeconds` again and again; `toWebhook` false takes its webhook
    away. `active` true looks out for it (anew), false leaves it be.
    """

    price: PriceText = not_given()
    volume: MoneyText = not_given()
    minutes: MinutesNumber | None = None
    note: NoteText | None = None
    pause_seconds: PauseNumber | None = None
    once: bool | None = None
    webhook_id: WebhookText | None = None
    to_webhook: bool | None = None
    active: bool | None = None


def new_terms(
    body: NewAlertBody, ref: MarketRef | None, webhook_id: int | None, named_by: str = "marketId"
) -> AlertTerms:
    """Return what an alert looks for; raises ValidationFailed naming the field.

    `named_by` is the field that named the market.
    """
    kind = AlertKind(body.kind)
    if ref is None and kind is not AlertKind.FILL:
        raise ValidationFailed.of("marketId", f"is required with {kind}")
    if ref is not None and kind is AlertKind.FILL and ref.platform != OURS:
        raise ValidationFailed.of(named_by, "must be one of ours: fills are of orders here")
    if body.outcome is not None and kind not in PRICES:
        raise ValidationFailed.of("outcome", "goes with PRICE_ABOVE and PRICE_BELOW only")
    if body.order_id is not None and kind is not AlertKind.FILL:
        raise ValidationFailed.of("orderId", "goes with FILL only")
    if body.pause_seconds is not None and kind in _ONCE_ONLY:
        raise ValidationFailed.of("pauseSeconds", f"{kind} comes once")
    outcome = (body.outcome or YES).value if kind in PRICES else None
    return AlertTerms(
        kind=kind.value,
        platform=None if ref is None else ref.platform,
        external_id=None if ref is None else ref.external_id,
        outcome=outcome,
        threshold=_threshold(kind, body.price, body.volume, body.minutes, is_new=True),
        order_id=number_of(body.order_id, "orderId"),
        note=stored_text(body.note.strip(), "note", NOTE_LENGTH),
        pause_s=body.pause_seconds,
        webhook_id=webhook_id,
    )


def changed_terms(was: AlertTerms, body: AlertChangeBody, webhook_id: int | None) -> AlertTerms:
    """Return what an alert looks for after a change; raises ValidationFailed naming the field."""
    kind = AlertKind(was.kind)
    if body.once and body.pause_seconds is not None:
        raise ValidationFailed.of("once", "give either once or pauseSeconds")
    if body.pause_seconds is not None and kind in _ONCE_ONLY:
        raise ValidationFailed.of("pauseSeconds", f"{kind} comes once")
    if body.to_webhook is False and body.webhook_id is not None:
        raise ValidationFailed.of("toWebhook", "give either webhookId or toWebhook false")
    threshold = _threshold(kind, body.price, body.volume, body.minutes, is_new=False)
    pause = was.pause_s if body.pause_seconds is None else body.pause_seconds
    note = was.note
    if body.note is not None:
        note = stored_text(body.note.strip(), "note", NOTE_LENGTH)
    webhook = was.webhook_id if webhook_id is None else webhook_id
    return msgspec.structs.replace(
        was,
        threshold=was.threshold if threshold is None else threshold,
        note=note,
        pause_s=None if body.once else pause,
        webhook_id=None if body.to_webhook is False else webhook,
    )


def number_of(text: str | None, field: str) -> int | None:
    """Return the id that a text writes, None for none; raises ValidationFailed naming `field`."""
    if text is None:
        return None
    number = parse_id(text)
    if number is None:
        raise ValidationFailed.of(field, "must be an id")
    return number


def _threshold(
    kind: AlertKind, price: msgspec.Raw, volume: msgspec.Raw, minutes: int | None, *, is_new: bool
) -> int | None:
    given = {
        "price": strict_json.is_given(price),
        "volume": strict_json.is_given(volume),
        "minutes": minutes is not None,
    }
    wanted = {
        AlertKind.PRICE_ABOVE: "price",
        AlertKind.PRICE_BELOW: "price",
        AlertKind.VOLUME_ABOVE: "volume",
        AlertKind.CLOSE: "minutes",
    }.get(kind)
    for field, is_there in given.items():
        if is_there and field != wanted:
            raise ValidationFailed.of(field, f"doesn't go with {kind}")
    if wanted is None:
        return None
    if not given[wanted]:
        if is_new:
            raise ValidationFailed.of(wanted, f"is required with {kind}")
        return None
    if wanted == "price":
        return strict_json.price(price)
    return strict_json.money(volume, "volume") if wanted == "volume" else minutes
