"""Kalshi's markets and events in the one format.

Laws: what the market's own answer doesn't say (category, tags, fees) comes from its event and its
series, which the caller hands in; a status or a result that nobody explained is refused, not
guessed. A contract pays one dollar, so volume is told as face value: contracts x 1 USD.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from exchange.messages.bounds import PRICE_SCALE, TIME_MAX
from exchange.messages.terms import Resolution
from gateway.feeds.kalshi import numbers
from gateway.feeds.kalshi.answers import EventAnswer, MarketAnswer, SeriesAnswer
from gateway.feeds.kalshi.numbers import ONE, Number, NumberForms
from gateway.feeds.model import FINAL, ListedStatus, Unrepresentable, VenueEvent, VenueMarket
from gateway.feeds.reading import NAMES_MAX, TEXT_MAX, TITLE_MAX, clean
from gateway.venues import kalshi as schedule

PLATFORM: Final = "kalshi"
CURRENCY: Final = "USD"

ID_LENGTH: Final = 255
LABEL_LENGTH: Final = 200

STATUSES: Final = {
    "unopened": ListedStatus.DRAFT,
    "initialized": ListedStatus.DRAFT,
    "open": ListedStatus.OPEN,
    "active": ListedStatus.OPEN,
    "paused": ListedStatus.HALTED,
    "inactive": ListedStatus.HALTED,
    "closed": ListedStatus.CLOSED,
    "determined": ListedStatus.RESOLVING,
    "disputed": ListedStatus.RESOLVING,
    "amended": ListedStatus.RESOLVING,
    "settled": ListedStatus.RESOLVED,
    "finalized": ListedStatus.RESOLVED,
}
"""docs.kalshi.com/getting_started/market_lifecycle, with the words of before 2025."""

_TICKS: Final = {"linear_cent": 100, "tapered_deci_cent": 10, "deci_cent": 10}
_WHOLE_CONTRACT: Final = 100
_SECONDS_MAX: Final = TIME_MAX // 1_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Background(msgspec.Struct, frozen=True):
    """What is known of a market's event and series."""

    event: EventAnswer | None = None
    series: SeriesAnswer | None = None


def market(answer: MarketAnswer, background: Background, forms: NumberForms) -> VenueMarket:
    """Return a market; raises Unrepresentable."""
    _check(answer, forms)
    status = STATUSES.get(answer.status)
    if status is None:
        raise Unrepresentable("status", answer.status[:40])
    resolution, payout = (None, None)
    if status in FINAL:
        resolution, payout = _resolution(answer, forms)
        status = ListedStatus.VOID if resolution is Resolution.VOID else status
    event, series = background.event, background.series
    quote = _quote(answer, forms, is_final=status in FINAL)
    return VenueMarket(
        platform=PLATFORM,
        external_id=answer.ticker,
        question=_question(answer),
        description=text(_description(answer), TEXT_MAX),
        category=text(_category(background), LABEL_LENGTH),
        tags=tags(series),
        event_id=answer.event_ticker or None,
        event_title=text(event.title, TITLE_MAX) or None if event else None,
        status=status,
        close_time=micros(answer.close_time),
        created_at=micros(answer.created_time),
        resolved_at=micros(answer.settlement_ts) if status in FINAL else None,
        resolution=resolution,
        yes_payout=payout,
        fees=fees(background),
        tick_size=_tick(answer),
        min_quantity=_least(answer),
        volume_24h=_face_value(answer.volume_24h, answer.volume_24h_fp, forms),
        volume_total=_face_value(answer.volume, answer.volume_fp, forms),
        liquidity=_liquidity(answer, forms),
        currency=CURRENCY,
        open_interest=_open_interest(answer, forms),
        url=url(series),
        stream_keys=(answer.ticker,),
        yes_price=quote.yes_price,
        best_bid=quote.best_bid,
        best_ask=quote.best_ask,
        bid_quantity=quote.bid_quantity,
        ask_quantity=quote.ask_quantity,
        last_price=quote.last_price,
    )


def event(answer: EventAnswer) -> VenueEvent:
    """Return an event; raises Unrepresentable."""
    if not 0 < len(answer.event_ticker) <= ID_LENGTH:
        raise Unrepresentable("id", answer.event_ticker[:40])
    return VenueEvent(
        platform=PLATFORM,
        external_id=answer.event_ticker,
        title=text(answer.title, TITLE_MAX) or answer.event_ticker,
        description=text(answer.sub_title, TEXT_MAX),
        category=text(answer.category, LABEL_LENGTH),
        exclusive=answer.mutually_exclusive is True,
        close_time=micros(answer.strike_date),
        venue_at=micros(answer.last_updated_ts),
    )


def fees(background: Background) -> tuple[tuple[str, str], ...]:
    """Return the fee terms of a market: its event's where that overrides its series'."""
    event, series = background.event, background.series
    kind = (event and event.fee_type_override) or (series and series.fee_type)
    multiplier: Number = series.fee_multiplier if series else None
    if event is not None and event.fee_multiplier_override is not None:
        multiplier = event.fee_multiplier_override
    if not kind or multiplier is None or multiplier == "":
        return ()
    return schedule.terms(kind, Decimal(numbers.exact(multiplier)) / ONE)


def tags(series: SeriesAnswer | None) -> tuple[str, ...]:
    """Return a series' tags."""
    if series is None or not series.tags:
        return ()
    return tuple(text(tag, LABEL_LENGTH) for tag in series.tags[:NAMES_MAX])


def text(value: str | None, most: int) -> str:
    """Return foreign text fit to be stored and shown."""
    return clean(value, most) if value else ""


def micros(value: str | float | None) -> int | None:
    """Return microseconds since the epoch of an ISO time or of seconds; None for none.

    None, too, for what the venue says where it knows no time (the year 1). Raises Unrepresentable.
    """
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        if not 0 < value <= _SECONDS_MAX:
            return None
        return numbers.exact(value) // (ONE // 1_000_000)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise Unrepresentable("time", value[:40]) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = moment - _EPOCH
    found = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    return found if found > 0 else None


def _check(answer: MarketAnswer, forms: NumberForms) -> None:
    """Raise Unrepresentable for a contract that isn't one dollar's worth of YES or NO."""
    if not 0 < len(answer.ticker) <= ID_LENGTH or len(answer.event_ticker) > ID_LENGTH:
        raise Unrepresentable("id", answer.ticker[:40])
    if answer.market_type not in {None, "", "binary", "scalar"}:
        raise Unrepresentable("market_type", str(answer.market_type)[:40])
    notional = numbers.dollars(answer.notional_value, answer.notional_value_dollars, forms)
    if notional is not None and notional != ONE:
        raise Unrepresentable("notional")


def _resolution(answer: MarketAnswer, forms: NumberForms) -> tuple[Resolution, int | None]:
    """Return how a settled market ended, and what YES was paid if that isn't all or nothing."""
    value = numbers.dollars(answer.settlement_value, answer.settlement_value_dollars, forms)
    match answer.result:
        case "yes":
            return Resolution.YES, None
        case "no":
            return Resolution.NO, None
        case "void":
            return Resolution.VOID, None
        case "scalar":
            return _split(value)
        case None | "":
            raise Unrepresentable("no_result")
        case other:
            raise Unrepresentable("result", other[:40])


def _split(value: int | None) -> tuple[Resolution, int | None]:
    if value is None:
        raise Unrepresentable("scalar_without_value")
    units, rest = divmod(value, ONE // PRICE_SCALE)
    if rest or not 0 <= units <= PRICE_SCALE:
        raise Unrepresentable("scalar_value")
    if units in {0, PRICE_SCALE}:
        return (Resolution.YES if units else Resolution.NO), None
    return Resolution.SPLIT, units


def _question(answer: MarketAnswer) -> str:
    """Return the title with the answer that this market is about: an event's share one title."""
    title = text(answer.title, TITLE_MAX)
    about = text(answer.yes_sub_title or answer.subtitle, TITLE_MAX)
    if not about or about == title:
        return title or answer.ticker
    return text(f"{title} ({about})" if title else about, TITLE_MAX)


def _description(answer: MarketAnswer) -> str:
    parts = (answer.rules_primary, answer.rules_secondary)
    return "\n\n".join(part for part in parts if part)


def _category(background: Background) -> str | None:
    event, series = background.event, background.series
    said = None if event is None else event.category
    return said or (None if series is None else series.category)


class _Quote(NamedTuple):
    yes_price: int | None = None
    best_bid: int | None = None
    best_ask: int | None = None
    bid_quantity: int | None = None
    ask_quantity: int | None = None
    last_price: int | None = None


def _quote(answer: MarketAnswer, forms: NumberForms, *, is_final: bool) -> _Quote:
    """Return prices and what stands behind them; nothing of a market that is over."""
    bid = numbers.bid(numbers.dollars(answer.yes_bid, answer.yes_bid_dollars, forms))
    ask = numbers.ask(_best_ask(answer, forms))
    last = numbers.paid(numbers.dollars(answer.last_price, answer.last_price_dollars, forms))
    bid_size = numbers.contracts(None, answer.yes_bid_size_fp, forms)
    ask_size = numbers.contracts(None, answer.yes_ask_size_fp, forms)
    if is_final:
        return _Quote()
    # A price with nothing behind it is a placeholder like 0 and 1.
    bid = None if bid_size == 0 else bid
    ask = None if ask_size == 0 else ask
    between = None if bid is None or ask is None or bid > ask else (bid + ask) // 2
    return _Quote(
        yes_price=last if between is None else between,
        best_bid=bid,
        best_ask=ask,
        bid_quantity=None if bid is None else numbers.quantity(bid_size),
        ask_quantity=None if ask is None else numbers.quantity(ask_size),
        last_price=last,
    )


def _best_ask(answer: MarketAnswer, forms: NumberForms) -> int | None:
    """Return the ask of YES: said, or what the best bid for NO leaves of a dollar."""
    no_bid = numbers.dollars(answer.no_bid, answer.no_bid_dollars, forms)
    numbers.dollars(answer.no_ask, answer.no_ask_dollars, forms)
    said = numbers.dollars(answer.yes_ask, answer.yes_ask_dollars, forms)
    return ONE - no_bid if said is None and no_bid is not None else said


def _face_value(whole: Number, exact: Number, forms: NumberForms) -> Decimal | None:
    count = numbers.contracts(whole, exact, forms)
    return None if count is None or count < 0 else Decimal(count) / ONE


def _liquidity(answer: MarketAnswer, forms: NumberForms) -> Decimal | None:
    """Return the dollars offered; since spring 2026 the venue says 0 for every market: None."""
    amount = numbers.dollars(answer.liquidity, answer.liquidity_dollars, forms)
    return Decimal(amount) / ONE if amount is not None and amount > 0 else None


def _open_interest(answer: MarketAnswer, forms: NumberForms) -> int | None:
    return numbers.total(numbers.contracts(answer.open_interest, answer.open_interest_fp, forms))


def _tick(answer: MarketAnswer) -> int | None:
    """Return the finest step between two prices; where it changes by price, the finest of all."""
    steps = [numbers.exact(found.step) for found in answer.price_ranges or () if found.step]
    units = [step // (ONE // PRICE_SCALE) for step in steps if step > 0]
    if units:
        return min(units) or None
    if answer.price_level_structure in _TICKS:
        return _TICKS[answer.price_level_structure]
    cents = None if answer.tick_size is None else numbers.exact(answer.tick_size)
    return cents * 100 // ONE if cents is not None and cents > 0 else None


def _least(answer: MarketAnswer) -> int | None:
    """Return the least quantity: a whole contract, or 1/100 where the market says so."""
    if answer.fractional_trading_enabled is None:
        # Before 2026's last spring each market said; before that there were whole ones alone.
        return _WHOLE_CONTRACT if answer.tick_size is not None else None
    return 1 if answer.fractional_trading_enabled else _WHOLE_CONTRACT


def url(series: SeriesAnswer | None) -> str | None:
    """Return the page of a series on the venue's site, None of one that nobody knows."""
    if series is None or not series.ticker.isascii() or "/" in series.ticker:
        return None
    return f"https://kalshi.com/markets/{series.ticker.lower()}"
