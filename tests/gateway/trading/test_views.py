"""What the exchange's things look like on the wire."""

import msgspec
import pytest

from exchange.messages.terms import NO, YES
from exchange.model.accounts import Holding, Position
from gateway.markets.views import CHECKSUM_LEVELS, book_view, checksum
from gateway.trading.views import average_price, balance_view, position_view
from tests.gateway.trading_desk import Desk


def wire(view: msgspec.Struct) -> object:
    return msgspec.json.decode(msgspec.json.encode(view))


def test_checksum_of_the_rulebook() -> None:
    assert checksum([(5500, 1000), (5400, 300)], [(5600, 750)]) == 3795016920


def test_checksum_of_nothing_is_that_of_the_bar_alone() -> None:
    assert checksum([], []) == 2343686810


def test_checksum_stops_at_ten_levels() -> None:
    bids = [(5000 - n, 100) for n in range(12)]
    assert checksum(bids, []) == checksum(bids[:CHECKSUM_LEVELS], [])
    assert checksum(bids, []) != checksum(bids[:9], [])


@pytest.mark.parametrize(
    ("cash", "quantity", "shown"),
    [
        (0, 0, None),
        (5_500_000, 1_000, "0.5500"),
        (10_001, 2, "0.5001"),  # 5000.5 rounds up
        (10_001, 3, "0.3334"),
        (10_000, 3, "0.3333"),
        (1, 3, "0.0000"),
        (2, 3, "0.0001"),
        (20_000, 2, "1.0000"),
    ],
)
def test_average_price_is_rounded_half_up(cash: int, quantity: int, shown: str | None) -> None:
    assert average_price(cash, quantity) == shown


def test_balance_adds_up() -> None:
    assert wire(balance_view(1, 999_999)) == {
        "available": "0.000001",
        "locked": "0.999999",
        "total": "1.000000",
    }


async def test_position(desk: Desk) -> None:
    market = desk.list_market("snow")
    yes = Holding(2, market.id, YES, free=200, locked=100, cost=1_500_000)
    market.positions[2] = Position(yes, Holding(2, market.id, NO), realised=-250_000)
    assert wire(position_view(yes, market)) == {
        "marketId": str(market.id),
        "slug": "snow",
        "outcome": "YES",
        "quantity": "3.00",
        "free": "2.00",
        "locked": "1.00",
        "averagePrice": "0.5000",
        "cost": "1.500000",
        "realisedProfit": "-0.250000",
    }
    del market.positions[2]


async def test_the_no_view_is_the_yes_view_turned_over(desk: Desk) -> None:
    await desk.rest("ann", "BUY YES 10 @ 0.55")
    await desk.rest("ann", "BUY YES 3 @ 0.54")
    await desk.rest("ben", "BUY NO 7.5 @ 0.44")  # an ask of YES at 0.56
    market = desk.engine.view.market_by_slug["rain"]
    yes, no = book_view(market, YES, 10, 7), book_view(market, NO, 10, 7)
    assert (yes.bids, yes.asks) == ([("0.5500", "10.00"), ("0.5400", "3.00")], [("0.5600", "7.50")])
    assert (no.bids, no.asks) == ([("0.4400", "7.50")], [("0.4500", "10.00"), ("0.4600", "3.00")])
    assert yes.checksum == checksum([(5500, 1000), (5400, 300)], [(5600, 750)])
    assert no.checksum == checksum([(4400, 750)], [(4500, 1000), (4600, 300)])
    assert (yes.epoch, yes.seq) == (no.epoch, no.seq) == (7, market.seq)


async def test_depth_cuts_the_levels_and_not_the_checksum(desk: Desk) -> None:
    for price in ("0.10", "0.11", "0.12"):
        await desk.rest("ann", f"BUY YES 1 @ {price}")
    market = desk.engine.view.market_by_slug["rain"]
    shallow, deep = book_view(market, YES, 1, 0), book_view(market, YES, 10, 0)
    assert shallow.bids == deep.bids[:1] == [("0.1200", "1.00")]
    assert shallow.checksum == deep.checksum
