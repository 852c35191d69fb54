"""The post-only period after a restart: makers come back before takers (RULEBOOK 16)."""

import pytest

from tests.scenarios.table import play

START = """
    open ann 100                     | opened, ann +100
    open bob 100                     | opened, bob +100
    list rain                        | rain OPEN
    ann buy 9 NO 0.50                | #1 rests
    time 1000                        |
"""


def test_for_a_while_nobody_takes_and_then_it_opens_by_itself() -> None:
    play(
        START
        + """
        restart 30                       | mode post-only, until 1030
        bob buy 1 YES 0.50               | EXCHANGE_POST_ONLY
        bob buy 1 YES 0.40 postOnly=yes  | #2 rests
        ann cancel #1                    | #1 ends USER
        time 1029                        |
        time 1030                        | mode open
        bob buy 1 YES 0.60               | #3 rests
        """
    )


def test_an_admins_mode_is_never_loosened() -> None:
    run = play(START)
    for mode in ("post-only", "cancel-only", "halted"):
        run.line(f"mode {mode}")
        assert run.line("restart 30") == "ILLEGAL_STATUS_CHANGE"


@pytest.mark.parametrize("mode", ["cancel-only", "post-only", "halted", "open"])
def test_an_admin_who_sets_a_mode_ends_the_period(mode: str) -> None:
    run = play(START)
    run.line("restart 30")
    assert run.line(f"mode {mode}") == f"mode {mode}"
    assert run.line("time 1100") == ""
    assert run.pair.state.mode.value == mode


def test_a_restart_within_the_period_begins_it_anew() -> None:
    play(
        START
        + """
        restart 30                       | mode post-only, until 1030
        time 1020                        |
        restart 30                       | mode post-only, until 1050
        time 1049                        |
        time 1050                        | mode open
        restart 0                        | INVALID_AMOUNT
        restart 86401                    | INVALID_AMOUNT
        """
    )


def test_what_is_due_waits_until_it_opens() -> None:
    run = play(
        START
        + """
        open cem 100                     | opened, cem +100
        bob buy 5 YES 0.50               | #2, MINT 5 at 0.5 with #1
        bob sell 5 YES market trigger=0.40     | #3 waits
        cem buy 9 YES 0.40               | #4 rests
        ann buy 1 NO 0.60                | #5, MINT 1 at 0.6 with #4, #3 due
        """
    )
    # It was reached before the restart, and is triggered before anything else.
    assert run.line("restart 30").startswith("#3 triggered")
    run = play(
        START
        + """
        bob buy 5 YES 0.50               | #2, MINT 5 at 0.5 with #1
        restart 30                       | mode post-only, until 1030
        bob sell 5 YES market trigger=0.40     | EXCHANGE_POST_ONLY
        """
    )
    assert run.line("time 1030") == "mode open"
