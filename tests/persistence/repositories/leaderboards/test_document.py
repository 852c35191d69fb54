"""The examples of docs/economy.md, traded: a real engine, real boards."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from exchange.messages.bounds import MONEY_SCALE
from exchange.messages.commands import (
    CreditAccount,
    OpenAccount,
    PlaceOrder,
    ResolveMarket,
)
from exchange.messages.terms import BUY, GTC, LIMIT, NO, SELL, YES, MoneyKind, Outcome, Resolution
from exchange.messages.units import format_money, parse_price
from persistence.clock import now_us
from persistence.repositories.leaderboards.boards import Leaderboards
from persistence.repositories.leaderboards.computing import make_boards
from persistence.repositories.leaderboards.words import ERROR_SCALE, Board, Span
from tests.persistence.running import ANN, BOB, CEM, Running, listing, running

DOCUMENT = Path(__file__).parents[4] / "docs" / "economy.md"


def table(head: str) -> list[list[str]]:
    """The cells of the rows below a table's head."""
    lines = DOCUMENT.read_text("utf-8").partition(f"{head}\n")[2].splitlines()[1:]
    rows = lines[: next(place for place, line in enumerate(lines) if not line.startswith("|"))]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


async def trade(
    engine: Running, market: int, price: int, shares: int, outcome: Outcome, buyer: int, seller: int
) -> None:
    """Have somebody buy from somebody else, who gives up shares or buys the other outcome."""
    await engine.send(PlaceOrder(buyer, market, BUY, outcome, LIMIT, price, shares * 100, GTC))
    held = engine.view.accounts[seller].positions.get(market)
    holding = None if held is None else (held.yes if outcome is YES else held.no)
    if holding is not None and holding.quantity:
        other = PlaceOrder(seller, market, SELL, outcome, LIMIT, price, shares * 100, GTC)
    else:
        opposite = NO if outcome is YES else YES
        price = 10_000 - price
        other = PlaceOrder(seller, market, BUY, opposite, LIMIT, price, shares * 100, GTC)
    await engine.send(other)


async def scores(url: str, engine: Running, account: int) -> dict[Board, int | None]:
    assert await make_boards(url, now_us() + 60_000_000, forecasts_min=1) is not None
    return dict((await Leaderboards(engine.pool).standing(account, Span.ALL)).scores)


def credits_text(money: int) -> str:
    return format_money(money)[:-4]


async def test_what_a_gain_is(database_url: str) -> None:
    rows = table("| what happens | cash | shares at last price | put in | pnl |")
    async with running(database_url) as engine:
        for one in (ANN, BOB, CEM):
            await engine.send(OpenAccount(one, 1_000 * MONEY_SCALE))
        await engine.send(listing())

        async def given() -> None:
            await engine.send(CreditAccount(ANN, 100 * MONEY_SCALE, "r", kind=MoneyKind.REWARD))

        async def nothing() -> None:
            pass

        steps: dict[str, Callable[[], Awaitable[object]]] = {
            "begins with 1000": nothing,
            "buys 100 YES at 0.40": lambda: trade(engine, 1, 4_000, 100, YES, ANN, BOB),
            "is given 100": given,
            "others trade at 0.55": lambda: trade(engine, 1, 5_500, 10, YES, CEM, BOB),
            "sells 50 YES at 0.60": lambda: trade(engine, 1, 6_000, 50, YES, CEM, ANN),
            "the market resolves NO": lambda: engine.send(
                ResolveMarket(1, Resolution.NO, None, "")
            ),
        }
        assert [row[0] for row in rows] == list(steps)
        put_in = 1_000 * MONEY_SCALE
        for (what, *said), step in zip(rows, steps.values(), strict=True):
            await step()
            put_in += 100 * MONEY_SCALE * (what == "is given 100")
            account, last = engine.view.accounts[ANN], engine.view.markets[1].last_price or 0
            cash = account.available + account.locked
            worth = account.positions[1].yes.quantity * last if 1 in account.positions else 0
            gain = (await scores(database_url, engine, ANN))[Board.PNL] or 0
            assert gain == cash + worth - put_in
            assert said == [credits_text(one) for one in (cash, worth, put_in, gain)], what


async def test_what_an_error_is(database_url: str) -> None:
    rows = table("| held until the end | paid | outcome | error |")
    assert len(rows) >= 5
    async with running(database_url) as engine:
        for market, (held, paid, outcome, error) in enumerate(rows, 1):
            account = 10 + market
            for one in (account, 100 + market):
                await engine.send(OpenAccount(one, 1_000 * MONEY_SCALE))
            await engine.send(listing(f"market-{market}"))
            price = parse_price(paid)
            await trade(engine, market, price, 10, Outcome[held], account, 100 + market)
            word, _, payout = outcome.partition(" ")
            split = parse_price(payout) if payout else None
            await engine.send(ResolveMarket(market, Resolution[word], split, ""))
            found = (await scores(database_url, engine, account))[Board.CALIBRATION]
            assert found is not None
            assert f"{found / ERROR_SCALE:.8f}" == error, (held, paid, outcome)
