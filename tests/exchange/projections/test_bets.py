"""Bets on a market day: what each bought, whose shares leave first, what netting closes, and how
each ends.
"""

import pytest

from exchange.messages.bounds import MONEY_SCALE
from exchange.messages.commands import BatchOrders, PlaceOrder
from exchange.messages.terms import (
    BUY,
    GTC,
    IOC,
    LIMIT,
    MARKET,
    NO,
    SELL,
    YES,
    FeeModel,
    Outcome,
    Resolution,
)
from exchange.projections.bets.fold import order_of
from exchange.projections.bets.records import Bet, BetStatus, ExitKind
from tests.exchange.bet_stories import Betting
from tests.exchange.worlds import ANN, BOB, CEM

CREDIT = MONEY_SCALE


def told(bet: Bet) -> tuple[BetStatus, int, int, int]:
    """How a bet stands, the shares in it, what its shares that left brought, and its profit."""
    return bet.status, bet.shares, bet.brought, bet.profit


@pytest.fixture
def world() -> Betting:
    """BOB offers both sides: YES at 0.40, NO at 0.65, 1 000 shares of each."""
    made = Betting(cash=10_000)
    made.limit(BOB, BUY, NO, 6_000, 100_000)
    made.limit(BOB, BUY, YES, 3_500, 100_000)
    return made


def test_a_bet_buys_what_its_amount_pays(world: Betting) -> None:
    bet = world.bets[world.bet(ANN, YES, 100 * CREDIT)]
    assert (bet.account_id, bet.market_id, bet.outcome) == (ANN, 1, YES)
    assert (bet.bought, bet.shares, bet.cost, bet.fee) == (25_000, 25_000, 100 * CREDIT, 0)
    assert told(bet) == (BetStatus.OPEN, 25_000, 0, 0)


def test_a_bet_that_buys_nothing_is_none(world: Betting) -> None:
    assert world.bet(ANN, YES, 100 * CREDIT, worst_price=3_900) not in world.bets


def test_an_order_of_a_client_is_no_bet(world: Betting) -> None:
    world.limit(ANN, BUY, YES, 4_000, 100, client_id="bet:1:1")
    assert world.bets == {}


@pytest.mark.parametrize("text", ["bet:1", "bet:1:2:3", "sale:1:2", "reward:1:2", "bets:1:2"])
def test_only_ids_of_bets_name_one(text: str) -> None:
    assert order_of(PlaceOrder(1, 1, BUY, YES, MARKET, None, 1, IOC, client_order_id=text)) is None


def test_fees_are_taken_off_the_profit() -> None:
    world = Betting(cash=10_000, taker_fee=100, fee_model=FeeModel.FLAT)
    world.limit(BOB, BUY, NO, 5_000, 2_000)
    bet = world.bets[world.bet(ANN, YES, 101 * CREDIT // 10)]
    assert (bet.bought, bet.cost, bet.fee) == (2_000, 10 * CREDIT, CREDIT // 10)
    world.limit(CEM, BUY, YES, 6_000, 2_000)
    world.sell_bet(bet, 2_000)
    bet = world.bets[bet.number]
    assert (bet.brought, bet.exit_fees) == (12 * CREDIT, 12 * CREDIT // 100)
    assert bet.profit == 2 * CREDIT - CREDIT // 10 - 12 * CREDIT // 100


@pytest.mark.parametrize(
    ("outcome", "yes_payout", "yes", "no"),
    [
        (Resolution.YES, None, (BetStatus.WON, 250, 150), (BetStatus.LOST, 0, -65)),
        (Resolution.NO, None, (BetStatus.LOST, 0, -100), (BetStatus.WON, 100, 35)),
        (Resolution.VOID, None, (BetStatus.VOID, 125, 25), (BetStatus.VOID, 50, -15)),
        (Resolution.SPLIT, 3_000, (BetStatus.LOST, 75, -25), (BetStatus.WON, 70, 5)),
    ],
)
def test_how_bets_end(
    world: Betting,
    outcome: Resolution,
    yes_payout: int | None,
    yes: tuple[BetStatus, int, int],
    no: tuple[BetStatus, int, int],
) -> None:
    first, second = world.bet(ANN, YES, 100 * CREDIT), world.bet(CEM, NO, 65 * CREDIT)
    world.resolve(outcome, yes_payout)
    for number, (status, brought, profit) in ((first, yes), (second, no)):
        assert told(world.bets[number]) == (status, 0, brought * CREDIT, profit * CREDIT)
        assert world.bets[number].ended_at == world.state.now
    assert {one.kind for one in world.exits} == {ExitKind.PAYOUT}


def test_a_sale_leaves_its_own_bet_and_an_order_the_oldest(world: Betting) -> None:
    first, second = world.bet(ANN, YES, 40 * CREDIT), world.bet(ANN, YES, 40 * CREDIT)
    world.sell_bet(world.bets[second], 4_000)
    assert [world.bets[number].shares for number in (first, second)] == [10_000, 6_000]
    world.take(ANN, SELL, YES, 12_000)
    assert told(world.bets[first]) == (BetStatus.SOLD, 0, 35 * CREDIT, -5 * CREDIT)
    assert told(world.bets[second]) == (BetStatus.OPEN, 4_000, 21 * CREDIT, -3 * CREDIT)


def test_what_is_sold_beyond_the_bets_is_nobodys(world: Betting) -> None:
    world.take(ANN, BUY, YES, 5_000)
    number = world.bet(ANN, YES, 40 * CREDIT)
    world.take(ANN, SELL, YES, 12_000)
    assert told(world.bets[number]) == (BetStatus.SOLD, 0, 35 * CREDIT, -5 * CREDIT)


def test_a_bet_on_the_other_side_closes_the_earlier_one(world: Betting) -> None:
    """At 1 - price: what 0.65 is paid for closes at 0.35."""
    first, second = world.bet(ANN, YES, 100 * CREDIT), world.bet(ANN, NO, 65 * CREDIT)
    assert told(world.bets[first]) == (BetStatus.OPEN, 15_000, 35 * CREDIT, -5 * CREDIT)
    assert told(world.bets[second]) == (BetStatus.SOLD, 0, 65 * CREDIT, 0)
    assert [(one.bet, one.by_bet, one.kind) for one in world.exits] == [
        (first, second, ExitKind.NETTING),
        (second, first, ExitKind.NETTING),
    ]


def test_what_is_left_of_the_later_bet_stays(world: Betting) -> None:
    first, second = world.bet(ANN, YES, 40 * CREDIT), world.bet(ANN, NO, 130 * CREDIT)
    assert told(world.bets[first]) == (BetStatus.SOLD, 0, 35 * CREDIT, -5 * CREDIT)
    assert told(world.bets[second]) == (BetStatus.OPEN, 10_000, 65 * CREDIT, 0)


def test_an_order_on_the_other_side_closes_the_oldest_bet(world: Betting) -> None:
    first, second = world.bet(ANN, YES, 40 * CREDIT), world.bet(ANN, YES, 40 * CREDIT)
    world.take(ANN, BUY, NO, 12_000)
    assert told(world.bets[first]) == (BetStatus.SOLD, 0, 35 * CREDIT, -5 * CREDIT)
    assert told(world.bets[second]) == (BetStatus.OPEN, 8_000, 7 * CREDIT, -CREDIT)


def test_a_bet_against_shares_that_are_no_bets_goes_at_what_it_cost(world: Betting) -> None:
    world.take(ANN, BUY, YES, 10_000)
    number = world.bet(ANN, NO, 65 * CREDIT)
    assert told(world.bets[number]) == (BetStatus.SOLD, 0, 65 * CREDIT, 0)


def locked_bet(world: Betting) -> tuple[Bet, int]:
    """A YES bet whose shares wait to be sold dear; and by which order."""
    bet = world.bets[world.bet(ANN, YES, 40 * CREDIT)]
    return bet, world.rest(ANN, SELL, YES, 9_000, 10_000).id


def test_bets_on_both_sides_close_once_nothing_locks_them(world: Betting) -> None:
    first, order_id = locked_bet(world)
    second = world.bet(ANN, NO, 65 * CREDIT)
    assert world.bets[second].shares == 10_000
    world.cancel(ANN, order_id)
    assert told(world.bets[first.number]) == (BetStatus.SOLD, 0, 35 * CREDIT, -5 * CREDIT)
    assert told(world.bets[second]) == (BetStatus.SOLD, 0, 65 * CREDIT, 0)


def test_beside_shares_bought_before_a_bet_goes_at_what_it_cost(world: Betting) -> None:
    bet, order_id = locked_bet(world)
    world.take(ANN, BUY, NO, 10_000)
    world.cancel(ANN, order_id)
    assert told(world.bets[bet.number]) == (BetStatus.SOLD, 0, 40 * CREDIT, 0)


def test_a_batch_that_buys_and_sells(world: Betting) -> None:
    """What the batch itself bought goes before any bet where it is netted."""
    number = world.bet(ANN, NO, 65 * CREDIT)
    world.rest(ANN, SELL, NO, 9_900, 10_000)
    orders = [(BUY, YES), (BUY, NO)]
    world.send(
        BatchOrders(
            ANN,
            tuple(
                PlaceOrder(ANN, 1, side, outcome, MARKET, None, 1_000, IOC)
                for side, outcome in orders
            ),
        )
    )
    assert told(world.bets[number]) == (BetStatus.OPEN, 10_000, 0, 0)


def test_a_makers_fill_closes_bets_too(world: Betting) -> None:
    number = world.bet(ANN, YES, 40 * CREDIT)
    world.limit(ANN, SELL, YES, 3_900, 10_000, GTC)
    world.limit(CEM, BUY, YES, 3_900, 4_000)
    world.limit(CEM, SELL, NO, 6_000, 1)
    world.limit(CEM, BUY, YES, 3_900, 6_000)
    assert told(world.bets[number]) == (BetStatus.SOLD, 0, 39 * CREDIT, -CREDIT)


def other(outcome: Outcome) -> Outcome:
    return NO if outcome is YES else YES


@pytest.mark.parametrize("outcome", [YES, NO])
def test_a_resting_order_on_the_other_side_closes_when_it_fills(
    world: Betting, outcome: Outcome
) -> None:
    cost = (40 if outcome is YES else 65) * CREDIT
    number = world.bet(ANN, outcome, cost)
    price = 5_000 if outcome is YES else 2_500
    world.cancel_all(BOB)
    world.limit(ANN, BUY, other(outcome), price, 10_000)
    world.send(PlaceOrder(CEM, 1, BUY, outcome, LIMIT, 10_000 - price, 10_000, IOC))
    bet = world.bets[number]
    assert told(bet)[:3] == (BetStatus.SOLD, 0, (10_000 - price) * 10_000)
