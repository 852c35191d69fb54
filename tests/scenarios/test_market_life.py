"""A market's life: the whole table of state x command, the modes, timers and settlement."""

from itertools import product

import pytest

from exchange.messages.terms import ExchangeMode, MarketStatus
from tests.scenarios.table import Play, play

# How to bring a market that has one resting order (ann's #1) into each state.
INTO = {
    MarketStatus.DRAFT: "",
    MarketStatus.OPEN: "",
    MarketStatus.POST_ONLY: "status rain POST_ONLY | rain POST_ONLY",
    MarketStatus.HALTED: "status rain HALTED | rain HALTED",
    MarketStatus.FULL_HALT: "status rain FULL_HALT | rain FULL_HALT",
    MarketStatus.CLOSED: "status rain CLOSED | rain CLOSED, #1 ends MARKET_CLOSED",
    MarketStatus.RESOLVED: "resolve rain YES | rain CLOSED, #1 ends MARKET_CLOSED, YES pays 1",
    MarketStatus.VOID: "resolve rain VOID | rain CLOSED, #1 ends MARKET_CLOSED, VOID pays 0.5",
}
ENDS = ("RESOLVED", "VOID")
GONE = "MARKET_ALREADY_RESOLVED"
NOT_SO = "ILLEGAL_STATUS_CHANGE"
COMMANDS = (
    *("place", "post-only", "cancel", "cancel all"),
    *("OPEN", "POST_ONLY", "HALTED", "FULL_HALT", "CLOSED", "resolve"),
)
# One row a state, one column a command, "yes" where it does what it says.
LIFE = {
    "DRAFT": "SHUT SHUT no-order yes yes NOT_SO NOT_SO NOT_SO yes yes",
    "OPEN": "yes yes yes yes NOT_SO yes yes yes yes yes",
    "POST_ONLY": "MARKET_POST_ONLY yes yes yes yes NOT_SO yes yes yes yes",
    "HALTED": "SHUT SHUT yes yes yes yes NOT_SO yes yes yes",
    "FULL_HALT": "SHUT SHUT SHUT SHUT yes yes yes NOT_SO NOT_SO yes",
    "CLOSED": "SHUT SHUT no-order SHUT NOT_SO NOT_SO NOT_SO NOT_SO NOT_SO yes",
    "RESOLVED": "SHUT SHUT no-order SHUT GONE GONE GONE GONE GONE GONE",
    "VOID": "SHUT SHUT no-order SHUT GONE GONE GONE GONE GONE GONE",
}


def in_state(status: MarketStatus) -> Play:
    if status is MarketStatus.DRAFT:
        return play("""
            open ann 100             | opened, ann +100
            list rain draft          | rain DRAFT
        """)
    return play(f"""
            open ann 100             | opened, ann +100
            list rain                | rain OPEN
            ann buy 1 YES 0.50       | #1 rests
            {INTO[status]}
        """)


def text_of(command: str) -> str:
    match command:
        case "place":
            return "ann buy 1 YES 0.50"
        case "post-only":
            return "ann buy 1 YES 0.50 postOnly=yes"
        case "cancel":
            return "ann cancel #1"
        case "cancel all":
            return "ann cancel all rain"
        case "resolve":
            return "resolve rain NO"
    return f"status rain {command}"


@pytest.mark.parametrize(("status", "column"), list(product(MarketStatus, range(len(COMMANDS)))))
def test_every_command_in_every_state(status: MarketStatus, column: int) -> None:
    words = {"NOT_SO": NOT_SO, "GONE": GONE, "SHUT": "MARKET_NOT_OPEN"}
    word = LIFE[status.value].split()[column]
    expected = words.get(word, word)
    outcome = in_state(status).line(text_of(COMMANDS[column]))
    if expected == "yes":
        assert outcome.split()[0].rstrip(",") in {"#1", "#2", "rain", "0", "NO"}
    elif expected == "no-order":
        assert outcome in {"ORDER_NOT_OPEN", "ORDER_NOT_FOUND"}
    else:
        assert outcome == expected


@pytest.mark.parametrize("status", MarketStatus)
@pytest.mark.parametrize("target", ["DRAFT", "RESOLVED", "VOID"])
def test_no_status_change_leads_back_to_draft_or_past_resolution(
    status: MarketStatus, target: str
) -> None:
    expected = GONE if status.value in ENDS else NOT_SO
    assert in_state(status).line(f"status rain {target}") == expected


@pytest.mark.parametrize("status", MarketStatus)
def test_the_timer_closes_in_every_state_that_has_not_closed(status: MarketStatus) -> None:
    run = in_state(status)
    outcome = run.line("time 86400")
    if status in {MarketStatus.CLOSED, MarketStatus.RESOLVED, MarketStatus.VOID}:
        assert outcome == ""
    else:
        assert outcome.startswith("rain CLOSED")


@pytest.mark.parametrize("mode", ExchangeMode)
def test_modes(mode: ExchangeMode) -> None:
    run = in_state(MarketStatus.OPEN)
    run.line("ann buy 1 YES 0.40")
    assert run.line(f"mode {mode.value}") == f"mode {mode.value}"
    placing = {
        ExchangeMode.OPEN: "#3 rests",
        ExchangeMode.POST_ONLY: "EXCHANGE_POST_ONLY",
        ExchangeMode.CANCEL_ONLY: "EXCHANGE_CANCEL_ONLY",
        ExchangeMode.HALTED: "EXCHANGE_HALTED",
    }
    assert run.line("ann buy 1 YES 0.50") == placing[mode]
    passive = {ExchangeMode.OPEN: "#4 rests", ExchangeMode.POST_ONLY: "#3 rests"}
    expected = passive.get(mode, placing[mode])
    assert run.line("ann buy 1 YES 0.50 postOnly=yes") == expected
    stops = mode is ExchangeMode.HALTED
    assert run.line("ann cancel #1") == ("EXCHANGE_HALTED" if stops else "#1 ends USER")
    for everything in ("ann cancel all", "ann cancel all rain"):
        assert ("cancelled" in run.line(everything)) is not stops
    # Admin and timers go on.
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
    run = in_state(MarketStatus.OPEN)
    assert run.line(f"resolve rain {wrong}") == "INVALID_PAYOUT"
    assert run.line("book rain") == "0.5x1 /"


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
