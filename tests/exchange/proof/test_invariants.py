"""Each law is broken on purpose in a lawful, busy state; the check must name that law."""

from collections.abc import Callable

import pytest

from exchange.messages.bounds import ISSUANCE_MAX
from exchange.messages.errors import InvariantViolated
from exchange.messages.terms import BUY, NO, SELL, YES, MarketStatus, OrderStatus, Resolution
from exchange.model.accounts import Holding, Position
from exchange.model.idempotency import ORDER_ID
from exchange.model.order_book import Level, Order
from exchange.model.state import State
from exchange.model.timers import CLOSING
from exchange.proof import invariants
from tests.exchange.worlds import ANN, BOB, CEM, World, busy_world

Corruption = Callable[[State], None]


def sale(state: State) -> Order:
    """Return ann's resting sale of YES at 0.60."""
    return next(o for o in state.orders.values() if o.account_id == ANN)


def bid(state: State) -> Order:
    """Return cem's resting purchase of YES at 0.4001."""
    return next(o for o in state.orders.values() if o.client_order_id is not None)


def yes_of(state: State, account_id: int) -> Holding:
    return state.markets[1].positions[account_id].yes


def money_from_nowhere(state: State) -> None:
    state.accounts[ANN].available += 1


def fees_vanish(state: State) -> None:
    state.fees -= 1


def negative_cash(state: State) -> None:
    state.accounts[BOB].available += state.accounts[ANN].available + 1
    state.accounts[ANN].available = -1


def negative_fees(state: State) -> None:
    state.accounts[ANN].available += state.fees + 1
    state.fees = -1


def negative_collateral(state: State) -> None:
    state.accounts[ANN].available += state.markets[1].collateral + 1
    state.markets[1].collateral = -1


def too_much_issued(state: State) -> None:
    state.accounts[ANN].available += ISSUANCE_MAX
    state.issued += ISSUANCE_MAX


def lock_without_an_order(state: State) -> None:
    state.accounts[CEM].available -= 1
    state.accounts[CEM].locked += 1


def lock_of_an_order_too_small(state: State) -> None:
    bid(state).locked -= 1


def shares_locked_without_an_order(state: State) -> None:
    holding = yes_of(state, ANN)
    holding.free -= 1
    holding.locked += 1


def sale_without_a_holding(state: State) -> None:
    sale(state).outcome = NO
    del state.accounts[ANN].positions[1]


def order_of_an_unknown_account(state: State) -> None:
    bid(state).account_id = 99


def order_in_an_unknown_market(state: State) -> None:
    bid(state).market_id = 99


def position_of_an_unknown_account(state: State) -> None:
    state.markets[1].positions[99] = state.markets[1].positions[BOB]


def position_that_the_market_does_not_know(state: State) -> None:
    del state.markets[1].positions[BOB]


def position_in_an_unknown_market(state: State) -> None:
    state.accounts[BOB].positions[99] = Position(Holding(BOB, 99, YES), Holding(BOB, 99, NO))


def more_yes_than_no(state: State) -> None:
    yes_of(state, ANN).free += 1


def shares_without_collateral(state: State) -> None:
    yes_of(state, ANN).free += 1
    state.markets[1].positions[BOB].no.free += 1


def negative_holding(state: State) -> None:
    yes_of(state, ANN).free = -1


def negative_cost(state: State) -> None:
    yes_of(state, ANN).cost = -1


def cost_without_shares(state: State) -> None:
    yes_of(state, BOB).cost = 1


def shares_after_the_end(state: State) -> None:
    state.markets[1].status = MarketStatus.RESOLVED


def free_pair(state: State) -> None:
    yes_of(state, BOB).free += 1
    state.markets[1].positions[ANN].no.free += 1
    state.markets[1].collateral += 10_000
    state.accounts[ANN].available -= 10_000


def crossed_book(state: State) -> None:
    book = state.markets[1].book
    order = sale(state)
    book.asks.remove(order)
    order.yes_price = order.price = 4_001
    book.asks.add(order)


def best_is_not_first(state: State) -> None:
    state.markets[1].book.bids.best = None


def level_at_the_wrong_price(state: State) -> None:
    first_level(state).price += 1


def level_with_another_tail(state: State) -> None:
    first_level(state).tail = bid(state)


def level_that_does_not_add_up(state: State) -> None:
    first_level(state).quantity += 1


def level_that_counts_wrong(state: State) -> None:
    first_level(state).count += 1


def level_under_another_key(state: State) -> None:
    first_level(state).key += 1


def queue_out_of_time_order(state: State) -> None:
    level, first, second = two_at_one_price(state)
    level.head, level.tail = second, first
    second.next, first.previous = first, second
    first.next = second.previous = None


def queue_with_a_broken_back_link(state: State) -> None:
    two_at_one_price(state)[2].previous = None


def first_level(state: State) -> Level:
    return next(state.markets[1].book.asks.levels())


def two_at_one_price(state: State) -> tuple[Level, Order, Order]:
    level = first_level(state)
    first, second = level.head, level.tail
    assert first is not second
    return level, first, second


def ended_order_in_the_book(state: State) -> None:
    sale(state).status = OrderStatus.CANCELLED


def order_that_says_it_does_not_rest(state: State) -> None:
    sale(state).resting = False


def order_on_the_wrong_side(state: State) -> None:
    sale(state).side = BUY


def order_that_forgot_a_fill(state: State) -> None:
    bid(state).filled += 1


def order_marked_partial_without_a_fill(state: State) -> None:
    bid(state).status = OrderStatus.PARTIAL


def order_in_a_closed_market(state: State) -> None:
    market = state.markets[1]
    market.status = MarketStatus.CLOSED
    state.timers.of(CLOSING).clear()


def order_missing_from_the_index(state: State) -> None:
    del state.accounts[ANN].orders[sale(state).id]


def order_in_the_wrong_hands(state: State) -> None:
    order = sale(state)
    del state.accounts[ANN].orders[order.id]
    state.accounts[CEM].orders[order.id] = order


def order_id_ahead_of_the_counter(state: State) -> None:
    state.next_order_id = 2


def closing_forgotten(state: State) -> None:
    state.timers.of(CLOSING).clear()


def client_id_lost(state: State) -> None:
    state.open_client_ids.clear()


def client_id_of_no_order(state: State) -> None:
    state.open_client_ids[ANN, ORDER_ID, "ghost"] = 1


def slug_of_another_market(state: State) -> None:
    state.market_by_slug["snow"] = state.markets[1]


def position_that_is_not_shared(state: State) -> None:
    old = state.accounts[BOB].positions[1]
    state.accounts[BOB].positions[1] = Position(old.yes, old.no, old.realised)


LAWS: dict[str, tuple[Corruption, ...]] = {
    "1": (money_from_nowhere, fees_vanish, too_much_issued),
    "2": (
        negative_cash,
        negative_fees,
        negative_collateral,
        negative_holding,
        negative_cost,
        cost_without_shares,
    ),
    "3": (
        lock_without_an_order,
        lock_of_an_order_too_small,
        shares_locked_without_an_order,
        sale_without_a_holding,
        order_of_an_unknown_account,
        order_in_an_unknown_market,
    ),
    "4": (more_yes_than_no, shares_without_collateral, shares_after_the_end),
    "5": (
        crossed_book,
        best_is_not_first,
        level_at_the_wrong_price,
        level_with_another_tail,
        level_that_does_not_add_up,
        level_that_counts_wrong,
        level_under_another_key,
        queue_out_of_time_order,
        queue_with_a_broken_back_link,
        ended_order_in_the_book,
        order_that_says_it_does_not_rest,
        order_on_the_wrong_side,
        order_that_forgot_a_fill,
        order_marked_partial_without_a_fill,
        order_in_a_closed_market,
        order_missing_from_the_index,
        order_in_the_wrong_hands,
        order_id_ahead_of_the_counter,
    ),
    "8": (free_pair,),
    "9": (
        closing_forgotten,
        client_id_lost,
        client_id_of_no_order,
        slug_of_another_market,
        position_that_is_not_shared,
        position_of_an_unknown_account,
        position_that_the_market_does_not_know,
        position_in_an_unknown_market,
    ),
}
CASES = [
    pytest.param(law, corrupt, id=f"{law}-{corrupt.__name__}")
    for law, corruptions in LAWS.items()
    for corrupt in corruptions
]


def lawful_state() -> State:
    """Return a state that has everything a law speaks of, two orders at one price among it."""
    world = busy_world()
    world.limit(ANN, SELL, YES, 6_000, 50)
    return world.state


def test_a_busy_state_is_lawful() -> None:
    assert list(invariants.problems(lawful_state())) == []
    assert list(invariants.problems(State())) == []


@pytest.mark.parametrize(("law", "corrupt"), CASES)
def test_a_broken_law_is_named(law: str, corrupt: Corruption) -> None:
    state = lawful_state()
    corrupt(state)
    found = list(invariants.problems(state))
    assert any(problem.startswith(f"{law}: ") for problem in found), found
    with pytest.raises(InvariantViolated, match=r"^\d: "):
        invariants.check(state)


def test_an_ended_market_keeps_no_shares_and_no_orders() -> None:
    world = World()
    world.mint(ANN, BOB, 100)
    world.resolve(Resolution.YES)
    assert list(invariants.problems(world.state)) == []
