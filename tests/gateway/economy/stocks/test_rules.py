"""What holds of a stock whatever is bought, sold and lent, and that a twin comes to the same."""

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.messages.errors import InvariantViolated
from exchange.messages.units import format_money
from gateway.economy.stocks.rules import trading
from gateway.economy.stocks.rules.curve import BASE, COST_MAX, PARTS, SLOPE, SUPPLY_MAX, Curve
from gateway.economy.stocks.rules.loans import (
    LEVERAGE,
    LOANS_MAX,
    Holding,
    Terms,
    bound_of,
    interest_on,
    is_covered,
    line_of,
)
from gateway.economy.stocks.rules.trading import (
    Step,
    StepKind,
    Stock,
    TradeRefused,
    add_interest,
    after,
    buy,
    check,
    money_of,
    sell,
    shares_for,
)
from tests.gateway.economy.stocks.stock_twin import Twin

PEOPLE = 4
BUYS_OUT = 2
"""Steps of a purchase that pays back another's loan."""
curves = st.builds(Curve, st.integers(*BASE), st.integers(*SLOPE))
supplies = st.integers(0, SUPPLY_MAX)


@st.composite
def terms(draw: st.DrawFn, slopes: tuple[int, int] = SLOPE) -> Terms:
    """Terms such as a stock may have; a slope that moves the price makes them interesting."""
    base = draw(st.integers(BASE[0], 10**8))
    slope = draw(st.integers(max(slopes[0], base // 100), min(slopes[1], base * 100)))
    margin = draw(st.integers(1, 5_000))
    return Terms(Curve(base, slope), draw(st.integers(0, min(margin, 1_000))), margin)


Act = tuple[str, int, int, int]
acts = st.lists(
    st.tuples(
        st.sampled_from(["buy", "buy", "lever", "sell", "amount", "day"]),
        st.integers(1, PEOPLE),
        st.integers(1, 60),
        st.integers(2, LEVERAGE[1]),
    ),
    max_size=30,
)


@dataclass
class Run:
    """A stock with the cash of its reserve, and everything that happened."""

    terms: Terms
    cash: int = 0
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stock = Stock(self.terms, 0, {})

    def carry_out(self, steps: list[Step]) -> None:
        """Do what was decided, look at the laws after each of its steps."""
        for step in steps:
            self.cash -= step.amount
            self.stock = after(self.stock, (step,))
            if step.kind is not StepKind.INTEREST and steps[0].kind is not StepKind.INTEREST:
                check(self.stock, self.cash)
        check(self.stock, self.cash)
        self.steps += steps

    def act(self, act: Act) -> list[Step]:
        """Do one thing, if it may be done; return what it was."""
        kind, account, shares, leverage = act
        held = self.stock.holdings.get(account) or Holding(account, 0)
        try:
            if kind == "day":
                steps = add_interest(self.stock)
            elif kind in {"buy", "lever"}:
                steps = buy(self.stock, account, shares, leverage if kind == "lever" else 1)
            elif kind == "sell":
                steps = sell(self.stock, account, min(shares, held.shares))
            else:
                steps = sell(self.stock, account, None, shares * self.terms.curve.base // 100)
        except TradeRefused:
            return []
        self.carry_out(steps)
        return steps


@given(curves, supplies, st.integers(1, 10**6))
def test_a_cost_is_rounded_up_and_proceeds_down(curve: Curve, supply: int, shares: int) -> None:
    exact = curve.area(supply + shares) - curve.area(supply)
    cost, proceeds = curve.cost(supply, shares), curve.proceeds(supply + shares, shares)
    assert proceeds * PARTS <= exact <= cost * PARTS
    assert cost - proceeds in {0, 1}
    assert (cost - 1) * PARTS < exact < (proceeds + 1) * PARTS


@given(curves, st.integers(0, 10**8), st.integers(1, COST_MAX))
def test_shares_for_money_are_the_most(curve: Curve, supply: int, money: int) -> None:
    shares = curve.shares_for(supply, money)
    assert shares == 0 or curve.cost(supply, shares) <= money
    assert curve.cost(supply, shares + 1) > money


@given(curves, st.integers(1, 10**8), st.integers(1, COST_MAX))
def test_shares_that_bring_money_are_the_fewest(curve: Curve, supply: int, money: int) -> None:
    shares = curve.shares_bringing(supply, money)
    if shares is None:
        assert curve.proceeds(supply, supply) < money
    else:
        assert curve.proceeds(supply, shares) >= money
        assert curve.proceeds(supply, shares - 1) < money


@given(curves, st.integers(1, 10**6), st.integers(1, COST_MAX))
def test_an_end_is_the_least_supply(curve: Curve, shares: int, money: int) -> None:
    end = curve.end_of(shares, money)
    assert curve.proceeds(end + shares, shares) >= money
    assert end == 0 or curve.proceeds(end - 1 + shares, shares) < money


@given(curves, supplies, supplies)
def test_a_price_rises_with_the_supply(curve: Curve, one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert curve.price(low) <= curve.price(high)


@given(terms(), st.integers(0, COST_MAX))
def test_interest_stays_below_a_bound(stock: Terms, loan: int) -> None:
    assert loan + interest_on(stock, loan) < bound_of(stock, loan)


@given(terms(), acts)
def test_the_laws_hold_whatever_happens(stock: Terms, days: list[Act]) -> None:
    run = Run(stock)
    for act in days:
        run.act(act)
    # Nothing was made or lost: what people have less is in the reserve.
    assert run.cash == -sum(money_of(run.steps).values())
    assert after(Stock(stock, 0, {}), run.steps) == run.stock
    # Everybody sells, whoever owes something too: nobody ends below zero, and the reserve can pay.
    for account in range(1, PEOPLE + 1):
        held = run.stock.holdings.get(account)
        if held is not None:
            before = run.cash
            run.carry_out(sell(run.stock, account, held.shares))
            assert run.cash < before
    assert (run.stock.supply, run.stock.loans) == (0, 0)
    assert run.cash >= 0


@given(terms(), acts, st.integers(1, 60), st.integers(1, LEVERAGE[1]))
def test_to_buy_and_to_sell_again_gains_nothing(
    stock: Terms, days: list[Act], shares: int, leverage: int
) -> None:
    run = Run(stock)
    for act in days:
        run.act(act)
    newcomer = PEOPLE + 1
    try:
        run.carry_out(buy(run.stock, newcomer, shares, leverage))
    except TradeRefused:
        return
    run.carry_out(sell(run.stock, newcomer, shares))
    assert -1 <= money_of(run.steps).get(newcomer, 0) <= 0


@given(terms(), acts, st.integers(1, 59), st.integers(1, 59))
def test_parts_cost_no_less_than_the_whole(
    stock: Terms, days: list[Act], one: int, other: int
) -> None:
    run = Run(stock)
    for act in days:
        run.act(act)
    curve, supply = stock.curve, run.stock.supply
    parts = curve.cost(supply, one) + curve.cost(supply + one, other)
    assert curve.cost(supply, one + other) <= parts
    high = supply + one + other
    brought = curve.proceeds(high, one) + curve.proceeds(high - one, other)
    assert brought <= curve.proceeds(high, one + other)


@given(terms(), acts)
def test_only_who_is_first_in_line_is_sold_out(stock: Terms, days: list[Act]) -> None:
    run = Run(stock)
    for act in days:
        line = [place.holding.account_id for place in line_of(stock, run.stock.holdings.values())]
        steps = run.act(act)
        gone = [one.account_id for one in steps if one.kind is StepKind.LIQUIDATION]
        others = [account for account in line if account != act[1] or act[0] == "day"]
        assert gone == others[: len(gone)]
        for step in steps:
            if step.kind is StepKind.LIQUIDATION:
                assert step.amount > 0
        for one, following in pairwise(steps):
            assert one.supply_after + following.shares == following.supply_after


@given(terms(slopes=(1, 10**7)), acts)
def test_a_twin_comes_to_the_same(stock: Terms, days: list[Act]) -> None:
    run, twin = Run(stock), Twin(stock)
    for act in days[:10]:
        kind, account, shares, leverage = act
        shares = shares % 12 + 1
        if kind in {"buy", "lever"}:
            leverage = leverage if kind == "lever" else 1
            try:
                run.carry_out(buy(run.stock, account, shares, leverage))
            except TradeRefused:
                assert not twin.buy(account, shares, leverage)
                continue
            assert twin.buy(account, shares, leverage)
        elif kind == "sell":
            held = twin.shares.get(account, 0)
            if held:
                run.carry_out(sell(run.stock, account, min(shares, held)))
                twin.sell(account, min(shares, held))
        assert run.stock.supply == twin.supply
        assert {one.account_id: (one.shares, one.loan) for one in run.stock.holdings.values()} == {
            one: (many, twin.loans[one]) for one, many in twin.shares.items() if many
        }
        assert run.cash == twin.cash
        gone = [one.account_id for one in run.steps if one.kind is StepKind.LIQUIDATION]
        assert gone == twin.liquidated
        assert money_of(run.steps) == {one: held for one, held in twin.money.items() if held}


def levered(count: int, shares: int = 100, leverage: int = 5) -> Run:
    """So many people, who bought one after the other and owe."""
    run = Run(Terms(Curve(1_000_000, 10_000), 10, 1_000))
    for account in range(1, count + 1):
        run.carry_out(buy(run.stock, account, shares, leverage))
    return run


def test_a_sale_goes_on_once_who_is_first_in_line_was_sold() -> None:
    run = Run(Terms(Curve(1_000_000, 1_000_000), 10, 1_000))
    run.carry_out(buy(run.stock, 1, 1_000, 1))
    run.carry_out(buy(run.stock, 2, 100, 5))
    steps = sell(run.stock, 1, 1_000)
    assert [(one.kind, one.account_id) for one in steps] == [
        (StepKind.SELL, 1),
        (StepKind.LIQUIDATION, 2),
        (StepKind.SELL, 1),
    ]
    assert sum(one.shares for one in steps) == -1_100
    run.carry_out(steps)
    assert (run.stock.supply, run.stock.holdings) == (0, {})


def test_two_loans_at_their_bounds_are_both_paid() -> None:
    """Each alone would be covered by what is left; only one would be if they looked at that."""
    run = Run(Terms(Curve(10_000, 10**7), 10, 1_000))
    run.carry_out(buy(run.stock, 1, 1_000, 1))
    for account in (2, 3):
        run.carry_out(buy(run.stock, account, 200, 5))
    steps = sell(run.stock, 1, 1_000)
    gone = {one.account_id: one for one in steps if one.kind is StepKind.LIQUIDATION}
    assert set(gone) == {2, 3}
    assert all(one.amount > 0 for one in gone.values())


def test_no_more_may_borrow_than_one_transfer_can_pay() -> None:
    run = levered(LOANS_MAX)
    least = min(one.loan for one in run.stock.holdings.values())
    with pytest.raises(TradeRefused, match=f"owe {format_money(least)} or more") as refused:
        buy(run.stock, LOANS_MAX + 1, 20, 2)
    assert refused.value.code == "TOO_MANY_LOANS"
    run.carry_out(buy(run.stock, LOANS_MAX + 1, 100, 1))
    run.carry_out(buy(run.stock, LOANS_MAX, 100, 2))


def test_a_larger_loan_takes_the_place_of_the_least() -> None:
    run = levered(LOANS_MAX)
    # The first of them bought at the lowest price.
    least = run.stock.holdings[1]
    bought, repaid = buy(run.stock, LOANS_MAX + 1, 1_000, 2)
    assert (bought.kind, bought.account_id, bought.shares) == (StepKind.BUY, LOANS_MAX + 1, 1_000)
    assert (repaid.kind, repaid.account_id) == (StepKind.LIQUIDATION, 1)
    assert repaid.loan == -least.loan
    curve = run.terms.curve
    assert repaid.total == curve.proceeds(bought.supply_after, -repaid.shares) >= least.loan
    assert curve.proceeds(bought.supply_after, -repaid.shares - 1) < least.loan
    run.carry_out([bought, repaid])
    assert run.stock.holdings[1] == Holding(1, 100 + repaid.shares)
    assert sum(one.loan > 0 for one in run.stock.holdings.values()) == LOANS_MAX
    # Nobody is pushed out by as much: that would go on for ever.
    owed = sorted(one.loan for one in run.stock.holdings.values() if one.loan)
    with pytest.raises(TradeRefused):
        buy(run.stock, 1, run.terms.curve.shares_for(run.stock.supply, owed[0]), 2)


@given(terms(), acts, st.integers(1, 2))
def test_the_laws_hold_where_few_may_borrow(stock: Terms, days: list[Act], most: int) -> None:
    run = Run(stock)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trading, "LOANS_MAX", most)
        for act in days:
            before = run.stock
            steps = run.act(act)
            owing = [one for one in run.stock.holdings.values() if one.loan]
            assert len(owing) <= most
            if len(steps) == BUYS_OUT and steps[0].kind is StepKind.BUY:
                gone = before.holdings[steps[1].account_id]
                assert steps[1].loan == -gone.loan > -steps[0].loan
                assert all(one.loan >= gone.loan for one in before.holdings.values() if one.loan)
    assert run.cash == -sum(money_of(run.steps).values())


def test_what_can_not_be_done_says_why() -> None:
    run = levered(1)
    for code, decide in (
        ("INSUFFICIENT_SHARES", lambda: sell(run.stock, 1, 101)),
        ("INSUFFICIENT_SHARES", lambda: sell(run.stock, 2, 1)),
        ("INSUFFICIENT_SHARES", lambda: sell(run.stock, 1, None, 10**12)),
        ("AMOUNT_TOO_SMALL", lambda: shares_for(run.stock, 1, 5)),
        ("SUPPLY_EXHAUSTED", lambda: buy(run.stock, 1, SUPPLY_MAX, 1)),
    ):
        with pytest.raises(TradeRefused) as refused:
            decide()
        assert refused.value.code == code


def test_a_stock_that_is_not_covered_stops_everything() -> None:
    run = levered(2)
    with pytest.raises(InvariantViolated):
        check(run.stock, run.cash - 1)
    owing = {1: Holding(1, 100, 2_000_000)}
    stock = Stock(run.terms, 100, owing)
    assert not is_covered(run.terms, owing.values(), 100)
    with pytest.raises(InvariantViolated):
        check(stock, 10**9)
    with pytest.raises(InvariantViolated):
        after(stock, (Step(StepKind.SELL, 1, -100, 0, 0, 0),))
    with pytest.raises(InvariantViolated):
        after(stock, (Step(StepKind.BUY, 1, 1, 0, 0, 100),))


def test_the_longest_sale_takes_no_time() -> None:
    run = Run(Terms(Curve(1_000_000, 10_000_000), 10, 1_000))
    run.carry_out(buy(run.stock, 1_000, 100_000, 1))
    for account in range(1, LOANS_MAX + 1):
        run.carry_out(buy(run.stock, account, 100, 5))
    steps = sell(run.stock, 1_000, 100_000)
    gone = [one for one in steps if one.kind is StepKind.LIQUIDATION]
    assert len(gone) == LOANS_MAX
    assert len(money_of(steps)) == LOANS_MAX + 1
