"""What happens at the bound of every number that is stored; refusals have their own tests."""

import pytest

from exchange.messages import bounds
from exchange.messages.bounds import STORED_MAX, TALLY_MAX
from exchange.messages.errors import InvariantViolated
from exchange.messages.terms import BUY, NO, SELL, YES, Resolution
from exchange.proof import invariants
from tests.exchange.worlds import ANN, BOB, World


def realised(world: World, account_id: int) -> int:
    return world.market.positions[account_id].realised


def traded(world: World, account_id: int, *, realised_before: int) -> World:
    """Let both have shares at 0.50, and the account a history of profits or losses."""
    world.mint(ANN, BOB, 100)
    world.market.positions[account_id].realised = realised_before
    return world


def test_the_relations_of_the_bounds_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "TALLY_MAX", STORED_MAX + 1)
    with pytest.raises(InvariantViolated, match="tallies fit"):
        bounds._check()


def test_volume_stops_at_its_bound_and_trading_goes_on() -> None:
    world = World()
    world.market.volume = TALLY_MAX - 150
    world.mint(ANN, BOB, 100)
    assert world.market.volume == TALLY_MAX - 50
    world.mint(ANN, BOB, 100)
    world.mint(ANN, BOB, 100)
    assert (world.market.volume, world.market.trade_no) == (TALLY_MAX, 3)


def test_profit_of_a_sale_stops_at_its_bound() -> None:
    world = traded(World(), ANN, realised_before=TALLY_MAX - 1)
    world.rest(BOB, BUY, YES, 6_000, 100)
    world.limit(ANN, SELL, YES, 6_000, 100)
    assert realised(world, ANN) == TALLY_MAX
    assert list(invariants.problems(world.state)) == []


def test_loss_of_a_sale_stops_at_its_bound() -> None:
    world = traded(World(), ANN, realised_before=1 - TALLY_MAX)
    world.rest(BOB, BUY, YES, 4_000, 100)
    world.limit(ANN, SELL, YES, 4_000, 100)
    assert realised(world, ANN) == -TALLY_MAX


def test_profit_of_a_netting_counts_whole_before_it_stops() -> None:
    world = traded(World(), ANN, realised_before=TALLY_MAX - 100_000)
    world.rest(BOB, SELL, NO, 4_900, 100)
    world.limit(ANN, BUY, NO, 4_900, 100)
    assert realised(world, ANN) == TALLY_MAX - 100_000 + 10_000
    world.mint(ANN, BOB, 100)
    world.market.positions[ANN].realised = TALLY_MAX
    world.rest(BOB, SELL, NO, 4_900, 100)
    world.limit(ANN, BUY, NO, 4_900, 100)
    assert realised(world, ANN) == TALLY_MAX


def test_profit_and_loss_of_a_settlement_stop_at_their_bound() -> None:
    world = traded(World(), ANN, realised_before=TALLY_MAX)
    world.market.positions[BOB].realised = -TALLY_MAX
    world.resolve(Resolution.YES)
    assert (realised(world, ANN), realised(world, BOB)) == (TALLY_MAX, -TALLY_MAX)
    assert list(invariants.problems(world.state)) == []
