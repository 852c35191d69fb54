"""What admins do to what others have made: ending an order, editing a market that hasn't traded."""

from exchange.messages.admin.commands import EditMarket
from exchange.messages.events import CommandRejected
from exchange.messages.reasons import Reason
from tests.scenarios.table import play

START = """
        open ann 100                     | opened, ann +100
        open bob 100                     | opened, bob +100
        list rain close=600              | rain OPEN
"""


def test_an_admin_ends_an_order_and_all_that_it_locked_is_free() -> None:
    play(
        START
        + """
        ann buy 10 YES 0.60              | #1 rests
        force-cancel #1                  | #1 ends ADMIN
        show ann                         | 100 + 0
        force-cancel #1                  | ORDER_NOT_OPEN
        force-cancel #9                  | ORDER_NOT_FOUND
        """
    )


def test_an_admin_ends_orders_in_every_status_and_mode() -> None:
    play(
        START
        + """
        ann buy 10 YES 0.60              | #1 rests
        ann buy 10 YES 0.50              | #2 rests
        status rain FULL_HALT            | rain FULL_HALT
        ann cancel #1                    | MARKET_NOT_OPEN
        force-cancel #1                  | #1 ends ADMIN
        status rain OPEN                 | rain OPEN
        mode halted                      | mode halted
        force-cancel #2                  | #2 ends ADMIN
        """
    )


def test_what_a_sell_had_locked_is_netted() -> None:
    play(
        START
        + """
        ann buy 2 YES 0.60               | #1 rests
        bob buy 2 NO 0.40                | #2, MINT 2 at 0.4 with #1
        ann sell 2 YES 0.70              | #3 rests
        bob sell 2 NO 0.70               | #4 rests
        ann buy 2 NO 0.70                | #5, TRANSFER 2 at 0.7 with #4
        force-cancel #3                  | #3 ends ADMIN, ann nets 2
        """
    )


def test_of_a_pair_the_other_one_stays_with_the_lock() -> None:
    play(
        START
        + """
        ann buy 5 YES 0.60               | #1 rests
        bob buy 5 NO 0.40                | #2, MINT 5 at 0.4 with #1
        ann oco sell 5 YES 0.7 + sell 5 YES market trigger=0.4 | #3 waits, #4 rests
        force-cancel #3                  | #3 ends ADMIN, #4 locks +5
        """
    )


def test_a_market_is_edited_until_it_trades() -> None:
    run = play(
        START
        + """
        edit rain question=Snow?         | MARKET_NOT_HALTED
        status rain HALTED               | rain HALTED
        edit rain question=Snow? close=900 min=2 | Snow? until 900
        status rain OPEN                 | rain OPEN
        ann buy 1 YES 0.50               | BELOW_MIN_QUANTITY
        time 600                         |
        ann buy 2 YES 0.50               | #1 rests
        bob buy 2 NO 0.50                | #2, MINT 2 at 0.5 with #1
        edit rain question=Hail?         | MARKET_TRADED
        time 900                         | rain CLOSED
        edit rain question=Hail?         | MARKET_NOT_OPEN
        resolve rain YES                 | YES pays 1, ann is paid 2, bob is paid 0
        edit rain question=Hail?         | MARKET_ALREADY_RESOLVED
        edit snow question=Hail?         | MARKET_NOT_FOUND
        """
    )
    assert run.pair.state.markets[1].question == "Snow?"


def test_another_question_ends_the_orders_that_meant_the_one_before() -> None:
    play(
        START
        + """
        ann buy 1 YES 0.50               | #1 rests
        ann buy 1 YES 0.55 trigger=0.55 by=BEST kind=stop | #2 waits
        edit rain category=cold min=3    | Will-it-rain? until 600
        edit rain question=Will-it-rain? | Will-it-rain? until 600
        edit rain close=700              | MARKET_NOT_HALTED
        status rain FULL_HALT            | rain FULL_HALT
        edit rain close=700              | Will-it-rain? until 700, #1 ends ADMIN, #2 ends ADMIN
        show ann                         | 100 + 0
        """
    )


def test_an_edit_that_can_not_be_names_its_field_and_changes_nothing() -> None:
    run = play(
        START
        + """
        time 60                          |
        edit rain question=Snow? close=60 | CLOSE_TIME_PASSED
        """
    )
    assert run.pair.state.markets[1].question == "Will-it-rain?"
    told = []
    for wrong in (
        EditMarket(1, question=""),
        EditMarket(1, category="x" * 61),
        EditMarket(1, min_quantity=0),
    ):
        (execution,) = run.pair.run(run.clock, wrong)
        (refusal,) = execution.events
        assert isinstance(refusal, CommandRejected)
        told.append((refusal.reason, refusal.field))
    invalid = Reason.INVALID_MARKET
    assert told == [(invalid, "question"), (invalid, "category"), (invalid, "minQuantity")]


def test_a_draft_may_be_edited() -> None:
    play(
        """
        list rain draft close=600        | rain DRAFT
        edit rain question=Snow? close=900 | Snow? until 900
        time 600                         |
        status rain OPEN                 | rain OPEN
        """
    )
