"""Orders that only bring a position down."""

import pytest

from tests.scenarios.table import play

# Ann holds 10 YES, bob 10 NO.
OPENING = """
        open ann 100                            | opened, ann +100
        open bob 100                            | opened, bob +100
        open cem 100                            | opened, cem +100
        list rain fees=0/0.01                   | rain OPEN
        bob buy 10 NO 0.50                      | #1 rests
        ann buy 10 YES market                   | #2, MINT 10 at 0.5 with #1 fees 0.05/0
"""


def test_a_sale_of_more_than_there_is_sells_what_there_is() -> None:
    play(f"""{OPENING}
        cem buy 20 YES 0.40                     | #3 rests
        ann sell 15 YES market                  | INSUFFICIENT_SHARES
        ann sell 15 YES market reduceOnly=yes   | #4, TRANSFER 10 at 0.4 with #3 fees 0.04/0, #4 ends REDUCE_ONLY
        ann sell 15 YES market reduceOnly=yes   | REDUCE_ONLY
    """)  # noqa: E501 - an outcome is one line


def test_a_purchase_of_the_other_outcome_makes_pairs_and_no_position() -> None:
    play(f"""{OPENING}
        cem buy 20 YES 0.40                     | #3 rests
        ann buy 15 NO 0.60 IOC reduceOnly=yes   | #4, MINT 10 at 0.6 with #3 fees 0.06/0, #4 ends REDUCE_ONLY, ann nets 10
        show ann                                | 98.89 + 0, realised -1
        bob buy 15 YES 0.60 IOC reduceOnly=yes  | #5, #5 ends NO_LIQUIDITY
        bob buy 1 NO market reduceOnly=yes      | REDUCE_ONLY
    """)  # noqa: E501 - an outcome is one line


def test_only_what_the_cap_can_trade_is_locked() -> None:
    play(f"""{OPENING}
        open dot 100                            | opened, dot +100
        dot buy 5 NO 0.60                       | #3 rests
        cem buy 5 YES 0.40                      | #4, MINT 5 at 0.4 with #3 fees 0.02/0
        # 5 NO at 0.60, not 1000 of them.
        dot buy 5 YES 0.30                      | #5 rests
        cem buy 1000 NO 0.70 IOC reduceOnly=yes | #6, MINT 5 at 0.7 with #5 fees 0.035/0, #6 ends REDUCE_ONLY, cem nets 5, dot nets 5
    """)  # noqa: E501 - an outcome is one line


def test_by_cost_the_cap_bounds_the_quantity() -> None:
    play(f"""{OPENING}
        cem buy 20 YES 0.40                     | #3 rests
        ann buy NO market maxCost=50 reduceOnly=yes | #4, MINT 10 at 0.6 with #3 fees 0.06/0, #4 ends REDUCE_ONLY, ann nets 10
    """)  # noqa: E501 - an outcome is one line


def test_shares_that_are_offered_do_not_count() -> None:
    play(f"""{OPENING}
        ann sell 8 YES 0.90                     | #3 rests
        cem buy 20 YES 0.40                     | #4 rests
        ann sell 5 YES 0.40 IOC reduceOnly=yes  | #5, TRANSFER 2 at 0.4 with #4 fees 0.008/0, #5 ends REDUCE_ONLY
    """)  # noqa: E501 - an outcome is one line


def test_all_or_nothing_within_the_cap() -> None:
    play(f"""{OPENING}
        cem buy 20 YES 0.40                     | #3 rests
        ann sell 11 YES 0.40 FOK reduceOnly=yes | FOK_NOT_FILLABLE
        ann sell 10 YES 0.40 FOK reduceOnly=yes | #4, TRANSFER 10 at 0.4 with #3 fees 0.04/0
    """)


@pytest.mark.parametrize("order", ["0.50", "0.50 GTD until=90"])
def test_one_that_would_rest_is_not_understood(order: str) -> None:
    assert play(OPENING).line(f"ann sell 1 YES {order} reduceOnly=yes") == "INVALID_ORDER"
