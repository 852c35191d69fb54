"""The price band: how far from the last price orders may reach (RULEBOOK 16)."""

from tests.scenarios.table import play

START = """
    open ann 100                     | opened, ann +100
    open bob 100                     | opened, bob +100
    open cem 100                     | opened, cem +100
    list rain                        | rain OPEN
"""
TRADED = (
    START
    + """
    ann buy 20 YES 0.50              | #1 rests
    bob buy 20 NO 0.50               | #2, MINT 20 at 0.5 with #1
    limits rain price_band=0.10      | price_band=0.1
"""
)


def test_nobody_buys_above_it_or_sells_below_it_and_the_far_side_is_free() -> None:
    play(
        TRADED
        + """
        cem buy 1 YES 0.61               | OUTSIDE_BAND
        cem buy 1 YES 0.01               | #3 rests
        cem buy 1 NO 0.61                | OUTSIDE_BAND
        cem buy 1 NO 0.01                | #4 rests
        ann sell 1 YES 0.39              | OUTSIDE_BAND
        ann sell 1 YES 0.98              | #5 rests
        bob sell 1 NO 0.39               | OUTSIDE_BAND
        bob sell 1 NO 0.98               | #6 rests
        # On the band is inside it, and it moves with each trade.
        cem buy 1 YES 0.60               | #7 rests
        cem buy 1 YES 0.69               | OUTSIDE_BAND
        bob buy 1 NO 0.40                | #8, MINT 1 at 0.4 with #7
        cem buy 1 YES 0.69               | #9 rests
        cem amend #9 price=0.71          | OUTSIDE_BAND
        cem amend #9 quantity=0.50       | #9 amended in place
        """
    )


def test_without_a_trade_the_middle_of_the_book_counts() -> None:
    play(
        START
        + """
        limits rain price_band=0.10      | price_band=0.1
        # Nothing to go by: no band.
        ann buy 1 YES 0.41               | #1 rests
        ann buy 1 YES 0.90               | #2 rests
        ann cancel #2                    | #2 ends USER
        bob buy 1 NO 0.50                | #3 rests
        # Around 0.455, in the book 0.41 and 0.50.
        cem buy 1 YES 0.56 postOnly=yes  | OUTSIDE_BAND
        cem buy 1 NO 0.65                | OUTSIDE_BAND
        cem buy 0.5 NO 0.64              | #4, MINT 0.5 at 0.59 with #1
        """
    )


def test_market_orders_walk_as_far_as_the_band() -> None:
    play(
        TRADED
        + """
        cem buy 1 NO 0.42                | #3 rests
        cem buy 1 NO 0.40                | #4 rests
        cem buy 1 NO 0.39                | #5 rests
        ann buy 2 YES market             | #6, MINT 1 at 0.58 with #3, MINT 1 at 0.6 with #4
        # Around 0.60 now. The nearer of two bounds is named, the order's own if they are one.
        ann buy 1 YES market worst=0.60  | #7, #7 ends WORST_PRICE
        limits rain price_band=0.005     | price_band=0.005
        ann buy 1 YES market worst=0.80  | #8, #8 ends OUTSIDE_BAND
        ann buy YES market maxCost=5     | #9, #9 ends OUTSIDE_BAND
        ann buy 1 YES market FOK         | FOK_NOT_FILLABLE
        limits rain price_band=0.01      | price_band=0.01
        ann buy 2 YES market FOK         | FOK_NOT_FILLABLE
        ann buy 1 YES market FOK         | #10, MINT 1 at 0.61 with #5
        ann buy 1 YES market             | #11, #11 ends NO_LIQUIDITY
        """
    )


def test_what_waits_is_judged_when_it_is_triggered() -> None:
    run = play(
        TRADED
        + """
        # Far below the band, as stops are; amended as freely.
        ann sell 1 YES 0.30 trigger=0.40 | #3 waits
        ann sell 1 YES 0.35 trigger=0.40 | #4 waits
        ann sell 9 YES market trigger=0.40     | #5 waits
        ann amend #3 price=0.20          | #3 amended
        cem buy 3 YES 0.36               | #6 rests
        cem buy 5 YES 0.34               | #7 rests
        cem buy 5 YES 0.20               | #8 rests
        cem buy 1 YES 0.40               | #9 rests
        bob buy 1 NO 0.60                | #10, MINT 1 at 0.6 with #9, #3 #4 #5 due
        """
    )
    first, second, third = run.line("trigger").split("; ")
    assert first == "#3 ends OUTSIDE_BAND"
    assert second == "#4 triggered, TRANSFER 1 at 0.36 with #6"
    assert third.startswith("#5 triggered, TRANSFER 2 at 0.36 with #6, TRANSFER 5 at 0.34 with #7")
    assert third.endswith("#5 ends OUTSIDE_BAND")


def test_a_refusal_says_what_would_be_taken() -> None:
    run = play(TRADED)
    for line, price, bound in (
        ("cem buy 1 YES 0.61", "0.6100", "at most 0.6000"),
        ("cem buy 1 NO 0.63", "0.6300", "at most 0.6000"),
        ("ann sell 1 YES 0.39", "0.3900", "at least 0.4000"),
    ):
        assert run.line(line) == "OUTSIDE_BAND"
        assert price in run.last_refusal
        assert bound in run.last_refusal
