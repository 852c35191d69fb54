"""Polymarket's markets and events in the one format.

Laws: the first outcome is YES; a market without an id, a question or two outcomes, and one whose
shares pay by a scale (`scalar`), are refused by reason. A result is taken where the venue states
it: prices of exactly or nearly 0 and 1 (legacy markets end at 0.0000010110...), or a half each,
of a market that is closed and not in dispute; 0 and 0, and whatever else lies between, states none.
Closed wins over "accepting orders", of which both can be set. A field in a form that isn't known
is left out and named in `unread`.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Final, TypeVar

import msgspec

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.terms import Resolution
from gateway.feeds import reading
from gateway.feeds.model import FINAL, ListedStatus, Unrepresentable, VenueEvent, VenueMarket
from gateway.feeds.polymarket.answers import FeeSchedule, GammaEvent, GammaMarket, GammaTag
from gateway.feeds.reading import Misread, Raw, is_said

T = TypeVar("T")

PLATFORM: Final = "polymarket"
CURRENCY: Final = "USDC"
SITE: Final = "https://polymarket.com"
ID_MAX: Final = 200
_SETTLED: Final = Decimal("0.0001")
"""A closed market's price so near to 0 or 1 is what is left of it by rounding."""
_HALF: Final = Decimal("0.5")
_BINARY: Final = 2
_TAGS_MAX: Final = 20
_FEE_MAX: Final = Decimal(100_000)
_CATEGORIES: Final = (
    "politics",
    "elections",
    "sports",
    "esports",
    "crypto",
    "finance",
    "economy",
    "business",
    "tech",
    "ai",
    "science",
    "weather",
    "geopolitics",
    "world",
    "pop-culture",
    "culture",
    "mentions",
)
"""Slugs of tags that say what a question is about, the most telling first."""
_NO_TOPIC: Final = frozenset({"all", "hide-from-new", "recurring", "featured", "trending"})

_gamma_market: Final = msgspec.json.Decoder(GammaMarket).decode
_gamma_event: Final = msgspec.json.Decoder(GammaEvent).decode
_gamma_tag: Final = msgspec.json.Decoder(GammaTag).decode
_schedule: Final = msgspec.json.Decoder(FeeSchedule).decode


class Fields:
    """Reads fields one by one and notes which had a form that isn't known."""

    def __init__(self) -> None:
        """Nothing is amiss yet."""
        self.unread: list[str] = []

    def read(self, name: str, read: Callable[[Raw], T | None], raw: Raw) -> T | None:
        """Return a field's value; None if it isn't said, or in no known form."""
        try:
            return read(raw)
        except (Misread, msgspec.DecodeError, UnicodeDecodeError):
            self.unread.append(name)
            return None

    def first(self, read: Callable[[Raw], T | None], *named: tuple[str, Raw]) -> T | None:
        """Return the first of several fields that says something."""
        for name, raw in named:
            if (found := self.read(name, read, raw)) is not None:
                return found
        return None


def decoded(raw: bytes | Raw, decode: Callable[[bytes | Raw], T]) -> T:
    """Return a decoded object; raises Unrepresentable for what is none."""
    try:
        return decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unrepresentable("malformed") from None


def gamma_event(raw: bytes | Raw) -> tuple[VenueEvent, list[Raw]]:
    """Return an event and the markets in it, unread; raises Unrepresentable."""
    found = decoded(raw, _gamma_event)
    fields = Fields()
    event = _event(found, fields)
    if event is None:
        raise Unrepresentable("no_id")
    return event, fields.read("markets", reading.items, found.markets) or []


def gamma_market(
    raw: bytes | Raw, of: VenueEvent | None = None
) -> tuple[VenueMarket, VenueEvent | None, list[str]]:
    """Return a market, its event and the names of fields that couldn't be read.

    `of` is the event whose answer held the market. Raises Unrepresentable.
    """
    found = decoded(raw, _gamma_market)
    fields = Fields()
    external_id = fields.read("conditionId", reading.text, found.condition_id)
    if external_id is None or len(external_id) > ID_MAX:
        raise Unrepresentable("no_id")
    question = fields.read("question", reading.text, found.question)
    if question is None:
        raise Unrepresentable("no_question", external_id)
    outcomes = _outcomes(found, fields, external_id)
    event = of or _event_of(found, fields)
    status, resolution, yes_payout = _state(found, fields)
    tags, category = _topics(found, fields, event)
    slug = fields.read("slug", reading.text, found.slug)
    market = VenueMarket(
        platform=PLATFORM,
        external_id=external_id,
        question=question,
        slug=slug,
        description=fields.read("description", _long_text, found.description) or "",
        category=category,
        tags=tags,
        event_id=event.external_id if event else None,
        event_title=event.title if event else None,
        outcomes=outcomes,
        status=status,
        close_time=fields.first(
            reading.moment, ("endDate", found.end_date), ("endDateIso", found.end_date_iso)
        ),
        created_at=fields.first(
            reading.moment, ("createdAt", found.created_at), ("startDate", found.start_date)
        ),
        resolved_at=fields.first(
            reading.moment, ("closedTime", found.closed_time), ("umaEndDate", found.uma_end_date)
        )
        if resolution is not None
        else None,
        resolution=resolution,
        yes_payout=yes_payout,
        tick_size=fields.read("orderPriceMinTickSize", tick_size, found.order_price_min_tick_size),
        min_quantity=reading.quantity(
            fields.read("orderMinSize", reading.decimal, found.order_min_size)
        ),
        fees=_fees(found, fields),
        volume_24h=fields.read("volume24hr", amount, found.volume24hr),
        volume_total=fields.first(
            amount, ("volumeNum", found.volume_num), ("volume", found.volume)
        ),
        liquidity=fields.first(
            amount, ("liquidityNum", found.liquidity_num), ("liquidity", found.liquidity)
        ),
        currency=CURRENCY,
        url=_url(event, slug),
        stream_keys=_token_ids(fields.read("clobTokenIds", reading.texts, found.clob_token_ids)),
        venue_at=fields.read("updatedAt", reading.moment, found.updated_at),
    )
    if status not in FINAL:
        market = _priced(market, found, fields)
    return market, event, fields.unread


def tick_size(raw: Raw) -> int | None:
    """Return a tick in price units; raises Misread for one that is no whole number of them."""
    number = reading.decimal(raw)
    if number is None:
        return None
    units = number * PRICE_SCALE
    if units != units.to_integral_value() or not 0 < units < PRICE_SCALE:
        raise Misread("no tick")
    return int(units)


def amount(raw: Raw) -> Decimal | None:
    """Return an amount of money."""
    return reading.money(reading.decimal(raw))


def result(yes: Decimal, no: Decimal) -> tuple[Resolution, int | None] | None:
    """Return what final prices of both outcomes say: the result and YES's payout if it is a split.

    None where they say nothing: both 0, or anything between that isn't a half each.
    """
    if yes == no == _HALF:
        return Resolution.SPLIT, PRICE_SCALE // 2
    if no <= _SETTLED and 1 - yes <= _SETTLED:
        return Resolution.YES, None
    if yes <= _SETTLED and 1 - no <= _SETTLED:
        return Resolution.NO, None
    return None


def _outcomes(found: GammaMarket, fields: Fields, external_id: str) -> tuple[str, str]:
    """Return what YES and NO are called; raises Unrepresentable for what isn't YES and NO."""
    outcomes = fields.read("outcomes", reading.texts, found.outcomes)
    if outcomes is None:
        raise Unrepresentable("no_outcomes", external_id)
    if len(outcomes) != _BINARY:
        raise Unrepresentable("not_binary", external_id)
    if fields.read("marketType", reading.text, found.market_type) == "scalar":
        raise Unrepresentable("scalar", external_id)
    return outcomes[0] or "Yes", outcomes[1] or "No"


def _long_text(raw: Raw) -> str | None:
    return reading.text(raw, reading.TEXT_MAX)


def _event_of(found: GammaMarket, fields: Fields) -> VenueEvent | None:
    nested = fields.read("events", reading.items, found.events)
    if not nested:
        return None
    event = fields.read("events", _gamma_event, nested[0])
    return None if event is None else _event(event, fields)


def _event(found: GammaEvent, fields: Fields) -> VenueEvent | None:
    external_id = fields.read("event.id", reading.text, found.id)
    title = fields.read("event.title", reading.text, found.title)
    if external_id is None or title is None or len(external_id) > ID_MAX:
        return None
    slug = fields.read("event.slug", reading.text, found.slug)
    named = _named_tags(fields.read("event.tags", reading.items, found.tags), fields)
    said = fields.read("event.category", reading.text, found.category)
    return VenueEvent(
        platform=PLATFORM,
        external_id=external_id,
        title=title,
        slug=slug,
        description=fields.read("event.description", _long_text, found.description) or "",
        category=_category(said, named),
        tags=tuple(label for label, _ in named),
        exclusive=bool(
            fields.read("event.negRisk", reading.flag, found.neg_risk)
            or fields.read("event.enableNegRisk", reading.flag, found.enable_neg_risk)
        ),
        close_time=fields.read("event.endDate", reading.moment, found.end_date),
        url=f"{SITE}/event/{slug}" if slug else None,
        venue_at=fields.read("event.updatedAt", reading.moment, found.updated_at),
    )


def _named_tags(raws: list[Raw] | None, fields: Fields) -> list[tuple[str, str]]:
    """Return (label, slug) of tags, each once."""
    found: dict[str, str] = {}
    for raw in (raws or [])[:_TAGS_MAX]:
        tag = fields.read("tags", _gamma_tag, raw)
        label = fields.read("tags", reading.text, tag.label) if tag else None
        if tag and label:
            slug = fields.read("tags", reading.text, tag.slug)
            found.setdefault(label, slug or label.lower())
    return list(found.items())


def _topics(
    found: GammaMarket, fields: Fields, event: VenueEvent | None
) -> tuple[tuple[str, ...], str]:
    """Return a market's tags and its category: its own before its event's."""
    named = _named_tags(fields.read("tags", reading.items, found.tags), fields)
    category = _category(fields.read("category", reading.text, found.category), named)
    tags = tuple(label for label, _ in named) or (event.tags if event else ())
    return tags, category or (event.category if event else "")


def _category(said: str | None, named: list[tuple[str, str]]) -> str:
    if said:
        return said
    by_slug = {slug: label for label, slug in reversed(named)}
    for slug in _CATEGORIES:
        if slug in by_slug:
            return by_slug[slug]
    return next((label for label, slug in named if slug not in _NO_TOPIC), "")


def _state(
    found: GammaMarket, fields: Fields
) -> tuple[ListedStatus, Resolution | None, int | None]:
    """Return the status, the result and YES's payout."""
    is_closed = fields.read("closed", reading.flag, found.closed)
    oracle = fields.read("umaResolutionStatus", reading.text, found.uma_resolution_status)
    if is_closed:
        settled = None
        if oracle in {None, "resolved"}:
            yes, no = _outcome_prices(found, fields)
            settled = result(yes, no) if yes is not None and no is not None else None
        if settled is not None:
            return ListedStatus.RESOLVED, *settled
        return (ListedStatus.RESOLVING if oracle else ListedStatus.CLOSED), None, None
    if fields.read("archived", reading.flag, found.archived):
        return ListedStatus.CLOSED, None, None
    accepts = fields.read("acceptingOrders", reading.flag, found.accepting_orders)
    if fields.read("active", reading.flag, found.active) is False or is_closed is None:
        return ListedStatus.DRAFT, None, None
    if accepts:
        return ListedStatus.OPEN, None, None
    if oracle is not None:
        return ListedStatus.RESOLVING, None, None
    has_book = fields.read("enableOrderBook", reading.flag, found.enable_order_book)
    return (ListedStatus.HALTED if has_book else ListedStatus.DRAFT), None, None


def _outcome_prices(found: GammaMarket, fields: Fields) -> tuple[Decimal | None, Decimal | None]:
    prices = fields.read("outcomePrices", reading.items, found.outcome_prices)
    if prices is None or len(prices) != _BINARY:
        return None, None
    yes, no = (fields.read("outcomePrices", reading.decimal, price) for price in prices)
    return yes, no


def _priced(market: VenueMarket, found: GammaMarket, fields: Fields) -> VenueMarket:
    """Return a market with its prices; none of them if its best prices cross."""
    bid = reading.bid_price(fields.read("bestBid", reading.decimal, found.best_bid))
    ask = reading.ask_price(fields.read("bestAsk", reading.decimal, found.best_ask))
    if bid is not None and ask is not None and bid >= ask:
        bid = ask = None
    yes = reading.near_price(_outcome_prices(found, fields)[0])
    if yes is None and bid is not None and ask is not None:
        yes = (bid + ask) // 2
    last = fields.read("lastTradePrice", reading.decimal, found.last_trade_price)
    return msgspec.structs.replace(
        market,
        yes_price=yes,
        best_bid=bid,
        best_ask=ask,
        last_price=reading.near_price(last),
    )


def _fees(found: GammaMarket, fields: Fields) -> tuple[tuple[str, str], ...]:
    """Return the fee terms as `gateway/venues/polymarket.py` knows them; none where none is due."""
    if fields.read("feesEnabled", reading.flag, found.fees_enabled) is False:
        return ()
    if is_said(found.fee_schedule):
        schedule = fields.read("feeSchedule", _schedule, found.fee_schedule)
        if schedule is None:
            return ()
        is_taker_only = fields.read("feeSchedule", reading.flag, schedule.taker_only)
        terms = [
            ("rate", _term(fields, schedule.rate)),
            ("exponent", _term(fields, schedule.exponent)),
            ("taker_only", None if is_taker_only is None else str(int(is_taker_only))),
            ("rebate_rate", _term(fields, schedule.rebate_rate)),
        ]
        return tuple((name, text) for name, text in terms if text is not None)
    return base_fees(fields, found.taker_base_fee, found.maker_base_fee)


def base_fees(fields: Fields, taker: Raw, maker: Raw) -> tuple[tuple[str, str], ...]:
    """Return the terms of a market without a schedule, in 1/10 000."""
    terms = (("taker_base_fee", _term(fields, taker)), ("maker_base_fee", _term(fields, maker)))
    return tuple((name, text) for name, text in terms if text not in {None, "0"} and text)


def _term(fields: Fields, raw: Raw) -> str | None:
    number = fields.read("feeSchedule", reading.decimal, raw)
    if number is None:
        return None
    if not 0 <= number <= _FEE_MAX:
        fields.unread.append("feeSchedule")
        return None
    return f"{number:f}"


def _token_ids(ids: list[str] | None) -> tuple[str, ...]:
    """Return the two token ids, YES first; none if they aren't two."""
    if ids is None or len(ids) != _BINARY or not all(ids) or ids[0] == ids[1]:
        return ()
    return tuple(ids)


def _url(event: VenueEvent | None, slug: str | None) -> str | None:
    if event is not None and event.slug:
        return f"{SITE}/event/{event.slug}" + (f"/{slug}" if slug else "")
    return f"{SITE}/market/{slug}" if slug else None
