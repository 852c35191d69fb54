"""Money outside the book, and what an account may do: credits, debits, transfers, suspensions."""

import pytest
from msgspec.structs import replace

from exchange.messages.account_events import CashTransferred
from exchange.messages.commands import BatchOrders, Leg, PlaceOco, PlaceOrder, TransferCash
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import CommandRejected
from exchange.messages.reasons import Reason
from exchange.messages.terms import BUY, GTC, LIMIT, STOP_LIMIT, YES, MoneyKind
from tests.exchange.worlds import ANN, BOB, World
from tests.scenarios.table import play

START = """
        open ann 100                     | opened, ann +100
        open bob 50                      | opened, bob +50
        open cem                         | opened
        list rain                        | rain OPEN
"""


def test_a_debit_takes_what_is_available_and_nothing_that_is_locked() -> None:
    run = play(
        START
        + """
        ann buy 100 YES 0.60             | #1 rests
        debit ann 40.000001              | INSUFFICIENT_BALANCE
        debit ann 40                     | ann -40
        show ann                         | 0 + 60
        debit ann 0.000001               | INSUFFICIENT_BALANCE
        debit nobody 1                   | ACCOUNT_NOT_FOUND
        debit ann 1000000000.000001      | INVALID_AMOUNT
    """
    )
    assert run.pair.state.issued == 110_000_000


def test_a_transfer_is_done_whole_or_not_at_all() -> None:
    play(
        START
        + """
        pay ann bob 60 ann cem 30        | ann pays bob 60, ann pays cem 30
        show ann                         | 10 + 0
        # Each leg is judged on what those before it left: cem pays on what he has just got.
        pay ann cem 10 cem bob 40        | ann pays cem 10, cem pays bob 40
        show cem                         | 0 + 0
        pay bob ann 100 bob cem 51       | INSUFFICIENT_BALANCE
        show bob                         | 150 + 0
        pay bob cem 1 bob bob 1          | INVALID_AMOUNT
        pay bob nobody 1                 | ACCOUNT_NOT_FOUND
        show bob                         | 150 + 0
    """
    )


@pytest.mark.parametrize(("legs", "done"), [(0, False), (1, True), (200, True), (201, False)])
def test_a_transfer_has_1_to_200_legs(legs: int, *, done: bool) -> None:
    there_and_back = (Leg(ANN, BOB, 3), Leg(BOB, ANN, 1))
    world = World()
    before = world.state.accounts[ANN].available
    event = world.send(TransferCash(ANN, (there_and_back * 101)[:legs], "", kind=MoneyKind.STOCK))[
        0
    ]
    given = 3 * -(-legs // 2) - legs // 2
    if done:
        assert isinstance(event, CashTransferred)
        assert world.state.accounts[ANN].available == before - given
    else:
        assert isinstance(event, CommandRejected)
        assert (event.reason, event.field) == (Reason.INVALID_AMOUNT, "legs")
        assert world.state.accounts[ANN].available == before


def test_locked_money_never_moves() -> None:
    play(
        START
        + """
        ann buy 100 YES 0.60             | #1 rests
        pay ann bob 41                   | INSUFFICIENT_BALANCE
        pay ann bob 40                   | ann pays bob 40
        show ann                         | 0 + 60
    """
    )


def test_an_id_takes_effect_once_in_the_payers_space() -> None:
    play(
        START
        + """
        debit ann 1 id=a                 | ann -1
        debit ann 1 id=a                 | replayed
        debit ann 2 id=a                 | CONFLICT
        credit ann 1 id=a                | CONFLICT
        pay ann bob 1 id=a               | CONFLICT
        pay ann bob 1 id=b               | ann pays bob 1
        pay ann bob 1 id=b               | replayed
        # The payee's space is another one.
        credit bob 1 id=b                | bob +1
        show ann                         | 98 + 0
    """
    )


def test_ids_of_people_of_orders_and_of_our_own_code_never_meet() -> None:
    play(
        START
        + """
        ann buy 1 YES 0.50 id=a          | #1 rests
        credit ann 1 id=a                | ann +1
        credit ann 2 id=a kind=REWARD    | ann +2
        credit ann 2 id=a kind=REWARD    | replayed
        # What our own code writes is one space, whatever the kind.
        credit ann 2 id=a kind=BET       | CONFLICT
        pay ann bob 1 id=a kind=BET      | CONFLICT
        ann buy 1 YES 0.50 id=a system=1 | CONFLICT
        ann buy 1 YES 0.50 id=b system=1 | #2 rests
        ann buy 1 YES 0.50 id=b system=1 | replayed
        ann buy 2 YES 0.50 id=b system=1 | CONFLICT
        credit ann 2 id=b kind=BET       | CONFLICT
        ann buy 1 YES 0.50 id=b          | #3 rests
        credit ann 2 id=b                | ann +2
    """
    )


def test_an_order_under_a_system_id_is_like_any_other_and_has_no_name() -> None:
    run = play(
        START
        + """
        bob buy 10 NO 0.40               | #1 rests
        ann buy YES market maxCost=9 id=b system=1 |#2, MINT 10 at 0.6 with #1, #2 ends NO_LIQUIDITY
        ann buy YES market maxCost=9 id=b system=1 | replayed
        ann buy YES market maxCost=8 id=b system=1 | CONFLICT
        # Refused, it is used up like any id; its terms are judged like anybody's.
        ann buy YES market maxCost=600 id=bet:2 system=1 | INSUFFICIENT_BALANCE
        ann buy YES market maxCost=6 id=bet:2 system=1 | CONFLICT
        ann buy 1 YES 0.50 system=1      | INVALID_ORDER
        ann buy 1 YES 0.50 id=bet:3 system=1 postOnly=1 | #3 rests
        ann cancel #3                    | #3 ends USER
    """
    )
    assert run.pair.state.open_client_ids == {}


def test_a_system_id_is_one_of_a_command_not_of_its_parts() -> None:
    order = PlaceOrder(ANN, 1, BUY, YES, LIMIT, 5_000, 100, GTC, client_order_id="bet:1")
    named = replace(order, conditions=OrderConditions(system=True))
    world = World()
    (refusal,) = world.send(BatchOrders(ANN, (order, named)))
    assert isinstance(refusal, CommandRejected)
    assert (refusal.reason, refusal.field) == (Reason.INVALID_ORDER, "operations[1]")
    stop = OrderConditions(trigger_price=9_000, system=True)
    leg = replace(order, type=STOP_LIMIT, conditions=stop)
    (refusal,) = world.send(PlaceOco(ANN, leg, replace(order, client_order_id=None)))
    assert isinstance(refusal, CommandRejected)
    assert (refusal.reason, refusal.field) == (Reason.INVALID_ORDER, "orders[0].clientOrderId")


def test_what_comes_too_late_is_refused_and_uses_its_id_up() -> None:
    play(
        START
        + """
        time 60                          |
        debit ann 1 until=60             | ann -1
        debit ann 1 until=59 id=a        | EXPIRED
        credit ann 1 until=59            | EXPIRED
        pay ann bob 1 until=59           | EXPIRED
        pay ann nobody 1 until=59        | EXPIRED
        debit ann 1 until=59 id=a        | EXPIRED
        debit ann 1 id=a                 | CONFLICT
        show ann                         | 99 + 0
    """.replace(
            "debit ann 1 until=59 id=a        | EXPIRED\n        debit ann 1 id=a",
            "debit ann 1 until=59 id=a        | replayed\n        debit ann 1 id=a",
        )
    )


def test_a_suspended_account_loses_its_orders_and_sends_nothing() -> None:
    play(
        START
        + """
        ann buy 10 YES 0.60              | #1 rests
        bob buy 10 NO 0.40               | #2, MINT 10 at 0.4 with #1
        ann sell 10 YES 0.90             | #3 rests
        ann buy 1 NO 0.05                | #4 rests
        suspend ann                      | #3 ends SUSPENDED, #4 ends SUSPENDED, ann SUSPENDED
        suspend ann                      | ann SUSPENDED
        ann buy 1 YES 0.50               | ACCOUNT_SUSPENDED
        ann buy 1 YES 0.50 on=nowhere    | MARKET_NOT_FOUND
        pay ann bob 1                    | ACCOUNT_SUSPENDED
        # Nobody pays in its name either.
        pay bob cem 1 ann cem 1          | ACCOUNT_SUSPENDED
        ann cancel #3                    | ORDER_NOT_OPEN
        ann cancel all                   | 0 cancelled
        pay bob ann 1                    | bob pays ann 1
        credit ann 1                     | ann +1
        debit ann 2                      | ann -2
        resolve rain YES                 | rain CLOSED, YES pays 1, ann is paid 10, bob is paid 0
        suspend ann off                  | ann ACTIVE
        pay ann bob 1                    | ann pays bob 1
        suspend nobody                   | ACCOUNT_NOT_FOUND
    """
    )


def test_a_suspension_works_where_no_cancel_does_and_nets_what_it_frees() -> None:
    play(
        START
        + """
        ann buy 2 YES 0.50               | #1 rests
        bob buy 2 NO 0.50                | #2, MINT 2 at 0.5 with #1
        ann sell 2 YES 0.90              | #3 rests
        bob sell 2 NO 0.40               | #4 rests
        ann buy 2 NO 0.40                | #5, TRANSFER 2 at 0.4 with #4
        status rain FULL_HALT            | rain FULL_HALT
        mode halted                      | mode halted
        suspend ann                      | #3 ends SUSPENDED, ann nets 2, ann SUSPENDED
    """
    )


def test_an_account_is_closed_with_nothing_left_in_it_for_good() -> None:
    play(
        START
        + """
        close ann                        | ACCOUNT_NOT_EMPTY
        ann buy 1 YES 0.50               | #1 rests
        debit ann 99.5                   | ann -99.5
        close ann                        | ACCOUNT_NOT_EMPTY
        bob buy 1 NO 0.50                | #2, MINT 1 at 0.5 with #1
        show ann                         | 0 + 0, YES 1 cost 0.5
        # Shares, even worthless ones, are something.
        close ann                        | ACCOUNT_NOT_EMPTY
        resolve rain NO                  | rain CLOSED, NO pays 0, ann is paid 0, bob is paid 1
        close ann                        | ann CLOSED
        close ann                        | ACCOUNT_CLOSED
        credit ann 1                     | ACCOUNT_CLOSED
        pay bob ann 1                    | ACCOUNT_CLOSED
        suspend ann off                  | ACCOUNT_CLOSED
        list snow                        | snow OPEN
        ann buy 1 YES 0.50 on=snow       | ACCOUNT_CLOSED
        open ann 100                     | replayed
        close nobody                     | ACCOUNT_NOT_FOUND
        # One that is suspended can be closed as well.
        suspend cem                      | cem SUSPENDED
        close cem                        | cem CLOSED
    """
    )
