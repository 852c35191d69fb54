"""Polymarket's markets: status, result and fees, by what the venue says."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.json import encode

from exchange.messages.terms import Resolution
from gateway.feeds.model import ListedStatus, VenueMarket
from gateway.feeds.polymarket.clob_markets import clob_market
from gateway.feeds.polymarket.markets import gamma_market, result
from tests.venues.polymarket import sample_market, tokens

S, R = ListedStatus, Resolution


def gamma(**changed: Any) -> VenueMarket:
    return gamma_market(encode(sample_market(1, **changed)))[0]


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, S.OPEN),
        ({"umaResolutionStatus": "proposed"}, S.OPEN),
        ({"acceptingOrders": False}, S.HALTED),
        ({"acceptingOrders": False, "umaResolutionStatus": "proposed"}, S.RESOLVING),
        ({"acceptingOrders": False, "enableOrderBook": False}, S.DRAFT),
        ({"acceptingOrders": None, "enableOrderBook": None}, S.DRAFT),
        ({"active": False}, S.DRAFT),
        ({"archived": True}, S.CLOSED),
        ({"closed": True}, S.CLOSED),
        ({"closed": True, "umaResolutionStatus": "disputed"}, S.RESOLVING),
        ({"closed": True, "outcomePrices": '["1", "0"]'}, S.RESOLVED),
        ({"closed": True, "outcomePrices": '["1", "0"]', "acceptingOrders": True}, S.RESOLVED),
        ({"closed": True, "outcomePrices": '["1", "0"]', "umaResolutionStatus": "proposed"},
         S.RESOLVING),
        ({"closed": True, "outcomePrices": '["0", "0"]'}, S.CLOSED),
        ({"closed": None}, S.DRAFT),
    ],
)  # fmt: skip
def test_a_market_is_what_the_venue_says_in_our_words(
    changed: dict[str, Any], status: ListedStatus
) -> None:
    market = gamma(**changed)
    assert market.status is status
    is_over = status is S.RESOLVED
    assert (market.resolution is not None) == is_over
    assert (market.yes_price is None) == is_over
    assert (market.best_bid is None) == is_over


@pytest.mark.parametrize(
    ("yes", "no", "told"),
    [
        ("1", "0", (R.YES, None)),
        ("0", "1", (R.NO, None)),
        ("0.0000010110002211", "0.9999989889997789", (R.NO, None)),
        ("0.5", "0.5", (R.SPLIT, 5_000)),
        ("0", "0", None),
        ("1", "1", None),
        ("0.2535", "0.7465", None),
        ("0.99", "0.01", None),
    ],
)
def test_a_result_is_taken_where_prices_state_one(yes: str, no: str, told: object) -> None:
    assert result(Decimal(yes), Decimal(no)) == told


def test_prices_that_are_none_are_null() -> None:
    market = gamma(bestBid=0, bestAsk=1, outcomePrices='["0","0"]', lastTradePrice=0)
    assert (market.best_bid, market.best_ask, market.yes_price, market.last_price) == (
        None, None, None, None,
    )  # fmt: skip
    crossed = gamma(bestBid=0.6, bestAsk=0.6, outcomePrices=None)
    assert (crossed.best_bid, crossed.best_ask, crossed.yes_price) == (None, None, None)
    assert gamma(outcomePrices=None).yes_price == 5_500
    off_grid = gamma(bestBid=0.54009, bestAsk=0.56001, outcomePrices='["0.55555","0.44445"]')
    assert (off_grid.best_bid, off_grid.best_ask, off_grid.yes_price) == (5_400, 5_601, 5_556)


def test_fees_are_told_as_the_venue_states_them() -> None:
    schedule = {"rate": 0.05, "exponent": 1, "takerOnly": True, "rebateRate": 0.25}
    base = {"takerBaseFee": 1000, "makerBaseFee": 0}
    assert gamma(feesEnabled=True, feeSchedule=schedule, **base).fees == (
        ("rate", "0.05"), ("exponent", "1"), ("taker_only", "1"), ("rebate_rate", "0.25"),
    )  # fmt: skip
    assert gamma(feesEnabled=True, **base).fees == (("taker_base_fee", "1000"),)
    assert gamma(feesEnabled=False, feeSchedule=schedule, **base).fees == ()
    assert gamma(feesEnabled=None).fees == ()


@pytest.mark.parametrize("ids", ['["1"]', '["1","1"]', '["1",""]', "[]", None])
def test_tokens_that_are_not_two_are_none(ids: str | None) -> None:
    assert gamma(clobTokenIds=ids).stream_keys == ()


@pytest.mark.parametrize(
    ("changed", "status", "resolution"),
    [
        ({"closed": False, "accepting_orders": True}, S.OPEN, None),
        ({"closed": False, "accepting_orders": False, "enable_order_book": True}, S.HALTED, None),
        ({"closed": True, "accepting_orders": True}, S.CLOSED, None),
        ({"closed": True, "won": (True, False)}, S.RESOLVED, R.YES),
        ({"closed": True, "won": (False, True)}, S.RESOLVED, R.NO),
        ({"closed": True, "is_50_50_outcome": True}, S.RESOLVED, R.SPLIT),
        ({"closed": False, "active": False}, S.DRAFT, None),
    ],
)
def test_the_clob_says_who_won(
    changed: dict[str, Any], status: ListedStatus, resolution: Resolution | None
) -> None:
    won = changed.pop("won", (False, False))
    outcomes = zip(tokens(1), ("Lakers", "Celtics"), won, strict=True)
    market, unread = clob_market(
        encode({
            "condition_id": "0x1", "question": "Who?", "active": True, "minimum_tick_size": 0.04,
            "tokens": [
                {"token_id": token, "outcome": name, "price": 0.5, "winner": has_won}
                for token, name, has_won in outcomes
            ],
            **changed,
        })
    )  # fmt: skip
    assert (market.status, market.resolution, unread) == (status, resolution, [])
    assert market.outcomes == ("Lakers", "Celtics")
    assert market.tick_size == 400
    assert market.yes_payout == (5_000 if resolution is R.SPLIT else None)
