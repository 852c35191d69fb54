"""Fees: who pays which rate, at which price, and that rounding never adds up."""

from tests.scenarios.table import play

TWO = """
        open ann 100                 | opened, ann +100
        open bob 100                 | opened, bob +100
"""


def test_flat_fees_are_a_share_of_each_leg() -> None:
    play(f"""{TWO}
        list rain fees=0.01/0.03     | rain OPEN
        ann buy 10 YES 0.60          | #1 rests
        bob buy 10 NO 0.40           | #2, MINT 10 at 0.4 with #1 fees 0.12/0.06
        show ann                     | 93.94 + 0, YES 10 cost 6
        show bob                     | 95.88 + 0, NO 10 cost 4
    """)


def test_quadratic_fees_are_the_same_for_both_legs_of_a_pair() -> None:
    play(f"""{TWO}
        list rain fees=0.02/0.02 model=quadratic | rain OPEN
        ann buy 10 YES 0.60          | #1 rests
        bob buy 10 NO 0.40           | #2, MINT 10 at 0.4 with #1 fees 0.048/0.048
    """)


def test_a_seller_pays_out_of_the_proceeds() -> None:
    play(f"""{TWO}
        list rain fees=0/0.1         | rain OPEN
        ann buy 10 YES 0.50          | #1 rests
        bob buy 10 NO 0.50           | #2, MINT 10 at 0.5 with #1 fees 0.5/0
        bob buy 10 YES 0.01          | #3 rests
        ann sell 10 YES 0.01         | #4, TRANSFER 10 at 0.01 with #3 fees 0.01/0, bob nets 10
        show ann                     | 95.09 + 0, realised -4.9
    """)


def test_the_smallest_sale_pays_at_most_all_it_earns() -> None:
    play(f"""{TWO}
        list rain fees=0.1/0.1 tick=0.0001 | rain OPEN
        ann buy 1 YES 0.5            | #1 rests
        bob buy 1 NO 0.5             | #2, MINT 1 at 0.5 with #1 fees 0.05/0.05
        bob buy 0.01 YES 0.0001      | #3 rests
        ann sell 0.01 YES 0.0001     | #4, TRANSFER 0.01 at 0.0001 with #3 fees 0.000001/0.000001, \
                                       bob nets 0.01
        show ann                     | 99.45 + 0, YES 0.99 cost 0.495, realised -0.004999
    """)


def test_many_small_fills_cost_what_one_big_one_costs() -> None:
    # 1/10 000 of 0.5 x 0.01 shares is half a money unit: every second fill is free.
    play(f"""{TWO}
        list rain fees=0.0001/0      | rain OPEN
        ann buy 0.04 YES 0.5         | #1 rests
        show ann                     | 99.979998 + 0.020002
        bob buy 0.01 NO 0.5          | #2, MINT 0.01 at 0.5 with #1 fees 0/0.000001
        bob buy 0.01 NO 0.5          | #3, MINT 0.01 at 0.5 with #1
        bob buy 0.01 NO 0.5          | #4, MINT 0.01 at 0.5 with #1 fees 0/0.000001
        bob buy 0.01 NO 0.5          | #5, MINT 0.01 at 0.5 with #1
        show ann                     | 99.979998 + 0, YES 0.04 cost 0.02
    """)


def test_an_order_reserves_at_the_higher_rate_while_it_takes_and_at_the_maker_rate_after() -> None:
    play(f"""{TWO}
        list rain fees=0.01/0.05     | rain OPEN
        ann buy 10 YES 0.50          | #1 rests
        show ann                     | 94.95 + 5.05
        bob buy 20 NO 0.50           | #2, MINT 10 at 0.5 with #1 fees 0.25/0.05, #2 rests
        show bob                     | 89.7 + 5.05, NO 10 cost 5
        open cem 10.2                | opened, cem +10.2
        cem buy 20 YES 0.50          | INSUFFICIENT_BALANCE
        cem buy 20 YES 0.49          | #3 rests
    """)


def test_a_maker_rate_above_the_taker_rate_is_reserved_too() -> None:
    play(f"""{TWO}
        list rain fees=0.05/0.01     | rain OPEN
        ann buy 10 YES 0.50          | #1 rests
        open cem 10.1                | opened, cem +10.1
        cem buy 20 NO 0.50           | INSUFFICIENT_BALANCE
        credit cem 0.4               | cem +0.4
        cem buy 20 NO 0.50           | #2, MINT 10 at 0.5 with #1 fees 0.05/0.25, #2 rests
        show cem                     | 0.2 + 5.25, NO 10 cost 5
    """)


def test_fees_are_not_returned_when_a_market_is_void() -> None:
    play(f"""{TWO}
        list rain fees=0.01/0.01     | rain OPEN
        ann buy 10 YES 0.50          | #1 rests
        bob buy 10 NO 0.50           | #2, MINT 10 at 0.5 with #1 fees 0.05/0.05
        resolve rain VOID            | rain CLOSED, VOID pays 0.5, ann is paid 5, bob is paid 5
        show ann                     | 99.95 + 0
    """)
