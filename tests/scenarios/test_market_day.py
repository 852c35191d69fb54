"""A market's day from its listing to its payment, and the ways in which two orders can meet."""

from tests.scenarios.table import play


def test_a_whole_market_day() -> None:
    play("""
        open ann 100                 | opened, ann +100
        open bob 100                 | opened, bob +100
        list rain fees=0.01/0.02     | rain OPEN
        ann buy 10 YES 0.60          | #1 rests
        show ann                     | 93.94 + 6.06
        bob buy 4 NO market          | #2, MINT 4 at 0.4 with #1 fees 0.032/0.024
        book rain                    | 0.6x6 /
        show ann                     | 93.94 + 3.636, YES 4 cost 2.4
        show bob                     | 98.368 + 0, NO 4 cost 1.6
        ann sell 3 YES 0.70          | #3 rests
        bob buy 2 YES 0.75           | #4, TRANSFER 2 at 0.7 with #3 fees 0.028/0.014, bob nets 2
        show bob                     | 98.94 + 0, NO 2 cost 0.8, realised -0.2
        ann cancel #1                | #1 ends USER
        status rain CLOSED           | rain CLOSED, #3 ends MARKET_CLOSED
        resolve rain YES             | YES pays 1, ann is paid 2, bob is paid 0
        show ann                     | 100.962 + 0, realised 1
        show bob                     | 98.94 + 0, realised -1
    """)


def test_yes_bid_and_no_bid_that_cross_meet_as_a_mint() -> None:
    # YES .60 and NO .50 pay 1.10 for a pair that costs 1: they must meet, at the resting price.
    play("""
        open ann 100                 | opened, ann +100
        open bob 100                 | opened, bob +100
        list rain                    | rain OPEN
        ann buy 10 YES 0.60          | #1 rests
        bob buy 10 NO 0.50           | #2, MINT 10 at 0.4 with #1
        show ann                     | 94 + 0, YES 10 cost 6
        show bob                     | 96 + 0, NO 10 cost 4
        book rain                    | /
    """)


def test_sellers_of_both_outcomes_meet_as_a_merge() -> None:
    play("""
        open ann 100                 | opened, ann +100
        open bob 100                 | opened, bob +100
        list rain                    | rain OPEN
        ann buy 10 YES 0.50          | #1 rests
        bob buy 10 NO 0.50           | #2, MINT 10 at 0.5 with #1
        ann sell 10 YES 0.45         | #3 rests
        bob sell 10 NO 0.50          | #4, MERGE 10 at 0.55 with #3
        show ann                     | 99.5 + 0, realised -0.5
        show bob                     | 100.5 + 0, realised 0.5
    """)


def test_price_before_time_before_size() -> None:
    play("""
        open ann 100                 | opened, ann +100
        open bob 100                 | opened, bob +100
        open cem 100                 | opened, cem +100
        list rain                    | rain OPEN
        ann buy 1 YES 0.50           | #1 rests
        bob buy 9 YES 0.50           | #2 rests
        ann buy 1 YES 0.51           | #3 rests
        cem buy 4 NO 0.50            | #4, MINT 1 at 0.49 with #3, MINT 1 at 0.5 with #1, \
                                       MINT 2 at 0.5 with #2
        book rain                    | 0.5x7 /
    """)


def test_a_partly_filled_order_keeps_its_place() -> None:
    play("""
        open ann 100                 | opened, ann +100
        open bob 100                 | opened, bob +100
        open cem 100                 | opened, cem +100
        list rain                    | rain OPEN
        ann buy 5 YES 0.50           | #1 rests
        bob buy 5 YES 0.50           | #2 rests
        cem buy 2 NO 0.50            | #3, MINT 2 at 0.5 with #1
        cem buy 4 NO 0.50            | #4, MINT 3 at 0.5 with #1, MINT 1 at 0.5 with #2
        book rain                    | 0.5x4 /
    """)


def test_what_an_incoming_order_does_not_trade_rests() -> None:
    play("""
        open ann 100                 | opened, ann +100
        open bob 100                 | opened, bob +100
        list rain                    | rain OPEN
        ann buy 3 YES 0.60           | #1 rests
        bob buy 10 NO 0.45           | #2, MINT 3 at 0.4 with #1, #2 rests
        book rain                    | / 0.55x7
        show bob                     | 95.65 + 3.15, NO 3 cost 1.2
    """)


def test_minimum_quantity_binds_at_entry_only() -> None:
    play("""
        open ann 100                 | opened, ann +100
        open bob 100                 | opened, bob +100
        list rain min=5              | rain OPEN
        ann buy 4.99 YES 0.50        | BELOW_MIN_QUANTITY
        ann buy 5 YES 0.50           | #1 rests
        bob buy 6 NO 0.50            | #2, MINT 5 at 0.5 with #1, #2 rests
        book rain                    | / 0.5x1
        ann buy YES market maxCost=0.01 | #3, MINT 0.02 at 0.5 with #2, FILLED
    """)


def test_netting_takes_free_pairs_only_and_whatever_frees_them() -> None:
    # Bob's NO shares are on offer while he buys YES: the pair is free when he cancels.
    play("""
        open ann 100                 | opened, ann +100
        open bob 100                 | opened, bob +100
        list rain                    | rain OPEN
        ann buy 10 YES 0.50          | #1 rests
        bob buy 10 NO 0.50           | #2, MINT 10 at 0.5 with #1
        bob sell 10 NO 0.70          | #3 rests
        ann sell 5 YES 0.40          | #4 rests
        bob buy 5 YES 0.40           | #5, TRANSFER 5 at 0.4 with #4
        show bob                     | 93 + 0, YES 5 cost 2, NO 0(+10) cost 5
        bob cancel #3                | #3 ends USER, bob nets 5
        show bob                     | 98 + 0, NO 5 cost 2.5, realised 0.5
    """)


def test_the_cost_of_a_position_leaves_in_proportion_and_whole_at_the_end() -> None:
    play("""
        open ann 100                 | opened, ann +100
        open bob 100                 | opened, bob +100
        list rain tick=0.0001        | rain OPEN
        ann buy 0.03 YES 0.3333      | #1 rests
        bob buy 0.03 NO 0.6667       | #2, MINT 0.03 at 0.6667 with #1
        show ann                     | 99.990001 + 0, YES 0.03 cost 0.009999
        ann buy 0.04 YES 0.3334      | #3 rests
        bob buy 0.04 NO 0.6666       | #4, MINT 0.04 at 0.6666 with #3
        show ann                     | 99.976665 + 0, YES 0.07 cost 0.023335
        bob buy 0.02 YES 0.5         | #5 rests
        ann sell 0.02 YES 0.5        | #6, TRANSFER 0.02 at 0.5 with #5, bob nets 0.02
        show ann                     | 99.986665 + 0, YES 0.05 cost 0.016668, realised 0.003333
        bob buy 0.05 YES 0.5         | #7 rests
        ann sell 0.05 YES 0.5        | #8, TRANSFER 0.05 at 0.5 with #7, bob nets 0.05
        show ann                     | 100.011665 + 0, realised 0.011665
    """)
