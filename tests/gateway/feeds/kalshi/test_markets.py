"""Kalshi's markets and events in the one format, quirk by quirk."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from exchange.messages.terms import Resolution
from gateway.feeds.kalshi import markets
from gateway.feeds.kalshi.answers import EventAnswer, MarketAnswer, SeriesAnswer
from gateway.feeds.kalshi.markets import Background
from gateway.feeds.kalshi.numbers import NumberForms
from gateway.feeds.model import ListedStatus, Unrepresentable, VenueEvent, VenueMarket
from gateway.feeds.reading import TEXT_MAX, TITLE_MAX
from tests.venues import kalshi_samples as samples
from tests.venues.kalshi_samples import Shape

KNOWN = Background(
    msgspec.convert(samples.event(), EventAnswer), msgspec.convert(samples.series(), SeriesAnswer)
)


def converted(
    answer: dict[str, Any], background: Background = KNOWN, forms: NumberForms | None = None
) -> VenueMarket:
    decoded = msgspec.json.decode(msgspec.json.encode(answer), type=MarketAnswer)
    return markets.market(decoded, background, forms or NumberForms())


def refused(answer: dict[str, Any]) -> str:
    with pytest.raises(Unrepresentable) as told:
        converted(answer)
    return told.value.reason


def test_a_market_field_by_field() -> None:
    assert converted(samples.market()) == VenueMarket(
        platform="kalshi",
        external_id="RAIN-26DEC01-NYC",
        question="Where will it rain? (NYC)",
        description="If it rains, then the market resolves to Yes.",
        category="Climate and Weather",
        tags=("Rain", "Daily"),
        event_id="RAIN-26DEC01",
        event_title="Where will it rain?",
        status=ListedStatus.OPEN,
        close_time=1_796_166_000_000_000,
        created_at=1_793_520_000_500_000,
        yes_price=3_800,
        best_bid=3_700,
        best_ask=3_900,
        bid_quantity=836_800,
        ask_quantity=7_900,
        last_price=3_800,
        tick_size=100,
        min_quantity=100,
        fees=(("taker_rate", "0.07"), ("maker_rate", "0")),
        volume_24h=Decimal(204),
        volume_total=Decimal(531),
        currency="USD",
        open_interest=51_700,
        url="https://kalshi.com/markets/rain",
        stream_keys=("RAIN-26DEC01-NYC",),
    )


def test_the_three_shapes_are_one_market() -> None:
    forms = NumberForms()
    exact = converted(samples.market(), forms=forms)
    assert forms == NumberForms()
    assert converted(samples.market(shape=Shape.CENTS), forms=forms) == exact
    assert forms == NumberForms()
    assert converted(samples.market(shape=Shape.BOTH), forms=forms) == exact
    assert forms == NumberForms(equal=8)


@pytest.mark.parametrize("shape", list(Shape))
@pytest.mark.parametrize(
    ("bid", "ask"), [("0", "1"), ("0", "0"), ("1", "1")], ids=["none", "combo", "upside-down"]
)
def test_placeholders_are_no_prices(shape: Shape, bid: str, ask: str) -> None:
    quotes = samples.in_shape(
        {"yes_bid": bid, "yes_ask": ask, "no_bid": "1", "no_ask": "1", "last_price": "0"}, shape
    )
    found = converted(samples.market(shape=shape) | quotes)
    assert (found.best_bid, found.best_ask, found.last_price, found.yes_price) == (None,) * 4
    assert (found.bid_quantity, found.ask_quantity) == (None, None)


def test_a_price_with_nothing_behind_it_is_a_placeholder() -> None:
    found = converted(samples.market(yes_ask_size_fp="0.00"))
    assert (found.best_bid, found.best_ask, found.ask_quantity) == (3_700, None, None)
    assert found.yes_price == 3_800


def test_without_an_ask_it_is_what_the_best_bid_for_no_leaves() -> None:
    answer = samples.market()
    del answer["yes_ask_dollars"]
    assert converted(answer).best_ask == 3_900


def test_one_side_alone_is_worth_what_was_paid_last() -> None:
    found = converted(samples.market(yes_bid_dollars="0.0000", last_price_dollars="0.0100"))
    assert (found.best_bid, found.best_ask, found.yes_price) == (None, 3_900, 100)


@pytest.mark.parametrize(
    ("structure", "step", "tick"),
    [("linear_cent", "0.0100", 100), ("deci_cent", "0.0010", 10), ("new", "0.0001", 1)],
)
def test_the_tick_is_the_finest_step(structure: str, step: str, tick: int) -> None:
    ranges = [{"start": "0.0000", "end": "0.1000", "step": step}, {"step": "0.0100"}]
    answer = samples.market(price_level_structure=structure, price_ranges=ranges)
    assert converted(answer).tick_size == tick
    without = samples.market(price_level_structure=structure, price_ranges=None)
    assert converted(without).tick_size == {100: 100, 10: 10, 1: None}[tick]


def test_the_tick_of_old_is_in_cents() -> None:
    old = samples.market(price_level_structure=None, price_ranges=None, tick_size=1)
    del old["fractional_trading_enabled"]
    assert (converted(old).tick_size, converted(old).min_quantity) == (100, 100)


@pytest.mark.parametrize(("said", "least"), [(True, 1), (False, 100), (None, None)])
def test_fractional_contracts_are_traded_where_the_market_says_so(
    said: bool | None, least: int | None
) -> None:
    assert converted(samples.market(fractional_trading_enabled=said)).min_quantity == least


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("initialized", ListedStatus.DRAFT),
        ("active", ListedStatus.OPEN),
        ("open", ListedStatus.OPEN),
        ("inactive", ListedStatus.HALTED),
        ("closed", ListedStatus.CLOSED),
        ("determined", ListedStatus.RESOLVING),
        ("disputed", ListedStatus.RESOLVING),
        ("amended", ListedStatus.RESOLVING),
    ],
)
def test_a_life_in_our_words(status: str, expected: ListedStatus) -> None:
    found = converted(samples.market(status=status, result="yes"))
    assert (found.status, found.resolution, found.resolved_at) == (expected, None, None)


@pytest.mark.parametrize(
    ("result", "value", "resolution", "payout"),
    [
        ("yes", {}, Resolution.YES, None),
        ("no", {}, Resolution.NO, None),
        ("void", {}, Resolution.VOID, None),
        ("scalar", {"settlement_value_dollars": "0.6400"}, Resolution.SPLIT, 6_400),
        ("scalar", {"settlement_value": 64}, Resolution.SPLIT, 6_400),
        ("scalar", {"settlement_value_dollars": "1.0000"}, Resolution.YES, None),
        ("scalar", {"settlement_value_dollars": "0.0000"}, Resolution.NO, None),
    ],
)
def test_how_a_market_ended(
    result: str, value: dict[str, Any], resolution: Resolution, payout: int | None
) -> None:
    answer = samples.market(
        status="finalized", result=result, settlement_ts="2026-12-02T01:00:00Z", **value
    )
    found = converted(answer)
    over = ListedStatus.VOID if resolution is Resolution.VOID else ListedStatus.RESOLVED
    assert (found.status, found.resolution, found.yes_payout) == (over, resolution, payout)
    assert found.resolved_at == 1_796_173_200_000_000
    prices = (found.yes_price, found.best_bid, found.best_ask, found.last_price)
    assert prices == (None, None, None, None)


@pytest.mark.parametrize(
    ("over", "reason"),
    [
        ({"status": "maybe"}, "status"),
        ({"status": "finalized", "result": ""}, "no_result"),
        ({"status": "finalized", "result": "both"}, "result"),
        ({"status": "finalized", "result": "scalar"}, "scalar_without_value"),
        (
            {"status": "finalized", "result": "scalar", "settlement_value_dollars": "1.2"},
            "scalar_value",
        ),
        (
            {"status": "finalized", "result": "scalar", "settlement_value_dollars": "0.33333"},
            "scalar_value",
        ),
        ({"notional_value_dollars": "10.0000"}, "notional"),
        ({"market_type": "categorical"}, "market_type"),
        ({"ticker": ""}, "id"),
        ({"ticker": "X" * 256}, "id"),
        ({"close_time": "tomorrow"}, "time"),
        ({"yes_bid_dollars": "0,37"}, "number"),
        ({"volume_fp": "many"}, "number"),
    ],
)
def test_what_has_no_form_is_refused_by_its_reason(over: dict[str, Any], reason: str) -> None:
    assert refused(samples.market() | over) == reason


def test_a_combo_is_a_market_like_others() -> None:
    legs = "yes New York,no Boston"
    combo = samples.market(
        "KXMVE-S2026A-B1",
        title=legs,
        yes_sub_title=legs,
        mve_collection_ticker="KXMVE-R",
        mve_selected_legs=[{"market_ticker": "A", "side": "yes"}],
        price_level_structure="deci_cent",
        price_ranges=[{"start": "0.0000", "end": "1.0000", "step": "0.0010"}],
        yes_bid_dollars="0.1450",
        yes_ask_dollars="0.1480",
    )
    found = converted(combo, Background())
    assert (found.question, found.tick_size) == (legs, 10)
    assert (found.best_bid, found.best_ask, found.yes_price) == (1_450, 1_480, 1_465)
    assert (found.category, found.tags, found.fees, found.url) == ("", (), (), None)


def test_markets_of_one_title_can_be_told_apart() -> None:
    one = samples.market(title="Boston vs New York Winner?", yes_sub_title="Boston")
    other = samples.market(title="Boston vs New York Winner?", yes_sub_title="New York")
    assert converted(one).question != converted(other).question


def test_a_time_that_the_venue_doesnt_know_is_none() -> None:
    found = converted(samples.market(created_time="0001-01-01T00:00:00Z", close_time=None))
    assert (found.created_at, found.close_time) == (None, None)


def test_foreign_text_is_bounded_and_fit_to_be_stored() -> None:
    found = converted(samples.market(title="a\x00b" * 5_000, rules_primary="r" * 50_000))
    assert "\x00" not in found.question
    assert (len(found.question) <= TITLE_MAX, len(found.description)) == (True, TEXT_MAX)


@pytest.mark.parametrize(
    ("event", "series", "expected"),
    [
        ({}, {}, (("taker_rate", "0.07"), ("maker_rate", "0"))),
        ({}, {"fee_multiplier": 0.5}, (("taker_rate", "0.035"), ("maker_rate", "0"))),
        (
            {},
            {"fee_type": "quadratic_with_maker_fees"},
            (("taker_rate", "0.07"), ("maker_rate", "0.0175")),
        ),
        (
            {"fee_type_override": "quadratic_with_maker_fees", "fee_multiplier_override": "2"},
            {},
            (("taker_rate", "0.14"), ("maker_rate", "0.035")),
        ),
        ({}, {"fee_type": "flat"}, ()),
        ({}, {"fee_multiplier": None}, ()),
        ({}, {"fee_type": None}, ()),
    ],
)
def test_fees_are_the_series_unless_the_event_says_otherwise(
    event: dict[str, Any], series: dict[str, Any], expected: tuple[tuple[str, str], ...]
) -> None:
    known = Background(
        msgspec.convert(samples.event(**event), EventAnswer),
        msgspec.convert(samples.series(**series), SeriesAnswer),
    )
    assert converted(samples.market(), known).fees == expected


def test_an_event_field_by_field() -> None:
    answer = samples.event(
        strike_date="2026-12-01T23:00:00Z", last_updated_ts="2026-11-20T00:00:00Z"
    )
    assert markets.event(msgspec.convert(answer, EventAnswer)) == VenueEvent(
        platform="kalshi",
        external_id="RAIN-26DEC01",
        title="Where will it rain?",
        description="On Dec 1, 2026",
        category="Climate and Weather",
        exclusive=True,
        close_time=1_796_166_000_000_000,
        venue_at=1_795_132_800_000_000,
    )
