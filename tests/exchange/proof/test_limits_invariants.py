"""Each law about halts is noticed when it is broken, and what a window sees is what it should."""

from collections.abc import Callable

import pytest

from exchange.messages.commands import SetMarketStatus
from exchange.messages.limit_commands import BeginPostOnly, SetMarketLimits
from exchange.messages.limits import MarketLimits, VolatilityHalt
from exchange.messages.terms import BUY, YES, ExchangeMode, MarketStatus
from exchange.model.price_window import spread, with_trade
from exchange.model.slices import SLICES
from exchange.model.state import State
from exchange.model.timers import HALT_END
from exchange.proof.invariants import problems
from tests.exchange.worlds import ANN, BOB, World

SECOND = 1_000_000
LIMITS = MarketLimits(volatility_halt=VolatilityHalt(move=400, window=60, halted=30, post_only=10))


def world_of(*, halted: bool) -> World:
    """A market that traded at 0.50 and 0.53, or 0.55 and halted."""
    world = World()
    world.send(SetMarketLimits(1, LIMITS))
    world.mint(ANN, BOB, 100)
    world.mint(ANN, BOB, 100, 5_500 if halted else 5_300)
    assert world.market.status is (MarketStatus.HALTED if halted else MarketStatus.OPEN)
    assert list(problems(world.state)) == []
    return world


def forget_the_timer(state: State) -> None:
    state.timers.unset(HALT_END, state.markets[1].resumes_at or 0, 1)


def another_time(state: State) -> None:
    state.markets[1].resumes_at = 7


def go_on_while_open(state: State) -> None:
    state.markets[1].status = MarketStatus.OPEN


@pytest.mark.parametrize("breaking", [forget_the_timer, another_time, go_on_while_open])
def test_a_halt_that_is_out_of_time(breaking: Callable[[State], None]) -> None:
    world = world_of(halted=True)
    breaking(world.state)
    assert any(problem.startswith("9: ") for problem in problems(world.state))


def moved_too_far(state: State) -> None:
    ((number, low, _),) = state.markets[1].extremes
    state.markets[1].extremes = ((number, low, low + 401),)


def volatile_for_nothing(state: State) -> None:
    state.volatile[1] = None


def too_long(state: State) -> None:
    state.markets[1].extremes = ((0, 5_000, 5_000), (SLICES, 5_000, 5_000))


def out_of_order(state: State) -> None:
    state.markets[1].extremes = ((1, 5_000, 5_000), (0, 5_000, 5_000))


def watched_by_nobody(state: State) -> None:
    state.markets[1].limits = None


@pytest.mark.parametrize(
    "breaking", [moved_too_far, volatile_for_nothing, too_long, out_of_order, watched_by_nobody]
)
def test_a_window_that_is_not_true(breaking: Callable[[State], None]) -> None:
    world = world_of(halted=False)
    breaking(world.state)
    assert any(problem.startswith("9: ") for problem in problems(world.state))


def forget_an_order(state: State) -> None:
    by_market = state.accounts[ANN].by_market
    assert by_market is not None
    by_market[1].popitem()


def keep_an_empty_market(state: State) -> None:
    by_market = state.accounts[ANN].by_market
    assert by_market is not None
    by_market[2] = {}


def put_them_into_another_market(state: State) -> None:
    by_market = state.accounts[ANN].by_market
    assert by_market is not None
    by_market[2] = by_market.pop(1)


@pytest.mark.parametrize(
    "breaking", [forget_an_order, keep_an_empty_market, put_them_into_another_market]
)
def test_orders_by_market_that_are_others(breaking: Callable[[State], None]) -> None:
    world = World()
    world.limit(ANN, BUY, YES, 4_000, 1)
    assert world.state.accounts[ANN].by_market is None
    world.send(SetMarketLimits(1, MarketLimits(open_orders=3)))
    world.limit(ANN, BUY, YES, 4_000, 1)
    assert list(problems(world.state)) == []
    breaking(world.state)
    assert any(problem.startswith("9: ") for problem in problems(world.state))


def test_an_exchange_that_opens_by_itself_out_of_time() -> None:
    for attribute, value in (("post_only_until", 7), ("mode", ExchangeMode.HALTED)):
        world = World()
        world.send(BeginPostOnly(30))
        assert list(problems(world.state)) == []
        setattr(world.state, attribute, value)
        assert any(problem.startswith("9: ") for problem in problems(world.state))


def test_a_window_has_sixty_slices_and_forgets_the_older_ones() -> None:
    window = with_trade((), 60, 100 * SECOND, 5_000)
    assert window == ((100, 5_000, 5_000),)
    window = with_trade(window, 60, 100 * SECOND + 999_999, 5_100)
    assert window == ((100, 5_000, 5_100),)
    assert with_trade(window, 60, 100 * SECOND, 5_050) is window
    window = with_trade(window, 60, 159 * SECOND, 4_900)
    assert (len(window), spread(window)) == (2, 200)
    window = with_trade(window, 60, 160 * SECOND, 4_950)
    assert window == ((159, 4_900, 4_900), (160, 4_950, 4_950))
    # Slices shorter than a microsecond's multiple are counted exactly.
    assert with_trade((), 1, 999_999, 1)[0][0] == 59
    assert spread(()) == 0


def test_an_admins_halt_has_no_timer() -> None:
    world = world_of(halted=False)
    world.send(SetMarketStatus(1, MarketStatus.HALTED))
    assert (world.market.resumes_at, world.market.extremes) == (None, ())
    assert list(problems(world.state)) == []
