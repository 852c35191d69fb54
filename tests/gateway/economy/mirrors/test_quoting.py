"""The house's prices and sizes, by the rule of docs/economy.md."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.messages.terms import BUY, NO, SELL, YES
from gateway.economy.mirrors.quoting import Held, Quote, Rule, Source, prices, quotes, size_within

NOTHING = Held(0, 0, 0)
WHOLE = 10_000
MUCH = 10**15


@pytest.mark.parametrize(
    ("source", "spread", "tick", "found"),
    [
        ((4_000, 4_200), 100, 100, (3_900, 4_300)),
        ((4_050, 4_150), 100, 100, (3_900, 4_300)),
        ((4_050, 4_150), 30, 10, (4_020, 4_180)),
        ((None, 4_150), 100, 1, (None, 4_250)),
        ((4_050, None), 100, 1, (3_950, None)),
        ((100, 9_900), 100, 100, (None, None)),
        ((None, None), 100, 100, (None, None)),
    ],
)
def test_prices(
    source: tuple[int | None, int | None],
    spread: int,
    tick: int,
    found: tuple[int | None, int | None],
) -> None:
    assert prices(Source(*source), Rule(spread, 1, tick)) == found


def test_both_sides_buy_with_half_each() -> None:
    rule = Rule(100, 1_000, 100)
    bid, ask = quotes(Source(5_100, 5_100), rule, NOTHING, 4_000_000)
    assert bid == Quote(True, BUY, YES, 5_000, 400)
    assert ask == Quote(False, BUY, NO, 4_800, 416)


def test_what_one_side_does_not_need_the_other_has() -> None:
    rule = Rule(100, 1_000, 100)
    bid, ask = quotes(Source(1_100, 1_100), rule, NOTHING, 5_000_000)
    assert bid == Quote(True, BUY, YES, 1_000, 1_000)
    assert ask == Quote(False, BUY, NO, 8_800, 4_000_000 // 8_800)


def test_what_is_held_is_sold_first() -> None:
    rule = Rule(100, 1_000, 100)
    found = quotes(Source(5_000, 5_200), rule, Held(300, 0, 1_000_000), MUCH)
    assert found == (
        Quote(True, BUY, YES, 4_900, 1_000),
        Quote(False, SELL, YES, 5_300, 300),
        Quote(False, BUY, NO, 4_700, 700),
    )


def test_at_its_bound_it_only_sells() -> None:
    found = quotes(Source(5_000, 5_200), Rule(100, 1_000, 100), Held(0, 300, 1), 0)
    assert found == (Quote(True, SELL, NO, 5_100, 300),)


@pytest.mark.parametrize(
    ("size", "standing", "quoted"),
    [(50_000, 50_000, 50_000), (50_000, 49_999, 25_000), (50_000, 100, 97), (3, 2, 1), (3, 0, 0)],
)
def test_a_size_is_halved_until_so_much_stands_there(size: int, standing: int, quoted: int) -> None:
    assert size_within(size, standing) == quoted


@given(
    st.one_of(st.none(), st.integers(1, 9_999)),
    st.one_of(st.none(), st.integers(1, 9_999)),
    st.integers(1, 2_000),
    st.integers(1, 10**6),
    st.sampled_from([1, 10, 100]),
    st.integers(0, 10**6),
    st.booleans(),
    st.integers(-100, 10**10),
)
def test_whatever_is_known(
    bid: int | None,
    ask: int | None,
    spread: int,
    size: int,
    tick: int,
    held: int,
    holds_yes: bool,
    left: int,
) -> None:
    has = Held(held if holds_yes else 0, 0 if holds_yes else held, held)
    found = quotes(Source(bid, ask), Rule(spread, size, tick), has, left)
    assert sum(one.locks for one in found) <= max(left, 0)
    for one in found:
        yes = one.price if one.outcome is YES else WHOLE - one.price
        assert 0 < yes < WHOLE
        assert yes % tick == 0
        assert 0 < one.quantity <= size
        if one.is_bid:
            assert bid is not None
            assert yes <= bid - spread
        else:
            assert ask is not None
            assert yes >= ask + spread
    for outcome, most in ((YES, has.yes), (NO, has.no)):
        selling = [one.quantity for one in found if one.side is SELL and one.outcome is outcome]
        assert sum(selling) <= most
