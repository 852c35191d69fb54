"""Kalshi's answers as wholes: books, prints, intervals, and what a change of shape costs."""

from typing import Any

import msgspec
import pytest

from gateway.feeds.kalshi import candles, pages
from gateway.feeds.kalshi.answers import SeriesAnswer
from gateway.feeds.kalshi.markets import Background
from gateway.feeds.kalshi.numbers import NumberForms
from gateway.feeds.model import PricePoint, TakenSide, Unrepresentable, VenueCandle
from tests.venues import kalshi_samples as samples

encode = msgspec.json.encode
DAY = 86_400


def book(**answer: Any) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]:
    found, _ = pages.book(encode(answer), "T")
    return found.bids, found.asks


def test_the_asks_are_the_bids_for_no_and_both_shapes_are_one_book() -> None:
    exact = {
        "yes_dollars": [["0.3600", "2"], ["0.3700", "8368.00"]],
        "no_dollars": [["0.6100", "79.5"]],
    }
    expected = (((3_700, 836_800), (3_600, 200)), ((3_900, 7_950),))
    assert book(orderbook_fp=exact) == expected
    # The order of the levels doesn't matter: REST ascends, other answers descend.
    assert book(orderbook_fp={side: levels[::-1] for side, levels in exact.items()}) == expected
    cents = {"yes": [[36, 2], [37, 8_368]], "no": [[61, 79]]}
    assert book(orderbook=cents)[0] == expected[0]
    found, forms = pages.book(encode({"orderbook": cents | {
        "yes_dollars": [["0.3600", 2], ["0.3700", 8_368]], "no_dollars": [["0.6100", 79]],
    }}), "T")  # fmt: skip
    assert found.asks == ((3_900, 7_900),)
    assert forms == NumberForms(equal=3)


@pytest.mark.parametrize(
    "sides", [{}, {"yes": None, "no": None, "yes_dollars": None}, {"yes_dollars": []}]
)
def test_an_empty_book_is_one(sides: dict[str, Any]) -> None:
    assert book(orderbook=sides) == ((), ())


def test_levels_that_come_to_less_than_a_hundredth_arent_there() -> None:
    assert book(orderbook_fp={"yes_dollars": [["0.3700", "0.004"], ["0.3600", "0"]]}) == ((), ())


def test_levels_off_our_grid_cost_a_reader_nothing() -> None:
    fine = {"yes_dollars": [["0.12345", "1"], ["0.12341", "2"]], "no_dollars": [["0.54321", "3"]]}
    assert book(orderbook_fp=fine) == (((1_234, 300),), ((4_568, 300),))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({}, "shape"),
        ({"orderbook": {"yes": [[52, 1]], "no": [[48, 1]]}}, "crossed"),
        ({"orderbook": {"yes": [[0, 1]]}}, "price"),
        ({"orderbook": {"yes": [[100, 1]]}}, "price"),
        ({"orderbook": {"yes": [[37, -1]]}}, "level"),
        ({"orderbook": {"yes": [[37, None]]}}, "level"),
        ({"orderbook": {"yes": [["x", 1]]}}, "number"),
        ({"orderbook": {"yes": [[37, 1]] * 10_001}}, "level"),
    ],
)
def test_what_is_no_book_is_refused(answer: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unrepresentable) as told:
        book(**answer)
    assert told.value.reason == reason


def test_prints_in_both_shapes() -> None:
    old = {
        "trade_id": "1", "ticker": "T", "count": 5, "yes_price": 38, "no_price": 62,
        "price": 0.38, "taker_side": "no", "created_time": "2026-01-12T15:00:20.897212Z",
    }  # fmt: skip
    page = pages.trades(encode({"trades": [old, samples.trade("2", "T")], "cursor": "next"}))
    assert [(one.yes_price, one.quantity, one.taken) for one in page.trades] == [
        (3_800, 500, TakenSide.NO),
        (3_800, 1_261, TakenSide.YES),
    ]
    assert page.trades[0].venue_at == 1_768_230_020_897_212
    assert (page.refused, page.cursor) == ((), "next")


def test_prints_without_a_form_are_counted() -> None:
    rows = [
        samples.trade("a", yes_price_dollars="0.0000", no_price_dollars="1.0000"),
        samples.trade("b", count_fp="0.00"),
        samples.trade("c", created_time=None),
        samples.trade("d") | {"trade_id": 5},
        samples.trade("e", yes_price_dollars=None),
        samples.trade("f", taker_side="both"),
    ]
    page = pages.trades(encode({"trades": rows}))
    assert page.refused == (("a", "price"), ("b", "quantity"), ("c", "time"), ("", "shape"))
    assert [(one.trade_id, one.yes_price, one.taken) for one in page.trades] == [
        ("e", 3_800, TakenSide.YES),
        ("f", 3_800, None),
    ]


def candlesticks(*rows: dict[str, Any]) -> pages.Converted:
    body = encode({"markets": [{"market_ticker": "T", "candlesticks": rows}]})
    return pages.candlesticks(body, "T", DAY)


def test_intervals_with_and_without_a_trade() -> None:
    empty = {"close": None, "previous": 11, "previous_dollars": "0.1100"}
    found = candlesticks(
        samples.candle(2 * DAY), samples.candle(3 * DAY, price=empty, volume_fp="0.00")
    )
    assert found.candles == (
        VenueCandle(
            start=DAY * 1_000_000,
            open=3_800,
            high=4_100,
            low=3_600,
            close=4_000,
            best_bid=3_900,
            best_ask=4_100,
            volume=1_050,
            open_interest=51_700,
        ),
        VenueCandle(
            start=2 * DAY * 1_000_000,
            best_bid=3_900,
            best_ask=4_100,
            volume=0,
            open_interest=51_700,
        ),
    )
    assert candles.points(found.candles, DAY) == (
        PricePoint(at=2 * DAY * 1_000_000, yes_price=4_000),
        PricePoint(at=3 * DAY * 1_000_000, yes_price=4_000),
    )


def test_intervals_of_another_market_and_unreadable_ones_arent_this_markets() -> None:
    found = candlesticks({"end_period_ts": "later"}, samples.candle(5))
    assert [reason for _, reason in found.refused] == ["shape", "time"]
    other = encode({"markets": [{"market_ticker": "U", "candlesticks": [samples.candle(DAY)]}]})
    assert pages.candlesticks(other, "T", DAY).candles == ()


def test_intervals_that_the_venue_hasnt_are_put_together() -> None:
    body = encode({"markets": [{"market_ticker": "T", "candlesticks": [
        samples.candle(3_600 + 60 * number, volume_fp="1.00") for number in range(1, 8)
    ]}]})  # fmt: skip
    minutes = pages.candlesticks(body, "T", 60).candles
    five = candles.together(minutes, 300)
    assert [(one.start, one.volume) for one in five] == [
        (3_600_000_000, 500),
        (3_900_000_000, 200),
    ]
    assert {(one.open, one.high, one.low, one.close) for one in five} == {
        (3_800, 4_100, 3_600, 4_000)
    }


@pytest.mark.parametrize(
    ("interval", "period"), [(60, 60), (300, 60), (3_600, 3_600), (14_400, 3_600), (DAY, DAY)]
)
def test_the_largest_interval_that_fits_is_asked_for(interval: int, period: int) -> None:
    assert candles.period_of(interval) == period


@pytest.mark.parametrize("interval", [0, -60, 90, 1])
def test_an_interval_that_isnt_whole_minutes_is_refused(interval: int) -> None:
    with pytest.raises(ValueError, match="interval_s"):
        candles.period_of(interval)


def test_one_bad_row_costs_nobody_else_anything() -> None:
    rows: list[Any] = [
        samples.market("E-1-A"),
        samples.market("E-1-B", status=7),
        samples.market("E-1-C", title=["no", "text"], price_ranges=[{"step": []}]),
        samples.market("E-1-D", brand_new={"deep": [1]}),
        samples.market("E-1-F") | {"ticker": 5},
        {"status": "active"},
        "nothing",
        samples.market("E-1-A"),
        samples.market("E-1-E", status="unheard"),
    ]
    page = pages.markets_page(encode({"markets": rows, "cursor": "", "extra": 1}))
    found = pages.listed(page.found, lambda _: Background(), page.refused)
    assert [one.external_id for one in found.markets] == ["E-1-A", "E-1-C", "E-1-D"]
    assert set(page.unread) == {("E-1-C", "title"), ("E-1-C", "price_ranges")}
    assert (found.markets[1].question, found.markets[1].tick_size) == ("C", 100)
    assert found.refused == (
        ("E-1-B", "shape"),
        ("", "shape"),
        ("", "shape"),
        ("", "shape"),
        ("E-1-A", "duplicate"),
        ("E-1-E", "status"),
    )
    assert [msgspec.json.decode(raw)["ticker"] for raw in found.raw] == ["E-1-A", "E-1-C", "E-1-D"]


def test_events_bring_their_markets_what_is_known_and_what_isnt() -> None:
    known = {"RAIN": msgspec.convert(samples.series(), SeriesAnswer)}
    over = samples.market("RAIN-26DEC01-BOS", status="settled", result="no")
    events = [
        samples.event(markets=[samples.market(), over]),
        samples.event("SNOW-1", markets=None),
        {"title": "nameless"},
        samples.event(""),
    ]
    body = encode({"events": events, "cursor": "more"})
    page = pages.events_page(body, known, live_only=False)
    assert [one.external_id for one in page.events] == ["RAIN-26DEC01", "SNOW-1"]
    assert page.events[0].tags == ("Rain", "Daily")
    assert len(page.listed.markets) == 2
    assert page.listed.refused == (("", "shape"), ("", "id"))
    assert page.cursor == "more"
    assert all(event.markets is None for event in page.known)
    live = pages.events_page(body, known, live_only=True)
    assert [one.external_id for one in live.listed.markets] == ["RAIN-26DEC01-NYC"]
    assert live.listed.markets[0].fees[0] == ("taker_rate", "0.07")


@pytest.mark.parametrize("body", [b"[]", b'{"events":7}', b"{}", b'{"events":[],"cursor":5}'])
def test_what_is_no_page_at_all_is_said_so(body: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        pages.events_page(body, {}, live_only=True)


def test_a_cursor_too_long_to_be_sent_back_is_none() -> None:
    assert pages.markets_page(encode({"markets": [], "cursor": "c" * 2_001})).cursor is None
