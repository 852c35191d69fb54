"""Amending an open order: what keeps its place, what trades, what is refused."""

import pytest

from tests.scenarios.table import play

OPENING = """
        open ann 100                            | opened, ann +100
        open bob 100                            | opened, bob +100
        open cem 100                            | opened, cem +100
        list rain                               | rain OPEN
"""
TWO_BIDS = f"""{OPENING}
        ann buy 10 YES 0.50                     | #1 rests
        bob buy 10 YES 0.50                     | #2 rests
"""


def test_less_quantity_keeps_the_place() -> None:
    play(f"""{TWO_BIDS}
        ann amend #1 quantity=4                 | #1 amended in place
        show ann                                | 98 + 2
        book rain                               | 0.5x14 /
        cem buy 5 NO 0.50                       | #3, MINT 4 at 0.5 with #1, MINT 1 at 0.5 with #2
    """)


def test_the_same_values_keep_the_place() -> None:
    play(f"""{TWO_BIDS}
        ann amend #1 price=0.50 quantity=10     | #1 amended in place
        cem buy 5 NO 0.50                       | #3, MINT 5 at 0.5 with #1
    """)


@pytest.mark.parametrize("change", ["quantity=11", "price=0.50 quantity=12"])
def test_more_quantity_goes_to_the_back(change: str) -> None:
    play(f"""{TWO_BIDS}
        ann amend #1 {change}                   | #1 amended to rest
        cem buy 5 NO 0.50                       | #3, MINT 5 at 0.5 with #2
    """)


def test_another_price_goes_to_the_back_and_so_does_coming_home() -> None:
    play(f"""{TWO_BIDS}
        ann amend #1 price=0.51                 | #1 amended to rest
        book rain                               | 0.51x10 0.5x10 /
        ann amend #1 price=0.50                 | #1 amended to rest
        cem buy 5 NO 0.50                       | #3, MINT 5 at 0.5 with #2
    """)


def test_another_end_goes_to_the_back() -> None:
    play(f"""{OPENING}
        ann buy 10 YES 0.50 GTD until=60        | #1 rests
        bob buy 10 YES 0.50                     | #2 rests
        ann amend #1 until=90                   | #1 amended to rest
        time 60                                 |
        cem buy 5 NO 0.50                       | #3, MINT 5 at 0.5 with #2
        time 90                                 | #1 ends EXPIRED
    """)


def test_it_may_trade_as_a_taker_and_the_rest_waits() -> None:
    play("""
        open ann 100                            | opened, ann +100
        open bob 100                            | opened, bob +100
        list rain fees=0.01/0.02                | rain OPEN
        ann buy 10 YES 0.50                     | #1 rests
        show ann                                | 94.95 + 5.05
        bob buy 4 NO 0.40                       | #2 rests
        ann amend #1 price=0.60                 | #1 amended, MINT 4 at 0.6 with #2 fees 0.048/0.016, #1 rests
        show ann                                | 93.916 + 3.636, YES 4 cost 2.4
        ann amend #1 quantity=4                 | INVALID_ORDER
        ann amend #1 quantity=5                 | #1 amended in place
        show ann                                | 96.946 + 0.606, YES 4 cost 2.4
    """)  # noqa: E501 - an outcome is one line


def test_it_keeps_its_own_flags() -> None:
    play(f"""{OPENING}
        ann buy 10 YES 0.50 postOnly=yes        | #1 rests
        ann buy 2 YES 0.40 stp=maker            | #2 rests
        bob buy 4 NO 0.40                       | #3 rests
        ann buy 1 NO 0.35                       | #4 rests
        ann amend #1 price=0.60                 | POST_ONLY_WOULD_CROSS
        ann amend #2 price=0.65 quantity=5      | #2 amended, MINT 4 at 0.6 with #3, #4 ends SELF_TRADE, #2 rests
        book rain                               | 0.65x1 0.5x10 /
    """)  # noqa: E501 - an outcome is one line


def test_only_what_it_needs_more_must_be_there() -> None:
    play(f"""{OPENING}
        ann buy 150 YES 0.50                    | #1 rests
        ann amend #1 quantity=201               | INSUFFICIENT_BALANCE
        ann amend #1 quantity=200               | #1 amended to rest
        show ann                                | 0 + 100
        bob buy 200 NO 0.50                     | #2, MINT 200 at 0.5 with #1
        bob sell 150 NO 0.60                    | #3 rests
        bob amend #3 quantity=201               | INSUFFICIENT_SHARES
        bob amend #3 quantity=200               | #3 amended to rest
    """)


def test_shares_that_an_amend_frees_are_netted() -> None:
    play(f"""{OPENING}
        ann buy 4 YES 0.50                      | #1 rests
        bob buy 4 NO 0.50                       | #2, MINT 4 at 0.5 with #1
        ann sell 4 YES 0.90                     | #3 rests
        bob buy 1 YES 0.40                      | #4 rests
        ann buy 1 NO 0.60                       | #5, MINT 1 at 0.6 with #4, bob nets 1
        ann amend #3 quantity=3                 | #3 amended in place, ann nets 1
    """)


def test_a_version_that_is_not_the_orders_changes_nothing() -> None:
    play(f"""{TWO_BIDS}
        ann amend #1 quantity=9 version=1       | VERSION_CHANGED
        ann amend #1 quantity=9 version=0       | #1 amended in place
        ann amend #1 quantity=9                 | #1 amended in place
        ann amend #1 quantity=8 version=1       | VERSION_CHANGED
        ann amend #1 quantity=8 version=2       | #1 amended in place
        cem buy 1 NO 0.50                       | #3, MINT 1 at 0.5 with #1
        # Fills don't count.
        ann amend #1 quantity=7 version=3       | #1 amended in place
    """)


def test_a_refusal_keeps_the_place() -> None:
    play(f"""{TWO_BIDS}
        ann amend #1 price=0.515                | OFF_TICK
        ann amend #1 quantity=1000              | INSUFFICIENT_BALANCE
        ann amend #1 until=60                   | INVALID_ORDER
        ann amend #1                            | INVALID_ORDER
        bob amend #1 quantity=1                 | NOT_ORDER_OWNER
        cem buy 5 NO 0.50                       | #3, MINT 5 at 0.5 with #1
        bob cancel #2                           | #2 ends USER
        bob amend #2 quantity=1                 | ORDER_NOT_OPEN
        bob amend #9 quantity=1                 | ORDER_NOT_FOUND
    """)


@pytest.mark.parametrize(
    ("line", "less", "more"),
    [
        ("status rain POST_ONLY", "in place", "MARKET_POST_ONLY"),
        ("status rain HALTED", "in place", "MARKET_NOT_OPEN"),
        ("status rain FULL_HALT", "MARKET_NOT_OPEN", "MARKET_NOT_OPEN"),
        ("mode post-only", "in place", "EXCHANGE_POST_ONLY"),
        ("mode cancel-only", "in place", "EXCHANGE_CANCEL_ONLY"),
        ("mode halted", "EXCHANGE_HALTED", "EXCHANGE_HALTED"),
    ],
)
def test_less_is_taken_where_cancels_are(line: str, less: str, more: str) -> None:
    run = play(TWO_BIDS)
    run.line(line)
    assert run.line("ann amend #1 quantity=10") == more, "nothing new isn't less"
    assert run.line("ann amend #1 price=0.49") == more
    assert run.line("ann amend #1 quantity=9 price=0.49") == more
    assert run.line("ann amend #1 quantity=9").removeprefix("#1 amended ") == less


@pytest.mark.parametrize("line", ["status rain POST_ONLY", "mode post-only"])
def test_a_post_only_order_may_be_amended_where_only_such_are_taken(line: str) -> None:
    run = play(f"""{OPENING}
        ann buy 10 YES 0.50 postOnly=yes        | #1 rests
    """)
    run.line(line)
    assert run.line("ann amend #1 price=0.51") == "#1 amended to rest"
