"""Order groups: what ends a market maker's quotes, in the middle of whatever walk reaches them."""

import pytest

from tests.scenarios.table import play

START = """
        open ann 1000                    | opened, ann +1000
        open bob 1000                    | opened, bob +1000
        open cem 1000                    | opened, cem +1000
        list rain                        | rain OPEN
        list snow                        | snow OPEN
        ann group mm filled=10           | group mm
"""
LADDER = (
    START
    + """
        ann buy 6 YES 0.60 group=mm      | #1 rests
        ann buy 6 YES 0.59 group=mm      | #2 rests
        ann buy 6 YES 0.58 group=mm      | #3 rests
        cem buy 6 YES 0.57               | #4 rests
        ann buy 6 NO 0.20 group=mm on=snow | #5 rests
"""
)


def test_the_group_leaves_before_the_walk_looks_at_its_next_order() -> None:
    # 12 of 10 are filled by two trades; the third quote and that in the other market are gone, and
    # the taker meets somebody else.
    play(
        LADDER
        + """
        bob buy 20 NO 0.43               | #6, MINT 6 at 0.4 with #1, MINT 6 at 0.41 with #2, \
                                           group mm triggered, #3 ends GROUP_LIMIT, \
                                           #5 ends GROUP_LIMIT, MINT 6 at 0.43 with #4, #6 rests
        show ann                         | 992.86 + 0, YES 12 cost 7.14 on rain
        ann buy 1 YES 0.10 group=mm      | GROUP_LIMIT
        ann buy 1 YES 0.10               | #7 rests
        ann reset mm                     | group mm reset
        ann buy 1 YES 0.10 group=mm      | #8 rests
    """
    )


def test_what_is_left_of_the_order_that_traded_leaves_as_well() -> None:
    play(
        START
        + """
        ann buy 30 YES 0.60 group=mm     | #1 rests
        bob buy 9 NO 0.40                | #2, MINT 9 at 0.4 with #1
        bob buy 1 NO 0.40                | #3, MINT 1 at 0.4 with #1, group mm triggered, \
                                           #1 ends GROUP_LIMIT
        book rain                        | /
        show ann                         | 994 + 0, YES 10 cost 6 on rain
    """
    )


def test_a_taker_of_the_group_ends_there() -> None:
    play(
        START
        + """
        bob buy 6 NO 0.40                | #1 rests
        bob buy 6 NO 0.40                | #2 rests
        bob buy 6 NO 0.40                | #3 rests
        ann buy 5 YES 0.30 group=mm      | #4 rests
        ann buy 18 YES 0.60 group=mm     | #5, MINT 6 at 0.6 with #1, MINT 6 at 0.6 with #2, \
                                           group mm triggered, #4 ends GROUP_LIMIT, \
                                           #5 ends GROUP_LIMIT
        book rain                        | / 0.6x6
    """
    )


def test_one_that_is_done_by_that_trade_is_filled() -> None:
    play(
        START
        + """
        bob buy 30 NO 0.40               | #1 rests
        ann buy 10 YES 0.60 group=mm     | #2, MINT 10 at 0.6 with #1, group mm triggered
        ann reset mm                     | group mm reset
        # All of the money, to the last unit of it.
        ann buy YES market maxCost=6 group=mm | #3, MINT 10 at 0.6 with #1, \
                                           group mm triggered, FILLED
        ann reset mm                     | group mm reset
        ann buy YES market maxCost=6.01 group=mm | #4, MINT 10 at 0.6 with #1, \
                                           group mm triggered, #4 ends GROUP_LIMIT
    """.replace("maxCost=6.01", "maxCost=6.003")  # half a unit of quantity is never bought
    )


def test_the_net_is_counted_over_outcomes_and_markets() -> None:
    play(
        START
        + """
        ann group mm filled=1000 net=10  | group mm
        bob buy 50 NO 0.50               | #1 rests
        bob buy 50 YES 0.50 on=snow      | #2 rests
        ann buy 8 YES 0.50 group=mm      | #3, MINT 8 at 0.5 with #1
        # Bought YES there, bought NO here: 4 net.
        ann buy 4 NO 0.50 group=mm on=snow | #4, MINT 4 at 0.5 with #2
        ann buy 5 YES 0.50 group=mm      | #5, MINT 5 at 0.5 with #1
        # Selling YES counts like buying NO, and back to where it was.
        bob buy 9 YES 0.40               | #6 rests
        ann sell 9 YES 0.40 group=mm     | #7, TRANSFER 9 at 0.4 with #6, bob nets 9
        ann buy 9 NO 0.50 group=mm on=snow | #8, MINT 9 at 0.5 with #2
        ann buy 1 NO 0.50 group=mm on=snow | #9, MINT 1 at 0.5 with #2, group mm triggered
    """
    )


def test_what_is_older_than_the_window_counts_no_more() -> None:
    play(
        START
        + """
        ann buy 99 YES 0.60 group=mm     | #1 rests
        bob buy 6 NO 0.40                | #2, MINT 6 at 0.4 with #1
        time 30                          |
        bob buy 3 NO 0.40                | #3, MINT 3 at 0.4 with #1
        # The slices of the first minute's first second are gone, those of its half are there.
        time 60                          |
        bob buy 6 NO 0.40                | #4, MINT 6 at 0.4 with #1
        time 89                          |
        bob buy 1 NO 0.40                | #5, MINT 1 at 0.4 with #1, group mm triggered, \
                                           #1 ends GROUP_LIMIT
    """
    )


def test_other_limits_bind_at_once_and_count_what_was_filled() -> None:
    play(
        START
        + """
        ann buy 20 YES 0.60 group=mm     | #1 rests
        bob buy 5 NO 0.40                | #2, MINT 5 at 0.4 with #1
        ann group mm filled=5.01         | group mm
        ann group mm filled=9 window=1   | group mm
        ann group mm filled=5            | group mm, group mm triggered, #1 ends GROUP_LIMIT
        # Larger limits don't bring it back, its owner does.
        ann group mm filled=500          | group mm
        ann buy 1 YES 0.60 group=mm      | GROUP_LIMIT
        ann reset mm                     | group mm reset
        ann buy 1 YES 0.60 group=mm      | #3 rests
    """
    )


def test_what_waits_for_a_price_leaves_too_and_a_pair_goes_on_alone() -> None:
    play(
        START
        + """
        ann buy 20 YES 0.50              | #1 rests
        bob buy 20 NO 0.50               | #2, MINT 20 at 0.5 with #1
        ann sell 5 YES market trigger=0.30 group=mm | #3 waits
        ann oco sell 5 YES 0.70 + sell 5 YES market trigger=0.40 group=mm | #4 waits, #5 rests
        ann sell 10 YES 0.60 group=mm    | #6 rests
        cem buy 10 YES 0.60              | #7, TRANSFER 10 at 0.6 with #6, group mm triggered, \
                                           #3 ends GROUP_LIMIT, #4 ends GROUP_LIMIT, \
                                           #5 locks +5
        show ann                         | 996 + 0, YES 5(+5) cost 5 on rain, realised 1 on rain
    """
    )


def test_what_that_frees_is_netted_wherever_it_was() -> None:
    play(
        START
        + """
        ann buy 5 YES 0.50 on=snow       | #1 rests
        bob buy 5 NO 0.50 on=snow        | #2, MINT 5 at 0.5 with #1
        ann sell 5 YES 0.90 on=snow group=mm | #3 rests
        ann buy 3 NO 0.50 on=snow        | #4 rests
        bob buy 3 YES 0.50 on=snow       | #5, MINT 3 at 0.5 with #4, bob nets 3
        ann buy 10 YES 0.60 group=mm     | #6 rests
        bob buy 10 NO 0.40               | #7, MINT 10 at 0.4 with #6, group mm triggered, \
                                           #3 ends GROUP_LIMIT, ann nets 3
    """
    )


@pytest.mark.parametrize("status", ["HALTED", "FULL_HALT", "POST_ONLY"])
def test_orders_leave_every_market_whatever_its_status(status: str) -> None:
    play(
        LADDER
        + f"""
        status snow {status}             | snow {status}
        bob buy 12 NO 0.41               | #6, MINT 6 at 0.4 with #1, MINT 6 at 0.41 with #2, \
                                           group mm triggered, #3 ends GROUP_LIMIT, \
                                           #5 ends GROUP_LIMIT
    """
    )


def test_fok_counts_the_groups_as_its_walk_would() -> None:
    play(
        LADDER
        + """
        # 6 + 6, then the group is gone and 6 of somebody else are left: 18, not 24.
        bob buy 18.01 NO 0.43 FOK        | FOK_NOT_FILLABLE
        bob buy 18 NO 0.43 FOK           | #6, MINT 6 at 0.4 with #1, MINT 6 at 0.41 with #2, \
                                           group mm triggered, #3 ends GROUP_LIMIT, \
                                           #5 ends GROUP_LIMIT, MINT 6 at 0.43 with #4
    """
    )


def test_fok_of_a_group_is_filled_whole_before_its_limit_or_not_at_all() -> None:
    play(
        START
        + """
        bob buy 6 NO 0.40                | #1 rests
        bob buy 6 NO 0.40                | #2 rests
        bob buy 6 NO 0.40                | #3 rests
        ann buy 13 YES 0.60 FOK group=mm | FOK_NOT_FILLABLE
        ann buy 12 YES 0.60 FOK group=mm | #4, MINT 6 at 0.6 with #1, MINT 6 at 0.6 with #2, \
                                           group mm triggered
        ann buy 6 YES 0.60 FOK group=mm  | GROUP_LIMIT
        ann buy 7 YES 0.60 FOK group=mm  | FOK_NOT_FILLABLE
    """
    )


def test_in_a_batch_it_happens_after_that_trade() -> None:
    play(
        START
        + """
        bob buy 30 NO 0.40               | #1 rests
        ann batch: buy 10 YES 0.60 group=mm; buy 1 YES 0.50 group=mm; buy 1 YES 0.50 | \
                                           #2, MINT 10 at 0.6 with #1, group mm triggered / \
                                           GROUP_LIMIT / #3 rests
        ann reset mm                     | group mm reset
        ann buy 2 YES 0.10 group=mm      | #4 rests
        # Undone, it never happened.
        ann batch all: buy 10 YES 0.60 group=mm; buy 1 YES 0.50 group=mm | GROUP_LIMIT
        ann buy 9 YES 0.60 group=mm      | #5, MINT 9 at 0.6 with #1
        ann buy 1 YES 0.60 group=mm      | #6, MINT 1 at 0.6 with #1, group mm triggered, \
                                           #4 ends GROUP_LIMIT
    """
    )


def test_an_amend_keeps_the_group_and_may_bring_it_to_its_limit() -> None:
    play(
        START
        + """
        bob buy 30 NO 0.40               | #1 rests
        ann buy 12 YES 0.50 group=mm     | #2 rests
        ann buy 1 YES 0.40 group=mm      | #3 rests
        ann amend #2 price=0.60 quantity=15 | #2 amended, MINT 15 at 0.6 with #1, \
                                           group mm triggered, #3 ends GROUP_LIMIT
    """
    )


def test_a_group_is_cancelled_as_one() -> None:
    play(
        LADDER
        + """
        ann buy 1 YES 0.10               | #6 rests
        ann cancel all rain group=mm     | #1 ends USER, #2 ends USER, #3 ends USER, 3 cancelled
        ann cancel all group=mm          | #5 ends USER, 1 cancelled
        ann cancel all group=none        | GROUP_NOT_FOUND
        bob cancel all group=mm          | GROUP_NOT_FOUND
        book rain                        | 0.57x6 0.1x1 /
    """
    )


def test_the_groups_of_others_are_others() -> None:
    play(
        START
        + """
        bob buy 1 YES 0.50 group=mm      | GROUP_NOT_FOUND
        bob group mm filled=5            | group mm
        ann buy 9 YES 0.60 group=mm      | #1 rests
        bob buy 9 NO 0.40 group=mm       | #2, MINT 9 at 0.4 with #1, group mm triggered
        ann buy 1 YES 0.60 group=mm      | #3 rests
    """
    )


def test_both_sides_of_one_trade_may_end() -> None:
    # The maker's group first, then the taker's.
    play(
        START
        + """
        bob group b filled=5             | group b
        ann buy 20 YES 0.60 group=mm     | #1 rests
        bob buy 1 YES 0.10 group=b       | #2 rests
        bob buy 15 NO 0.40 group=b       | #3, MINT 15 at 0.4 with #1, group mm triggered, \
                                           #1 ends GROUP_LIMIT, group b triggered, \
                                           #2 ends GROUP_LIMIT
    """
    )


def test_groups_are_made_changed_and_reset_whatever_is_halted_or_suspended() -> None:
    play(
        START
        + """
        ann buy 12 YES 0.50 group=mm     | #1 rests
        bob buy 10 NO 0.50               | #2, MINT 10 at 0.5 with #1, group mm triggered, \
                                           #1 ends GROUP_LIMIT
        mode halted                      | mode halted
        ann reset mm                     | group mm reset
        ann group mm filled=2            | group mm
        ann group other filled=2         | group other
        mode open                        | mode open
        ann buy 3 YES 0.50 group=mm      | #3 rests
        suspend ann                      | #3 ends SUSPENDED, ann SUSPENDED
        ann reset mm                     | group mm reset
        ann group mm filled=5            | group mm
        ann buy 3 YES 0.50 group=mm      | ACCOUNT_SUSPENDED
        """
    )
