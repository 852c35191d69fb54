"""The volatility halt: a market that moved too far stops and comes back (RULEBOOK 16)."""

import pytest

from tests.scenarios.table import Play, play

# It halts for 30 s, and is post-only for 10 more, if it moves by more than 0.10 in a minute.
START = """
    open ann 1000                    | opened, ann +1000
    open bob 1000                    | opened, bob +1000
    list rain                        | rain OPEN
    time 1000                        |
    limits rain halt=0.10/60/30/10   | volatility_halt=0.1/60/30/10
"""
MOVED = """
    ann buy 9 NO 0.50                | #1 rests
    ann buy 9 NO 0.39                | #2 rests
    bob buy 9 YES 0.50               | #3, MINT 9 at 0.5 with #1
    bob buy 1 YES 0.61               | #4, MINT 1 at 0.61 with #2; rain HALTED, until 1030
"""


def trade(run: Play, price: str) -> str:
    """Let a share trade at a price; return what the last command brought."""
    no = f"{1 - float(price):.2f}"
    run.line(f"ann buy 1 NO {no}")
    return run.line(f"bob buy 1 YES {price}")


def test_it_halts_is_post_only_and_opens_again_by_itself() -> None:
    play(
        START
        + MOVED
        + """
        bob buy 1 YES 0.61               | MARKET_NOT_OPEN
        bob buy 1 YES 0.40 postOnly=yes  | MARKET_NOT_OPEN
        ann amend #2 quantity=5          | #2 amended in place
        time 1029                        |
        time 1030                        | rain POST_ONLY, until 1040
        bob buy 1 YES 0.61               | MARKET_POST_ONLY
        bob buy 1 YES 0.40 postOnly=yes  | #5 rests
        ann cancel #2                    | #2 ends USER
        time 1040                        | rain OPEN
        # What was before is forgotten: 0.61 is not compared with 0.45.
        ann buy 1 NO 0.55                | #6 rests
        bob buy 1 YES 0.45               | #7, MINT 1 at 0.45 with #6
        """
    )


def test_only_more_than_the_move_within_the_window_halts() -> None:
    run = play(START)
    assert trade(run, "0.50").startswith("#2, MINT")
    assert "HALTED" not in trade(run, "0.60")
    run.line("time 1059")
    assert "HALTED" not in trade(run, "0.55")
    # The slice of 0.50 is out of the window a minute after it began.
    run.line("time 1060")
    assert "HALTED" not in trade(run, "0.65")
    # Falls count as rises do: 0.55 and 0.65 are still seen.
    assert trade(run, "0.54").endswith("rain HALTED, until 1090")


def test_without_a_post_only_time_it_opens_at_once() -> None:
    play(
        START.replace("30/10", "30/0")
        + MOVED
        + """
        time 1500                        | rain OPEN
        """
    )


def test_each_step_is_counted_from_when_the_one_before_ran() -> None:
    play(
        START
        + MOVED
        + """
        # Nobody was there at 1030 and 1040.
        time 2000                        | rain POST_ONLY, until 2010
        time 2010                        | rain OPEN
        """
    )


@pytest.mark.parametrize("status", ["OPEN", "POST_ONLY", "FULL_HALT", "HALTED"])
def test_an_admin_lifts_it_or_keeps_it(status: str) -> None:
    run = play(START + MOVED)
    assert run.line(f"status rain {status}") == f"rain {status}"
    assert run.line("time 1100") == ""
    assert run.pair.state.markets[1].status.value == status
    # Set by an admin, what it is is no change any more.
    assert run.line(f"status rain {status}") == "ILLEGAL_STATUS_CHANGE"


def test_it_is_kept_in_its_post_only_time_too() -> None:
    play(
        START
        + MOVED
        + """
        time 1030                        | rain POST_ONLY, until 1040
        status rain POST_ONLY            | rain POST_ONLY
        time 1050                        |
        status rain OPEN                 | rain OPEN
        """
    )


def test_a_halt_comes_before_any_trigger_and_what_was_due_waits_again() -> None:
    run = play(
        START
        + """
        ann buy 9 NO 0.50                | #1 rests
        bob buy 9 YES 0.50               | #2, MINT 9 at 0.5 with #1
        bob sell 5 YES market trigger=0.45     | #3 waits
        open cem 100                     | opened, cem +100
        cem buy 3 YES 0.39               | #4 rests
        cem buy 3 YES 0.38               | #5 rests
        bob sell 1 YES 0.39              | #6, TRANSFER 1 at 0.39 with #4, #3 due; \
                                           rain HALTED, until 1030, #3 not due
        trigger                          |
        time 1030                        | rain POST_ONLY, until 1040
        # Judged by the price of the moment at which it opens.
        time 1040                        | rain OPEN, #3 due
        """
    )
    assert run.line("trigger").startswith("#3 triggered, TRANSFER 2 at 0.39 with #4")


def test_a_trigger_that_moves_the_price_halts_before_the_next_one() -> None:
    run = play(
        START
        + """
        ann buy 20 NO 0.50               | #1 rests
        bob buy 20 YES 0.50              | #2, MINT 20 at 0.5 with #1
        bob sell 1 YES market trigger=0.45     | #3 waits
        bob sell 1 YES market trigger=0.44     | #4 waits
        open cem 100                     | opened, cem +100
        cem buy 1 YES 0.44               | #5 rests
        cem buy 1 YES 0.39               | #6 rests
        cem buy 9 YES 0.38               | #7 rests
        bob sell 1 YES 0.44              | #8, TRANSFER 1 at 0.44 with #5, #3 #4 due
        """
    )
    assert run.line("trigger").split("; ") == [
        "#3 triggered, TRANSFER 1 at 0.39 with #6",
        "rain HALTED, until 1030, #4 not due",
    ]
    assert run.line("time 1040").startswith("rain POST_ONLY")
    assert run.line("time 1050") == "rain OPEN, #4 due"


def test_a_batch_is_one_command_and_undone_it_moved_nothing() -> None:
    run = play(
        START
        + """
        ann buy 9 NO 0.50                | #1 rests
        ann buy 9 NO 0.39                | #2 rests
        """
    )
    moves = "buy 9 YES 0.50; buy 1 YES 0.61"
    assert run.line(f"bob batch all: {moves}; buy 1 YES 0.555") == "OFF_TICK"
    assert run.pair.state.markets[1].extremes == ()
    outcome = run.line(f"bob batch: {moves}; buy 1 YES 0.61; buy 1 YES 0.61")
    done, halt = outcome.split("; ")
    assert done.count("MINT") == 4
    assert halt == "rain HALTED, until 1030"


def test_other_terms_begin_another_window_and_a_halt_goes_on() -> None:
    run = play(START)
    trade(run, "0.50")
    run.line("limits rain halt=0.05/60/30/10")
    assert "HALTED" not in trade(run, "0.60")
    # The same terms again are no change.
    run.line("limits rain halt=0.05/60/30/10 position=5000")
    assert trade(run, "0.66").endswith("rain HALTED, until 1030")
    assert run.line("limits rain") == "no limits"
    assert run.line("time 1030") == "rain OPEN"


def test_closing_and_resolving_take_the_timers_along() -> None:
    for line in ("status rain CLOSED", "resolve rain YES"):
        run = play(START + MOVED)
        assert run.line(line).startswith("rain CLOSED")
        assert run.line("time 1100") == ""
