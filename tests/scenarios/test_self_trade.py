"""Self-trade prevention: every mode, each way in which two of one's own orders can meet.

Own orders meet as a transfer (same outcome), a would-be mint (two buys) or a would-be merge (two
sells); `ann` first trades with `bob` where she can, and the resting orders behind her own stay.
"""

import pytest

from tests.scenarios.table import play

START = """
        open ann 100                 | opened, ann +100
        open bob 100                 | opened, bob +100
        list rain                    | rain OPEN
        ann buy 20 YES 0.50          | #1 rests
        bob buy 20 NO 0.50           | #2, MINT 20 at 0.5 with #1
"""
# (resting orders of bob, ann, bob; ann's taking order)
MEETINGS = {
    "buy YES meets own sell YES": ("bob buy 1 NO 0.40", "ann sell 1 YES 0.60", "ann buy 3 YES"),
    "buy YES meets own buy NO": ("bob buy 1 NO 0.40", "ann buy 1 NO 0.40", "ann buy 3 YES"),
    "buy NO meets own buy YES": ("bob sell 1 NO 0.60", "ann buy 1 YES 0.40", "ann buy 3 NO"),
    "sell YES meets own buy YES": ("bob sell 1 NO 0.60", "ann buy 1 YES 0.40", "ann sell 3 YES"),
}
LIMITS = {"YES buy": "0.60", "NO buy": "0.60", "YES sell": "0.40"}


@pytest.mark.parametrize("meeting", MEETINGS)
@pytest.mark.parametrize("how", ["0.60", "market"])
def test_cancel_taker_keeps_earlier_fills_and_cancels_the_rest(meeting: str, how: str) -> None:
    outcome = run(meeting, how, "taker")
    assert "with #3, #6 ends SELF_TRADE" in outcome
    assert "#4" not in outcome


@pytest.mark.parametrize("meeting", MEETINGS)
@pytest.mark.parametrize("how", ["0.60", "market"])
def test_cancel_maker_goes_on_behind_the_own_order(meeting: str, how: str) -> None:
    outcome = run(meeting, how, "maker")
    first, own, second, rest = [part for part in outcome.split(", ")[1:] if "nets" not in part]
    assert first.endswith("with #3")
    assert own == "#4 ends SELF_TRADE"
    assert second.endswith("with #5")
    assert rest == ("#6 rests" if how == "0.60" else "#6 ends NO_LIQUIDITY")


@pytest.mark.parametrize("meeting", MEETINGS)
@pytest.mark.parametrize("how", ["0.60", "market"])
def test_cancel_both_ends_the_own_order_and_the_rest(meeting: str, how: str) -> None:
    outcome = run(meeting, how, "both")
    assert "with #3, #4 ends SELF_TRADE, #6 ends SELF_TRADE" in outcome
    assert "#5" not in outcome


def run(meeting: str, how: str, mode: str) -> str:
    """Let bob, ann and bob again rest at one price, then ann take three; return what happened."""
    other, own, taking = MEETINGS[meeting]
    limit = "0.40" if "sell" in taking and how != "market" else how
    table = START + "".join(
        f"\n {line} | #{number} rests" for number, line in ((3, other), (4, own), (5, other))
    )
    return play(table).line(f"{taking} {limit} stp={mode}")


def test_sell_no_meets_own_sell_yes_as_a_merge_would() -> None:
    # One can't hold free pairs: ann's YES are on offer while she buys NO.
    table = f"""{START}
        ann sell 10 YES 0.60         | #3 rests
        bob sell 5 NO 0.50           | #4 rests
        ann buy 5 NO 0.50            | #5, TRANSFER 5 at 0.5 with #4, ann nets 5
        bob sell 5 NO 0.50           | #6 rests
        ann sell 5 YES 0.60          | #7 rests
        ann buy 5 NO 0.50            | #8, TRANSFER 5 at 0.5 with #6
        show ann                     | 90 + 0, YES 0(+15) cost 7.5, NO 5 cost 2.5
"""
    play(f"""{table}
        ann sell 5 NO 0.40           | #9, #9 ends SELF_TRADE
        book rain                    | / 0.6x15
    """)
    play(f"""{table}
        ann sell 5 NO 0.40 stp=maker | #9, #3 ends SELF_TRADE, #7 ends SELF_TRADE, #9 rests
        book rain                    | 0.6x5 /
        show ann                     | 90 + 0, YES 15 cost 7.5, NO 0(+5) cost 2.5
    """)
    play(f"""{table}
        ann sell 5 NO 0.40 stp=both  | #9, #3 ends SELF_TRADE, #9 ends SELF_TRADE, ann nets 5
        book rain                    | / 0.6x5
    """)


def test_cash_freed_by_prevention_does_not_count_for_the_same_market_order() -> None:
    play("""
        open ann 10                  | opened, ann +10
        open bob 100                 | opened, bob +100
        list rain                    | rain OPEN
        bob buy 100 YES 0.40         | #1 rests
        ann buy 10 YES 0.50          | #2 rests
        ann buy 20 NO market stp=maker | #3, #2 ends SELF_TRADE, MINT 8.33 at 0.6 with #1, \
                                       #3 ends INSUFFICIENT_BALANCE
        show ann                     | 5.002 + 0, NO 8.33 cost 4.998
    """)


def test_a_taker_of_another_account_is_no_self_trade() -> None:
    play(f"""{START}
        ann sell 1 YES 0.60          | #3 rests
        bob buy 1 YES 0.60           | #4, TRANSFER 1 at 0.6 with #3, bob nets 1
    """)
