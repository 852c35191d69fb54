"""A market's life: the whole table of state x command, the modes, timers and settlement."""

import re
from pathlib import Path

import pytest

from exchange.messages.reasons import Reason
from exchange.messages.terms import ExchangeMode, MarketStatus
from exchange.rules import settlement
from tests.conftest import SetBound
from tests.properties.twin import Twin
from tests.scenarios.table import Play, play

# Two holders, and an order of ann's that rests: #3.
START = """
            open ann 100             | opened, ann +100
            open bob 100             | opened, bob +100
            list rain                | rain OPEN
            ann buy 1 YES 0.50       | #1 rests
            bob buy 1 NO 0.50        | #2, MINT 1 at 0.5 with #1
            ann buy 1 YES 0.40       | #3 rests
"""
INTO = {
    MarketStatus.DRAFT: "",
    MarketStatus.OPEN: "",
    MarketStatus.POST_ONLY: "status rain POST_ONLY",
    MarketStatus.HALTED: "status rain HALTED",
    MarketStatus.FULL_HALT: "status rain FULL_HALT",
    MarketStatus.CLOSED: "status rain CLOSED",
    MarketStatus.RESOLVING: "resolve rain YES",
    MarketStatus.RESOLVED: "resolve rain YES",
    MarketStatus.VOID: "resolve rain VOID",
}
TEXTS = {
    "place": "ann buy 1 YES 0.40",
    "post-only": "ann buy 1 YES 0.40 postOnly=yes",
    "amend": "ann amend #3 price=0.39",
    "less": "ann amend #3 quantity=0.50",
    "cancel": "ann cancel #3",
    "cancel all": "ann cancel all rain",
    "resolve": "resolve rain NO",
    "closes": "time 86400",
    "limits": "limits rain position=5",
}
NAMES = {reason.name: str(reason.value) for reason in Reason}
NO_ORDER = {"ORDER_NOT_FOUND", "ORDER_NOT_OPEN"}
TIMED = "HALTED, timed"
RULEBOOK = Path(__file__).parents[2] / "docs" / "rulebook.md"


def documented(first: str) -> list[tuple[str, str, str]]:
    """Return (row, column, cell) of the rulebook's table whose first column is called so."""
    text = RULEBOOK.read_text(encoding="utf-8")
    found = re.search(rf"^\| {first} \|.*(?:\n\|.*)+", text, re.MULTILINE)
    assert found is not None
    head, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in found.group().splitlines()
    ]
    return [
        (row[0], column, cell)
        for row in rows
        for column, cell in zip(head[1:], row[1:], strict=True)
    ]


def in_state(status: MarketStatus, set_bound: SetBound) -> Play:
    one_by_one = status is MarketStatus.RESOLVING
    set_bound(settlement, "PAYOUT_HOLDERS", 1 if one_by_one else 500)
    twin = Twin(payout_holders=1 if one_by_one else 500)
    if status is MarketStatus.DRAFT:
        run = play(
            """
            open ann 100             | opened, ann +100
            list rain draft          | rain DRAFT
            """,
            twin,
        )
    else:
        run = play(START, twin)
        if INTO[status]:
            run.line(INTO[status])
    assert run.pair.state.markets[1].status is status
    return run


def halted_by_itself() -> Play:
    return play(
        START
        + """
            limits rain halt=0.01/60/30/10       | volatility_halt=0.01/60/30/10
            bob buy 0.1 NO 0.58      | #4 rests
            ann buy 0.1 YES 0.42     | #5, MINT 0.1 at 0.42 with #4
            bob buy 0.1 NO 0.50      | #6 rests
            ann buy 0.1 YES 0.50     | #7, MINT 0.1 at 0.5 with #6; rain HALTED, until 30
        """
    )


def answered(run: Play, column: str) -> str:
    """Send what stands for a column, and word its outcome as the table does."""
    # What is due runs first and is told first.
    outcome = run.line(TEXTS.get(column, f"status rain {column}")).split("; ")[-1]
    if column == "closes":
        return "yes" if outcome.startswith("rain CLOSED") else "-"
    return "-" if outcome in NO_ORDER else NAMES.get(outcome, "yes")


def test_the_tables_are_whole() -> None:
    rows = {row for row, _, _ in documented("state")}
    assert rows == {status.value for status in MarketStatus} | {TIMED}
    columns = {column for _, column, _ in documented("state")}
    settable = {"OPEN", "POST_ONLY", "HALTED", "FULL_HALT", "CLOSED"}
    assert columns == TEXTS.keys() | settable
    assert {row for row, _, _ in documented("mode")} == {mode.value for mode in ExchangeMode}
    assert len(documented("state")) == 10 * 14
    assert len(documented("mode")) == 4 * 9


@pytest.mark.parametrize(("state", "column", "cell"), documented("state"))
def test_every_command_in_every_state(
    state: str, column: str, cell: str, set_bound: SetBound
) -> None:
    run = halted_by_itself() if state == TIMED else in_state(MarketStatus(state), set_bound)
    assert answered(run, column) == cell


@pytest.mark.parametrize(("mode", "column", "cell"), documented("mode"))
def test_every_command_in_every_mode(mode: str, column: str, cell: str) -> None:
    run = play(START)
    run.line(f"mode {mode}")
    assert answered(run, column) == cell


def test_many_holders_are_paid_in_slices_between_which_others_trade(set_bound: SetBound) -> None:
    set_bound(settlement, "PAYOUT_HOLDERS", 2)
    table = """
        open ann 100                 | opened, ann +100
        open bob 100                 | opened, bob +100
        open cem 100                 | opened, cem +100
        list rain                    | rain OPEN
        list snow                    | snow OPEN
        ann buy 3 YES 0.60           | #1 rests
        bob buy 2 NO 0.40            | #2, MINT 2 at 0.4 with #1
        cem buy 1 NO 0.40            | #3, MINT 1 at 0.4 with #1
        resolve rain NO              | rain CLOSED, NO pays 0
        resolve rain YES             | ann is paid 0, bob is paid 2, others follow; \
                                       MARKET_ALREADY_RESOLVED
        show cem                     | 99.6 + 0, NO 1 cost 0.4 on rain
        cem buy 1 YES 0.50 on=snow   | #4 rests
        show cem                     | 99.1 + 0.5, NO 1 cost 0.4 on rain
        time 1                       | cem is paid 1, rain RESOLVED
        show cem                     | 100.1 + 0.5, realised 0.6 on rain
        time 2                       |
        resolve rain YES             | MARKET_ALREADY_RESOLVED
    """
    run = play(table, Twin(payout_holders=2))
    assert run.pair.state.markets[1].collateral == 0


def test_a_closed_market_is_resolved_in_slices_too(set_bound: SetBound) -> None:
    set_bound(settlement, "PAYOUT_HOLDERS", 1)
    table = (
        START
        + """
        status rain CLOSED           | rain CLOSED, #3 ends MARKET_CLOSED
        resolve rain VOID            | VOID pays 0.5
        time 0                       | ann is paid 0.5, others follow
        show bob                     | 99.5 + 0, NO 1 cost 0.5
        time 1                       | bob is paid 0.5, rain VOID
    """
    )
    play(table, Twin(payout_holders=1))


@pytest.mark.parametrize("status", MarketStatus)
@pytest.mark.parametrize("target", ["DRAFT", "RESOLVED", "VOID"])
def test_no_status_change_leads_back_to_draft_or_past_resolution(
    status: MarketStatus, target: str, set_bound: SetBound
) -> None:
    decided = status.value in {"RESOLVING", "RESOLVED", "VOID"}
    run = in_state(status, set_bound)
    outcome = run.line(f"status rain {target}").split("; ")[-1]
    assert outcome == ("MARKET_ALREADY_RESOLVED" if decided else "ILLEGAL_STATUS_CHANGE")


@pytest.mark.parametrize("mode", ExchangeMode)
def test_admins_and_timers_go_on_in_every_mode(mode: ExchangeMode) -> None:
    run = play(START)
    run.line(f"mode {mode.value}")
    stops = mode is ExchangeMode.HALTED
    assert ("cancelled" in run.line("ann cancel all")) is not stops
    assert run.line("list snow close=60") == "snow OPEN"
    assert run.line("credit ann 1") == "ann +1"
    assert run.line("time 60") == "snow CLOSED"
    assert run.line("resolve snow YES") == "YES pays 1"


def test_cancel_all_skips_what_may_not_be_cancelled() -> None:
    play("""
        open ann 100                 | opened, ann +100
        list rain                    | rain OPEN
        list snow                    | snow OPEN
        ann buy 1 YES 0.50           | #1 rests
        ann buy 1 YES 0.50 on=snow   | #2 rests
        ann buy 1 YES 0.40           | #3 rests
        status snow FULL_HALT        | snow FULL_HALT
        ann cancel all               | #1 ends USER, #3 ends USER, 2 cancelled
        ann cancel all snow          | MARKET_NOT_OPEN
        ann cancel all               | 0 cancelled
        status snow HALTED           | snow HALTED
        ann cancel all               | #2 ends USER, 1 cancelled
    """)


def test_closings_run_in_order_of_time_then_market() -> None:
    play("""
        list later close=61          | later OPEN
        list third close=60          | third OPEN
        list first close=59          | first OPEN
        list fourth close=60         | fourth OPEN
        time 58                      |
        time 61                      | first CLOSED; third CLOSED; fourth CLOSED; later CLOSED
        time 62                      |
    """)


def test_a_closing_due_runs_before_the_command_that_comes_later() -> None:
    play("""
        open ann 100                 | opened, ann +100
        list rain close=60           | rain OPEN
        list snow close=60           | snow OPEN
        time 59                      |
        list hail close=59           | CLOSE_TIME_PASSED
        list hail close=60           | hail OPEN
        time 60                      | rain CLOSED; snow CLOSED; hail CLOSED
        list rime close=60           | CLOSE_TIME_PASSED
        list rime close=61           | rime OPEN
    """)


def test_time_never_runs_backwards() -> None:
    run = play("""
        open ann 100                 | opened, ann +100
        time 100                     |
        list rain close=160          | rain OPEN
        time 50                      |
        list snow close=100          | CLOSE_TIME_PASSED
        ann buy 1 YES 0.50           | #1 rests
    """)
    assert run.pair.state.now == 100_000_000
    assert run.pair.state.orders[1].created_at == 100_000_000


@pytest.mark.parametrize(
    ("resolution", "paid", "ann"),
    [
        ("YES", "pays 1, ann is paid 10, bob is paid 0", ("104", "realised 4")),
        ("NO", "pays 0, ann is paid 0, bob is paid 10", ("94", "realised -6")),
        ("VOID", "pays 0.5, ann is paid 5, bob is paid 5", ("99", "realised -1")),
        (
            "SPLIT 0.3333",
            "pays 0.3333, ann is paid 3.333, bob is paid 6.667",
            ("97.333", "realised -2.667"),
        ),
        (
            "SPLIT 0.0001",
            "pays 0.0001, ann is paid 0.001, bob is paid 9.999",
            ("94.001", "realised -5.999"),
        ),
        (
            "SPLIT 0.9999",
            "pays 0.9999, ann is paid 9.999, bob is paid 0.001",
            ("103.999", "realised 3.999"),
        ),
    ],
)
def test_settlement_pays_the_whole_collateral(
    resolution: str, paid: str, ann: tuple[str, str]
) -> None:
    run = play(f"""
        open ann 100                 | opened, ann +100
        open bob 100                 | opened, bob +100
        list rain                    | rain OPEN
        ann buy 10 YES 0.60          | #1 rests
        bob buy 10 NO 0.40           | #2, MINT 10 at 0.4 with #1
        status rain CLOSED           | rain CLOSED
        resolve rain {resolution}    | {resolution.split(maxsplit=1)[0]} {paid}
        show ann                     | {ann[0]} + 0, {ann[1]}
    """)
    assert run.pair.state.markets[1].collateral == 0


@pytest.mark.parametrize("wrong", ["SPLIT", "YES 0.5", "NO 0.5", "VOID 0.5"])
def test_the_payout_goes_with_split_and_only_with_it(wrong: str) -> None:
    run = play(START)
    assert run.line(f"resolve rain {wrong}") == "INVALID_PAYOUT"
    assert run.line("book rain") == "0.4x1 /"


def test_settlement_nets_what_the_closing_frees_before_it_pays() -> None:
    play("""
        open ann 100                 | opened, ann +100
        open bob 100                 | opened, bob +100
        list rain                    | rain OPEN
        ann buy 10 YES 0.60          | #1 rests
        bob buy 10 NO 0.40           | #2, MINT 10 at 0.4 with #1
        ann sell 10 YES 0.99         | #3 rests
        bob sell 4 NO 0.40           | #4 rests
        ann buy 4 NO 0.40            | #5, TRANSFER 4 at 0.4 with #4
        show ann                     | 92.4 + 0, YES 0(+10) cost 6, NO 4 cost 1.6
        resolve rain YES             | rain CLOSED, #3 ends MARKET_CLOSED, ann nets 4, \
                                       YES pays 1, ann is paid 6, bob is paid 0
        show ann                     | 102.4 + 0, realised 2.4
    """)
