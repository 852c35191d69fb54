"""Bets through random days of bets, sales, orders of every kind, netting and resolutions.

After every command the shares in open bets are never more than those held, of any account, market
and outcome; for whoever does nothing but bet the bets account for all the cash there is; and bets
whose memory is lost between any two commands go on like those whose isn't.
"""

from collections import Counter
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from exchange.messages.bounds import MONEY_SCALE
from exchange.messages.commands import BatchOrders, PlaceOrder
from exchange.messages.terms import (
    BUY,
    IOC,
    LIMIT,
    MARKET,
    NO,
    SELL,
    YES,
    FeeModel,
    Outcome,
    Resolution,
    Side,
)
from exchange.model.accounts import Position
from exchange.projections.bets.records import Bet, BetStatus, ExitKind
from tests.exchange.bet_stories import FIELDS, Betting
from tests.exchange.worlds import ANN, BOB, CEM

CASH = 1_000
PEOPLE = (ANN, BOB, CEM)
OUTCOMES = st.sampled_from([YES, NO])
SIDES = st.sampled_from([BUY, SELL])
PRICES = st.integers(1, 99).map(lambda cents: cents * 100)
QUANTITIES = st.integers(1, 3_000)
BETS = st.tuples(
    st.just("bet"),
    st.sampled_from(PEOPLE),
    OUTCOMES,
    st.integers(1, 600).map(lambda tenths: tenths * MONEY_SCALE // 10),
)
SALES = st.tuples(st.just("sale"), st.integers(0, 30), QUANTITIES)
ORDERS = st.tuples(
    st.just("order"), st.sampled_from((BOB, CEM)), SIDES, OUTCOMES, PRICES, QUANTITIES
)
TAKES = st.tuples(st.just("take"), st.sampled_from((BOB, CEM)), SIDES, OUTCOMES, QUANTITIES)
CANCELS = st.tuples(st.just("cancel"), st.sampled_from((BOB, CEM)))
BATCHES = st.tuples(
    st.just("batch"),
    st.just(BOB),
    st.lists(st.tuples(SIDES, OUTCOMES, PRICES, QUANTITIES), min_size=1, max_size=4),
)
DAYS = st.lists(
    st.one_of(BETS, BETS, SALES, ORDERS, ORDERS, TAKES, CANCELS, BATCHES), min_size=6, max_size=40
)
ENDS = st.sampled_from([*Resolution, None])


def run(world: Betting, step: tuple[Any, ...]) -> None:
    """Do one thing of a day; ANN does nothing but bet and sell her bets."""
    kind, *terms = step
    if kind == "bet":
        world.bet(*terms)
    elif kind == "sale":
        chosen, quantity = terms
        bets = list(world.bets.values())
        if bets:
            world.sell_bet(bets[chosen % len(bets)], quantity)
    elif kind == "order":
        world.limit(*terms)
    elif kind == "take":
        world.take(*terms)
    elif kind == "cancel":
        world.cancel_all(*terms)
    else:
        account_id, orders = terms
        world.send(BatchOrders(account_id, tuple(placing(account_id, *one) for one in orders)))


def placing(account_id: int, side: Side, outcome: Outcome, price: int, quantity: int) -> PlaceOrder:
    if price % 200:
        return PlaceOrder(account_id, 1, side, outcome, MARKET, None, quantity, IOC)
    return PlaceOrder(account_id, 1, side, outcome, LIMIT, price, quantity, IOC)


def check(world: Betting) -> None:
    """Raise AssertionError unless the bets agree with what is held, and with their exits."""
    open_shares: Counter[tuple[int, Outcome]] = Counter()
    for bet in world.bets.values():
        open_shares[bet.account_id, bet.outcome] += bet.shares
        assert bet.shares >= 0
        assert (bet.status is BetStatus.OPEN) is (bet.shares > 0) is (bet.ended_at is None)
        assert (bet.left == 0) or bet.shares
        assert 0 <= bet.left <= bet.cost
        ways = [one for one in world.exits if one.bet == bet.number]
        assert sum(one.quantity for one in ways) == bet.bought - bet.shares
        assert sum(one.brought for one in ways) == bet.brought
        assert sum(one.fee for one in ways) == bet.exit_fees
    for (account_id, outcome), shares in open_shares.items():
        position: Position | None = world.market.positions.get(account_id)
        held = 0
        if position is not None:
            held = (position.yes if outcome is YES else position.no).quantity
        assert shares <= held, (account_id, outcome)
    spent = sum(spent_on(bet) for bet in world.bets.values() if bet.account_id == ANN)
    assert world.state.accounts[ANN].available == CASH * MONEY_SCALE - spent


def spent_on(bet: Bet) -> int:
    """What a bet took out of its account so far, less what came back."""
    return bet.cost + bet.fee - (bet.brought - bet.exit_fees)


@given(days=DAYS, end=ENDS, fee=st.sampled_from([0, 35, 1_000]))
def test_bets_never_hold_more_than_their_accounts(
    days: list[tuple[Any, ...]], end: Resolution | None, fee: int
) -> None:
    terms: dict[str, Any] = {"cash": CASH, "taker_fee": fee, "fee_model": FeeModel.FLAT}
    world, forgetful = Betting(**terms), Betting(**terms, keeps_nothing=True)
    for one in (world, forgetful):
        one.limit(BOB, BUY, NO, 6_000, 2_000)
        one.limit(CEM, BUY, YES, 3_500, 2_000)
        one.bet(ANN, YES, 20 * MONEY_SCALE)
    for step in days:
        for one in (world, forgetful):
            run(one, step)
        check(world)
    if end is not None:
        for one in (world, forgetful):
            one.resolve(end, 2_500 if end is Resolution.SPLIT else None)
        check(world)
        assert all(bet.shares == 0 for bet in world.bets.values())
    for kind in ExitKind:
        if any(one.kind is kind for one in world.exits):
            event(f"shares left by {kind.value}")
    assert forgetful.exits == world.exits
    assert [values(bet) for bet in forgetful.bets.values()] == [
        values(bet) for bet in world.bets.values()
    ]


def values(bet: Bet) -> tuple[object, ...]:
    """Everything that a bet is."""
    which = bet.number, bet.account_id, bet.market_id, bet.outcome, bet.placed_seq, bet.placed_at
    return (*which, *(getattr(bet, name) for name in FIELDS))
