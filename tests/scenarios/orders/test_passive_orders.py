"""Orders that only rest (post-only), and orders that end by themselves (GTD)."""

import pytest

from tests.scenarios.table import play

OPENING = """
        open ann 100                            | opened, ann +100
        open bob 100                            | opened, bob +100
        list rain                               | rain OPEN
"""


def test_a_post_only_order_rests_or_is_refused() -> None:
    play(f"""{OPENING}
        ann buy 10 YES 0.50 postOnly=yes        | #1 rests
        bob buy 10 NO 0.51 postOnly=yes         | POST_ONLY_WOULD_CROSS
        bob buy 10 NO 0.50 postOnly=yes         | POST_ONLY_WOULD_CROSS
        bob buy 10 NO 0.49 postOnly=yes         | #2 rests
        # Somebody else may take it at any time.
        bob buy 4 NO 0.50                       | #3, MINT 4 at 0.5 with #1
        book rain                               | 0.5x6 / 0.51x10
    """)


def test_a_post_only_order_does_not_cross_an_own_one_either() -> None:
    play(f"""{OPENING}
        ann buy 1 YES 0.50                      | #1 rests
        ann buy 1 NO 0.50 stp=maker postOnly=yes | POST_ONLY_WOULD_CROSS
        book rain                               | 0.5x1 /
    """)


@pytest.mark.parametrize(
    "order", ["YES 0.50 IOC", "YES 0.50 FOK", "YES market", "YES 0.50", "YES 0.50 GTD"]
)
def test_terms_that_contradict_each_other_are_refused(order: str) -> None:
    run = play(OPENING)
    options = "until=9" if order == "YES 0.50" else ""
    options = options or ("" if order.endswith("GTD") else "postOnly=yes")
    assert run.line(f"ann buy 1 {order} {options}") == "INVALID_ORDER"


def test_an_order_ends_at_its_time_and_not_before() -> None:
    play(f"""{OPENING}
        ann buy 10 YES 0.50 GTD until=60        | #1 rests
        bob buy 4 NO 0.50                       | #2, MINT 4 at 0.5 with #1
        time 59                                 |
        show ann                                | 95 + 3, YES 4 cost 2
        time 60                                 | #1 ends EXPIRED
        show ann                                | 98 + 0, YES 4 cost 2
        book rain                               | /
        ann cancel #1                           | ORDER_NOT_OPEN
    """)


def test_what_expires_at_a_moment_has_expired_at_that_moment() -> None:
    run = play(f"""{OPENING}
        ann buy 10 YES 0.50 GTD until=60        | #1 rests
    """)
    run.clock = 60_000_000
    assert run.line("bob buy 10 NO 0.50") == "#1 ends EXPIRED; #2 rests"


def test_a_gtd_order_that_is_filled_or_cancelled_expires_no_more() -> None:
    play(f"""{OPENING}
        ann buy 1 YES 0.50 GTD until=60         | #1 rests
        ann buy 1 YES 0.40 GTD until=60         | #2 rests
        bob buy 1 NO 0.50 GTD until=60          | #3, MINT 1 at 0.5 with #1
        ann cancel #2                           | #2 ends USER
        time 61                                 |
    """)


def test_it_takes_what_there_is_and_lets_the_rest_wait() -> None:
    play(f"""{OPENING}
        ann buy 1 YES 0.50                      | #1 rests
        bob buy 3 NO 0.50 GTD until=60          | #2, MINT 1 at 0.5 with #1, #2 rests
        time 60                                 | #2 ends EXPIRED
        show bob                                | 99.5 + 0, NO 1 cost 0.5
    """)


def test_shares_of_an_expired_sale_are_netted() -> None:
    play(f"""{OPENING}
        ann buy 1 YES 0.50                      | #1 rests
        bob buy 1 NO 0.50                       | #2, MINT 1 at 0.5 with #1
        ann sell 1 YES 0.90 GTD until=60        | #3 rests
        bob buy 1 YES 0.40                      | #4 rests
        ann buy 1 NO 0.60                       | #5, MINT 1 at 0.6 with #4, bob nets 1
        show ann                                | 98.9 + 0, YES 0(+1) cost 0.5, NO 1 cost 0.6
        time 60                                 | #3 ends EXPIRED, ann nets 1
        show ann                                | 99.9 + 0, realised -0.1
    """)


def test_of_one_moment_a_closing_comes_before_expiries_and_these_go_by_id() -> None:
    play("""
        open ann 100                            | opened, ann +100
        list rain close=60                      | rain OPEN
        list snow                               | snow OPEN
        ann buy 1 YES 0.50 GTD until=60         | #1 rests
        ann buy 1 YES 0.50 GTD until=60 on=snow | #2 rests
        ann buy 1 YES 0.60 GTD until=59 on=snow | #3 rests
        ann buy 1 YES 0.40 GTD until=60 on=snow | #4 rests
        # It may be said to end after its market; then the closing ends it.
        ann buy 1 YES 0.40 GTD until=90         | #5 rests
        time 60                                 | #3 ends EXPIRED; rain CLOSED, #1 ends MARKET_CLOSED, #5 ends MARKET_CLOSED; #2 ends EXPIRED; #4 ends EXPIRED
        time 90                                 |
    """)  # noqa: E501 - an outcome is one line


@pytest.mark.parametrize("line", ["mode halted", "status rain FULL_HALT", "status rain HALTED"])
def test_orders_expire_whatever_is_halted(line: str) -> None:
    run = play(f"""{OPENING}
        ann buy 1 YES 0.50 GTD until=60         | #1 rests
    """)
    run.line(line)
    assert run.line("time 60") == "#1 ends EXPIRED"


def test_expiry_passed_is_judged_by_the_stamp() -> None:
    run = play(OPENING)
    run.line("time 60")
    assert run.line("ann buy 1 YES 0.50 GTD until=60") == "EXPIRY_PASSED"
    assert run.line("ann buy 1 YES 0.50 GTD until=61") == "#1 rests"
