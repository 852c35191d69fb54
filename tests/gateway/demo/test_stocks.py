"""The demonstration's stocks: listed once, and traded by the takers."""

from random import Random

from exchange.messages.commands import CreditAccount
from gateway.demo.stocks import DEMO_STOCKS, HOME, PIECE, DemoStocks
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


def test_their_prices_wander_and_do_not_run_away() -> None:
    """From the first share to where they are drawn, and by one trade more."""
    for new in DEMO_STOCKS:
        curve = Curve(new.base, new.slope)
        first, home = curve.price(0), curve.price(HOME)
        assert first < home <= first * 5 // 4
        assert curve.price(HOME + PIECE[1]) - home <= home // 100
