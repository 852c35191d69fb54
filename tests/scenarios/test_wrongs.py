"""Wrongs that were found in comparable servers, each as the scenario that would show it here."""

from exchange.engine import Engine
from exchange.messages.commands import CancelOrder, PlaceOrder
from exchange.messages.events import CommandRejected, OrderCancelled, OrderPlaced
from exchange.messages.reasons import Reason
from exchange.messages.terms import BUY, GTC, LIMIT, YES
from exchange.model.state import State
from tests.exchange.worlds import ANN, World
from tests.scenarios.table import play

TWO = """
        open ann 100                 | opened, ann +100
        open bob 100                 | opened, bob +100
        list rain                    | rain OPEN
"""


def test_selling_shares_one_does_not_hold() -> None:
    play(f"""{TWO}
        ann sell 1 YES 0.50          | INSUFFICIENT_SHARES
        ann buy 10 YES 0.50          | #1 rests
        bob buy 10 NO 0.50           | #2, MINT 10 at 0.5 with #1
        ann sell 10.01 YES 0.50      | INSUFFICIENT_SHARES
        ann sell 1 NO 0.50           | INSUFFICIENT_SHARES
        ann sell 10 YES 0.60         | #3 rests
        ann sell 0.01 YES 0.60       | INSUFFICIENT_SHARES
        ann sell 1 YES market        | INSUFFICIENT_SHARES
    """)


def test_a_better_price_gives_its_difference_back_at_once() -> None:
    play(f"""{TWO}
        ann buy 10 YES 0.60          | #1 rests
        bob buy 10 NO 0.90           | #2, MINT 10 at 0.4 with #1
        show bob                     | 96 + 0, NO 10 cost 4
    """)


def test_a_better_price_gives_the_fee_on_the_difference_back_too() -> None:
    play("""
        open ann 100                 | opened, ann +100
        open bob 100                 | opened, bob +100
        list rain fees=0/0.1         | rain OPEN
        ann buy 10 YES 0.60          | #1 rests
        bob buy 10 NO 0.90           | #2, MINT 10 at 0.4 with #1 fees 0.4/0
        show bob                     | 95.6 + 0, NO 10 cost 4
    """)


def test_a_market_remainder_leaves_nothing_locked() -> None:
    play(f"""{TWO}
        ann buy 5 YES 0.60           | #1 rests
        bob buy 10 NO market         | #2, MINT 5 at 0.4 with #1, #2 ends NO_LIQUIDITY
        show bob                     | 98 + 0, NO 5 cost 2
        ann buy 3 YES 0.60           | #3 rests
        bob sell 4 NO market         | #4, #4 ends NO_LIQUIDITY
        show bob                     | 98 + 0, NO 5 cost 2
    """)


def test_price_zero_is_refused_and_not_taken_for_one() -> None:
    world = World()
    for price in (0, -1, 10_000):
        events = world.limit(ANN, BUY, YES, price, 100)
        assert isinstance(events[0], CommandRejected)
        assert (events[0].reason, events[0].field) == (Reason.INVALID_ORDER, "price")


def test_orders_in_flight_at_once_do_not_spend_one_balance_twice() -> None:
    # They are in one batch, as parallel requests are; the second sees what the first locked.
    world = World(cash=100)
    orders = [PlaceOrder(ANN, 1, BUY, YES, LIMIT, 6_000, 10_000, GTC) for _ in range(2)]
    done = world.engine.run(1, orders)
    assert isinstance(done[0].events[0], OrderPlaced)
    assert done[1].events[0] == CommandRejected(
        Reason.INSUFFICIENT_BALANCE, "", "needs 60.000000 available, has 40.000000"
    )


def test_parallel_cancels_refund_once() -> None:
    world = World(cash=100)
    world.limit(ANN, BUY, YES, 6_000, 10_000)
    done = world.engine.run(1, [CancelOrder(ANN, 1), CancelOrder(ANN, 1)])
    assert isinstance(done[0].events[0], OrderCancelled)
    assert isinstance(done[1].events[0], CommandRejected)
    assert (world.state.accounts[ANN].available, world.state.accounts[ANN].locked) == (10**8, 0)


def test_a_cancel_that_comes_after_the_fill_refunds_nothing() -> None:
    play(f"""{TWO}
        ann buy 10 YES 0.60          | #1 rests
        bob buy 10 NO 0.40           | #2, MINT 10 at 0.4 with #1
        ann cancel #1                | ORDER_NOT_OPEN
        show ann                     | 94 + 0, YES 10 cost 6
    """)


def test_a_cancel_between_two_fills_refunds_the_rest_and_ends_the_order() -> None:
    play(f"""{TWO}
        ann buy 10 YES 0.60          | #1 rests
        bob buy 4 NO 0.40            | #2, MINT 4 at 0.4 with #1
        ann cancel #1                | #1 ends USER
        show ann                     | 97.6 + 0, YES 4 cost 2.4
        bob buy 6 NO 0.40            | #3 rests
        book rain                    | / 0.6x6
    """)


def test_two_takers_do_not_both_take_one_resting_order() -> None:
    play("""
        open ann 100                 | opened, ann +100
        open bob 100                 | opened, bob +100
        open cem 100                 | opened, cem +100
        list rain                    | rain OPEN
        ann buy 10 YES 0.60          | #1 rests
        bob buy 10 NO 0.40 FOK       | #2, MINT 10 at 0.4 with #1
        cem buy 10 NO 0.40 FOK       | FOK_NOT_FILLABLE
        show cem                     | 100 + 0
    """)


def test_a_self_trade_never_leaves_the_book_crossed() -> None:
    play(f"""{TWO}
        ann buy 10 YES 0.60          | #1 rests
        ann buy 10 NO 0.50           | #2, #2 ends SELF_TRADE
        book rain                    | 0.6x10 /
        ann buy 10 NO 0.50 stp=maker | #3, #1 ends SELF_TRADE, #3 rests
        book rain                    | / 0.5x10
        show ann                     | 95 + 5
    """)


def test_resolving_twice_pays_once() -> None:
    play(f"""{TWO}
        ann buy 10 YES 0.60          | #1 rests
        bob buy 10 NO 0.40           | #2, MINT 10 at 0.4 with #1
        resolve rain YES             | rain CLOSED, YES pays 1, ann is paid 10, bob is paid 0
        resolve rain YES             | MARKET_ALREADY_RESOLVED
        resolve rain VOID            | MARKET_ALREADY_RESOLVED
        show ann                     | 104 + 0, realised 4
    """)


def test_resolving_leaves_no_orders_and_no_locks() -> None:
    play(f"""{TWO}
        ann buy 10 YES 0.60          | #1 rests
        bob buy 10 NO 0.40           | #2, MINT 10 at 0.4 with #1
        ann sell 5 YES 0.90          | #3 rests
        bob buy 20 NO 0.05           | #4 rests
        resolve rain NO              | rain CLOSED, #3 ends MARKET_CLOSED, #4 ends MARKET_CLOSED, \
                                       NO pays 0, ann is paid 0, bob is paid 10
        show ann                     | 94 + 0, realised -6
        show bob                     | 106 + 0, realised 6
        book rain                    | /
    """)


def test_a_position_back_at_zero_has_no_cost_left() -> None:
    # Its average price is null, and not a division by zero.
    play(f"""{TWO}
        ann buy 3 YES 0.60           | #1 rests
        bob buy 3 NO 0.40            | #2, MINT 3 at 0.4 with #1
        bob buy 3 YES 0.50           | #3 rests
        ann sell 3 YES 0.50          | #4, TRANSFER 3 at 0.5 with #3, bob nets 3
        show ann                     | 99.7 + 0, realised -0.3
        show bob                     | 100.3 + 0, realised 0.3
    """)


def test_orders_after_close_time_are_refused() -> None:
    # The closing runs before the order that comes at the same instant.
    play("""
        open ann 100                 | opened, ann +100
        list rain close=60           | rain OPEN
        ann buy 1 YES 0.50           | #1 rests
        time 59                      |
        ann buy 1 YES 0.50           | #2 rests
        time 60                      | rain CLOSED, #1 ends MARKET_CLOSED, #2 ends MARKET_CLOSED
        ann buy 1 YES 0.50           | MARKET_NOT_OPEN
        ann cancel #1                | ORDER_NOT_OPEN
        show ann                     | 100 + 0
    """)


def test_a_retry_under_the_same_id_trades_once() -> None:
    play(f"""{TWO}
        ann buy 10 YES 0.60          | #1 rests
        bob buy 4 NO 0.40 id=b1      | #2, MINT 4 at 0.4 with #1
        bob buy 4 NO 0.40 id=b1      | replayed
        bob buy 4 NO 0.400 id=b1     | replayed
        bob buy 5 NO 0.40 id=b1      | CONFLICT
        show bob                     | 98.4 + 0, NO 4 cost 1.6
        credit bob 5 id=c1           | bob +5
        credit bob 5 id=c1           | replayed
        credit bob 6 id=c1           | CONFLICT
        open bob 100                 | replayed
        show bob                     | 103.4 + 0, NO 4 cost 1.6
    """)


def test_total_is_available_plus_locked_all_the_way() -> None:
    # `play` checks the sums after every line; this one walks through every way of locking.
    play("""
        open ann 10                  | opened, ann +10
        open bob 10                  | opened, bob +10
        list rain fees=0.005/0.05    | rain OPEN
        ann buy 10 YES 0.50          | #1 rests
        show ann                     | 4.975 + 5.025
        ann buy 9.9 YES 0.50         | #2 rests
        show ann                     | 0.00025 + 9.99975
        ann buy 0.01 YES 0.50        | INSUFFICIENT_BALANCE
        bob buy 1 NO market          | #3, MINT 1 at 0.5 with #1 fees 0.025/0.0025
        ann cancel all rain          | #1 ends USER, #2 ends USER, 2 cancelled
        show ann                     | 9.4975 + 0, YES 1 cost 0.5
    """)


def test_the_book_is_there_again_after_a_restart() -> None:
    # A restart is a replay of events; the journal's own tests do it with a database.
    run = play(f"""{TWO}
        ann buy 10 YES 0.60          | #1 rests
        bob buy 4 NO 0.40            | #2, MINT 4 at 0.4 with #1
        bob buy 4 NO 0.30            | #3 rests
    """)
    view = run.pair.view
    assert [
        list(side.depth(9)) for side in (view.markets[1].book.bids, view.markets[1].book.asks)
    ] == [[(6_000, 600)], [(7_000, 400)]]
    later = Engine(view).run(1, [CancelOrder(1, 1)])
    assert isinstance(later[0].events[0], OrderCancelled)
    assert State().orders == {}
