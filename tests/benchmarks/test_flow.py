"""The flow and its books: what the core and its peers are measured and checked with."""

from benchmarks.core import command_for, opened_engine
from benchmarks.loads.flow import Add, Cancel, many_flows, order_flow, outcome_of
from exchange.messages.events import CommandRejected, OrderCancelled, TradeExecuted
from exchange.messages.terms import BUY, NO, YES, CancelReason


def test_the_same_seed_gives_the_same_flow() -> None:
    assert order_flow(2_000) == order_flow(2_000)
    assert order_flow(2_000, seed=1) != order_flow(2_000)
    assert order_flow(2_000)[:500] == order_flow(500)


def test_the_outcome_counts_fills_cancels_and_what_rests() -> None:
    flow: list[Add | Cancel] = [
        Add(1, True, 40, 10),
        Add(2, True, 41, 5),
        Add(3, False, 40, 8),
        Add(4, False, 60, 7),
        Cancel(4),
    ]
    outcome = outcome_of(flow)
    assert (outcome.cancels, outcome.fills, outcome.volume, outcome.resting) == (1, 2, 8, 1)
    assert outcome.levels == {True: {40: 7}, False: {}}


def test_a_hundred_markets_have_flows_of_their_own_and_ids_in_order() -> None:
    mixed = many_flows(100, 20_000)
    assert len(mixed) == 20_000
    assert [step.id for _, step in mixed if isinstance(step, Add)] == list(
        range(1, 1 + sum(isinstance(step, Add) for _, step in mixed))
    )
    engine, refused, prevented = opened_engine(100), 0, 0
    for market, step in mixed:
        for event in engine.execute(2, command_for(step, market)).events:
            refused += isinstance(event, CommandRejected)
            prevented += (
                isinstance(event, OrderCancelled) and event.reason is CancelReason.SELF_TRADE
            )
    # A cancel comes in vain only where its order would have met one of the same account.
    assert refused <= prevented < 10
    assert {order.market_id for order in engine.state.orders.values()} == set(range(1, 101))


def test_the_core_makes_of_the_flow_what_a_bare_book_makes() -> None:
    # So short that nobody meets an order of their own.
    flow = order_flow(1_500)
    engine, volume = opened_engine(), 0
    for step in flow:
        for event in engine.execute(2, command_for(step)).events:
            volume += event.quantity if isinstance(event, TradeExecuted) else 0
    outcome = outcome_of(flow)
    levels: dict[bool, dict[int, int]] = {True: {}, False: {}}
    for order in engine.state.orders.values():
        assert order.side is BUY
        assert order.outcome is (YES if order.is_bid else NO)
        side, price = levels[order.is_bid], order.yes_price // 100
        side[price] = side.get(price, 0) + order.remaining // 100
    assert (volume // 100, levels) == (outcome.volume, outcome.levels)
