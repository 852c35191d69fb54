"""The demonstration's stocks: listed once, and traded by the takers."""

from random import Random

from exchange.messages.commands import CreditAccount
from gateway.demo.stocks import DEMO_STOCKS, HOMES, PIECE, DemoStocks
from gateway.economy.stocks.rules.curve import Curve
from tests.gateway.conftest import Web

SEED = 7


async def test_they_are_listed_once_and_traded(web: Web) -> None:
    people = [(await web.register()).id for _ in range(3)]
    for person in people:
        web.engine.run(CreditAccount(person, 10**12, "demonstration"))
    stocks = DemoStocks(web.parts.stocks, web.parts.pool)
    await stocks.start()
    await stocks.start()
    rng = Random(SEED)
    done = [await stocks.step(people, rng) for _ in range(60)]
    assert sum(done) > len(done) // 2
    listed = (await web.client.get("/api/v1/economy/stocks")).json()["data"]
    assert [one["symbol"] for one in listed] == [new.symbol for new in DEMO_STOCKS]
    assert all(float(one["supply"]) > 0 for one in listed)
    web.engine.check()


async def test_their_prices_go_up_and_down(web: Web) -> None:
    """None only rises: after a while of trades each has fallen by a part of what it rose."""
    person = (await web.register()).id
    web.engine.run(CreditAccount(person, 10**13, "demonstration"))
    stocks = DemoStocks(web.parts.stocks, web.parts.pool)
    await stocks.start()
    rng = Random(SEED)
    for _ in range(400):
        await stocks.step([person], rng)
    for new in DEMO_STOCKS:
        rows = await web.parts.pool.fetch(
            "SELECT supply_after FROM stock_trades t JOIN stocks s ON s.id = t.stock_id"
            " WHERE s.symbol = $1 ORDER BY t.id",
            new.symbol,
        )
        supplies = [row[0] for row in rows]
        highest = supplies.index(max(supplies))
        curve, top = Curve(new.base, new.slope), max(supplies)
        fell = curve.price(top) - curve.price(min(supplies[highest:]))
        assert fell * 4 > curve.price(top) - new.base, (new.symbol, SEED)


def test_their_prices_wander_and_do_not_run_away() -> None:
    """From the first share to the highest that they are drawn to, and by one trade more."""
    for new in DEMO_STOCKS:
        curve = Curve(new.base, new.slope)
        first, home = curve.price(0), curve.price(HOMES[1])
        assert first * 102 // 100 <= home <= first * 106 // 100
        assert curve.price(HOMES[1] + PIECE[1]) - home <= home // 100
