"""What is left of a difference in price: worked by hand, and never flattering."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.feeds.known import KnownMarket, MarketRef
from gateway.feeds.matches.arbitrage import YEAR_US, best_way, difference
from gateway.feeds.model import ListedStatus

NOW = 10**15
RATE = Decimal("0.05")
KALSHI_FEES = (("taker_rate", "0.07"), ("maker_rate", "0"))
OUR_FEES = (("taker_fee", "0.01"), ("maker_fee", "0"), ("quadratic", "0"))


def side(platform: str, bid: int | None, ask: int | None, **changes: Any) -> KnownMarket:
    terms: dict[str, Any] = {
        "ref": MarketRef(platform, "m"),
        "question": "?",
        "status": ListedStatus.OPEN,
        "close_time": NOW + YEAR_US,
        "best_bid": bid,
        "best_ask": ask,
        "fees": {"kalshi": KALSHI_FEES, "exchange": OUR_FEES, "polymarket": ()}[platform],
    }
    return KnownMarket(**(terms | changes))


def test_it_is_worked_out_as_by_hand() -> None:
    # YES on kalshi at 0.40: 100 shares cost ceil(0.07 x 100 x 0.40 x 0.60) = 1.68 of fees;
    # NO here at 1 - 0.50: 1 % of 0.50 a share.
    way = best_way(side("kalshi", 3_900, 4_000), side("exchange", 5_000, 5_200), RATE, NOW)
    assert way is not None
    assert (way.yes_on.platform, way.no_on.platform) == ("kalshi", "exchange")
    assert (way.yes_ask, way.no_ask) == (4_000, 5_000)
    assert way.cost == Decimal("0.9")
    assert way.fees == Decimal("0.0168") + Decimal("0.005")
    assert way.profit == Decimal("0.0782")
    # 0.9218 of capital for a year at 5 %.
    assert way.capital == Decimal("0.04609000")
    assert way.net == Decimal("0.03211000")
    assert way.annual == Decimal("0.0848")
    again = best_way(side("exchange", 5_000, 5_200), side("kalshi", 3_900, 4_000), RATE, NOW)
    assert again == way, "whichever is named first"


def test_the_capitals_time_may_eat_it_up() -> None:
    far = {"close_time": NOW + 10 * YEAR_US}
    way = best_way(side("kalshi", 3_900, 4_000), side("exchange", 5_000, 5_200, **far), RATE, NOW)
    assert way is not None
    assert way.closes_at == NOW + 10 * YEAR_US, "it is bound until the later one closes"
    assert way.net is not None
    assert way.net < 0


def test_a_market_past_its_close_binds_nothing_more() -> None:
    late = {"close_time": NOW - 1}
    way = best_way(
        side("kalshi", 3_900, 4_000, **late), side("exchange", 5_000, 5_200, **late), RATE, NOW
    )
    assert way is not None
    assert (way.capital, way.net, way.annual) == (Decimal(0), way.profit, None)


def test_what_is_not_known_is_not_nothing() -> None:
    ours = side("exchange", 5_000, 5_200)
    way = best_way(side("kalshi", 3_900, 4_000, fees=()), ours, RATE, NOW)
    assert way is not None
    assert (way.cost, way.fees, way.profit, way.net) == (Decimal("0.9"), None, None, None)
    way = best_way(side("kalshi", 3_900, 4_000, close_time=None), ours, RATE, NOW)
    assert way is not None
    assert way.profit == Decimal("0.0782")
    assert (way.closes_at, way.capital, way.net, way.annual) == (None, None, None, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": ListedStatus.HALTED},
        {"status": ListedStatus.RESOLVED},
        {"status": ListedStatus.POST_ONLY},
        {"best_ask": None, "best_bid": None},
    ],
)
def test_there_is_none_where_nobody_can_buy(changes: dict[str, Any]) -> None:
    one = side("kalshi", 3_900, 4_000, **{"best_bid": 3_900, "best_ask": 4_000} | changes)
    assert best_way(one, side("exchange", 5_000, 5_200), RATE, NOW) is None


def test_one_side_is_enough_for_one_way_round() -> None:
    way = best_way(side("kalshi", None, 4_000), side("exchange", 5_000, None), RATE, NOW)
    assert way is not None
    assert way.yes_on.platform == "kalshi"
    assert best_way(side("kalshi", 3_900, None), side("exchange", 3_800, None), RATE, NOW) is None


def test_the_difference_is_of_yes_prices() -> None:
    one, other = (side("kalshi", 1, 2, yes_price=price) for price in (4_000, 4_650))
    assert difference([one, other]) == -650
    assert difference([one, None]) is None
    assert difference([one, side("kalshi", 1, 2)]) is None


PRICES = st.one_of(st.none(), st.integers(1, 9_999))


@given(PRICES, PRICES, PRICES, PRICES, st.integers(0, 5 * YEAR_US))
@settings(max_examples=300, deadline=None)
def test_it_never_flatters(
    bid: int | None, ask: int | None, our_bid: int | None, our_ask: int | None, left: int
) -> None:
    close = {"close_time": NOW + left}
    one, ours = side("kalshi", bid, ask, **close), side("exchange", our_bid, our_ask, **close)
    way = best_way(one, ours, RATE, NOW)
    if way is None:
        assert None in {ask, our_bid}
        assert None in {our_ask, bid}
        return
    assert way.fees is not None
    assert way.profit == 1 - way.cost - way.fees
    assert way.capital is not None
    assert way.net == way.profit - way.capital
    exact = (way.cost + way.fees) * RATE * left / YEAR_US
    assert exact <= way.capital < exact + Decimal("0.00000002")
    if way.annual is not None:
        assert way.annual <= way.profit / (way.cost + way.fees) * YEAR_US / left + Decimal("1E-20")
