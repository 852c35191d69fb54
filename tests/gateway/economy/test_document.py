"""The examples of docs/economy.md are what the rules say."""

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from exchange.messages.bounds import MONEY_SCALE, QUANTITY_SCALE
from exchange.messages.terms import BUY, NO, SELL, YES, Resolution
from exchange.messages.units import format_money, format_quantity, parse_money, parse_price
from gateway.bootstrap.settings import load_settings
from gateway.economy.mirrors.quoting import Held, Rule, Source, prices, quotes
from gateway.economy.purchases.packages import PACKAGES, price_text
from gateway.economy.rewards.routes import multiplier_text
from gateway.economy.rewards.rules import reward
from gateway.economy.room import fits
from gateway.economy.stocks.bodies import INTEREST, MARGIN
from gateway.economy.stocks.rules.curve import Curve
from gateway.economy.stocks.rules.loans import LOANS_MAX, Terms, bound_of
from gateway.economy.stocks.rules.trading import (
    Step,
    StepKind,
    Stock,
    after,
    buy,
    check,
    money_of,
    sell,
)
from gateway.wire.scalars import price_if_known
from persistence.repositories.economy.stocks.stocks import STOCKS_MAX
from persistence.repositories.economy.transactions import TransactionType
from tests.exchange.bet_stories import Betting
from tests.exchange.worlds import ANN, BOB

DOCUMENT = Path(__file__).parents[3] / "docs" / "economy.md"


def rows_below(heading: str) -> list[list[str]]:
    """The cells of each row of a heading's table, without its head."""
    part = DOCUMENT.read_text("utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def test_credits_of_the_day() -> None:
    rows = rows_below("Credits of the day")
    assert len(rows) >= 5
    for day, multiplier, amount in rows:
        assert multiplier_text(int(day)) == multiplier
        assert format_money(reward(100 * MONEY_SCALE, int(day))) == amount


def test_how_much_one_may_be_given() -> None:
    rows = rows_below("How much one may be given")
    assert len(rows) >= 3
    for *numbers, said in rows:
        held, to_come, amount, most = (int(re.sub(r"\D", "", number)) for number in numbers)
        assert fits(held, to_come, amount, most) is (said == "given")


def test_bets() -> None:
    """The example, run by the rules themselves."""
    world = Betting(cash=10_000)
    world.limit(BOB, BUY, NO, 6_000, 100_000)
    world.limit(BOB, BUY, YES, 3_500, 100_000)
    rows = rows_below("Bets")
    steps: list[Callable[[], object]] = [
        lambda: world.bet(ANN, YES, 40 * MONEY_SCALE),
        lambda: world.sell_bet(world.bets[1], 2_000),
        lambda: world.bet(ANN, NO, 26 * MONEY_SCALE),
        lambda: None,
        lambda: world.bet(ANN, YES, 20 * MONEY_SCALE),
        lambda: world.take(ANN, SELL, YES, 6_000),
        lambda: None,
        lambda: world.resolve(Resolution.YES),
    ]
    # A sale has a number of its own, in the document only bets do.
    numbers = {"1": 1, "2": 3, "3": 4}
    for (said, number, *told), step in zip(rows, steps, strict=True):
        step()
        bet = world.bets[numbers[number]]
        assert told == [
            format_quantity(bet.bought),
            format_money(bet.cost),
            format_quantity(bet.shares),
            format_money(bet.brought - bet.exit_fees),
            bet.status.value,
            "" if bet.ended_at is None else format_money(bet.profit),
        ], said


def test_transactions() -> None:
    """What the amounts are is shown by `transactions/test_transactions.py`."""
    text = DOCUMENT.read_text("utf-8").partition("## Transactions\n")[2].partition("\n## ")[0]
    others = text.partition("The other types are ")[2].partition(".")[0]
    named = [row[0].strip("`") for row in rows_below("Transactions")]
    assert sorted(named + re.findall(r"`([A-Z]+)`", others)) == sorted(
        kind.value for kind in TransactionType
    )


def test_buying_credits() -> None:
    assert rows_below("Buying credits") == [
        [
            f"`{one.id}`",
            format_money(one.credits),
            format_money(one.bonus),
            price_text(one.price),
        ]
        for one in PACKAGES
    ]


def test_inviting_others() -> None:
    defaults = load_settings({}).economy
    bonus = defaults.referral_bonus_credits // MONEY_SCALE
    for traded, inviter, invited in rows_below("Inviting others"):
        assert int(inviter) == bonus * min(int(traded), defaults.referrals_max)
        assert int(invited) == bonus * int(traded)


def test_the_house() -> None:
    rows = rows_below("Mirror markets and the house")
    priced = [row for row in rows if len(row) == 6]
    assert len(priced) >= 4
    for bid, ask, spread, tick, *found in priced:
        rule = Rule(parse_price(spread), 1, parse_price(tick))
        told = prices(Source(parse_price(bid), parse_price(ask)), rule)
        assert [price_if_known(one) or "none" for one in told] == found
    sized = [row for row in rows if len(row) == 5 and "." in row[0]]
    assert len(sized) >= 4
    for bid, ask, left, *found in sized:
        source = Source(parse_price(bid) + 100, parse_price(ask) - 100)
        given = 0 if float(left) == 0 else parse_money(left)
        standing = quotes(source, Rule(100, 50_000, 100), Held(0, 0, 0), given)
        sizes = {one.is_bid: format_quantity(one.quantity) for one in standing}
        assert [sizes.get(True, "none"), sizes.get(False, "none")] == found


def money(text: str) -> int:
    """Credits as money."""
    return round(Decimal(text) * MONEY_SCALE)


def shares(text: str) -> int:
    """Shares as they are counted."""
    return round(Decimal(text) * QUANTITY_SCALE)


def test_stocks() -> None:
    text = DOCUMENT.read_text("utf-8").partition("## Stocks\n")[2].partition("\n## ")[0]
    rows = rows_below("Stocks")
    prices = [row for row in rows if len(row) == 7 and row[0][:1].isdigit()]
    assert len(prices) >= 3
    for base, slope, supply, bought, cost, price, brought in prices:
        curve, many = Curve(money(base), money(slope)), shares(bought)
        after_it = shares(supply) + many
        assert format_money(curve.cost(shares(supply), many)) == cost
        assert format_money(curve.price(after_it)) == price
        assert format_money(curve.proceeds(after_it, many)) == brought
    stock, cash = Stock(Terms(Curve(money("1"), money("0.01")), INTEREST, MARGIN), 0, {}), 0
    story = [row for row in rows if row[0] in {"Ann", "Ben"}]
    assert len(story) >= 3
    steps: list[Step] = []
    for who, does, many_text, leverage, gained, owes, supply, reserve in story:
        account = ["Ann", "Ben"].index(who)
        if does == "buy":
            steps = buy(stock, account, shares(many_text), int(leverage))
        else:
            steps = sell(stock, account, shares(many_text))
        stock = after(stock, steps)
        cash -= sum(step.amount for step in steps)
        check(stock, cash)
        assert money_of(steps)[account] == money(gained)
        assert stock.holdings[account].loan == money(owes)
        assert (stock.supply, format_money(cash)) == (shares(supply), reserve)
    first, gone, last = steps
    assert (gone.kind, format_money(gone.amount)) == (StepKind.LIQUIDATION, "28.010000")
    for part in (first, last):
        assert format_quantity(-part.shares) in text
    assert format_money(bound_of(stock.terms, -gone.loan)) == "308.000001"
    for bound in (LOANS_MAX, STOCKS_MAX):
        assert f" {bound} " in text
