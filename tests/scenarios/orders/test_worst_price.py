"""MARKET orders that stop at a price."""

import pytest

from tests.scenarios.table import play

OPENING = """
        open ann 100                            | opened, ann +100
        open bob 100                            | opened, bob +100
        open cem 100                            | opened, cem +100
        list rain fees=0/0.01                   | rain OPEN
        bob buy 2 NO 0.50                       | #1 rests
        bob buy 2 NO 0.45                       | #2 rests
        bob buy 2 NO 0.40                       | #3 rests
"""


def test_a_buy_pays_no_more_than_its_worst_price() -> None:
    play(f"""{OPENING}
        ann buy 6 YES market worst=0.55         | #4, MINT 2 at 0.5 with #1 fees 0.01/0, MINT 2 at 0.55 with #2 fees 0.011/0, #4 ends WORST_PRICE
        book rain                               | / 0.6x2
        show ann                                | 97.879 + 0, YES 4 cost 2.1
    """)  # noqa: E501 - an outcome is one line


def test_a_sale_takes_no_less() -> None:
    play(f"""{OPENING}
        ann buy 2 YES market                    | #4, MINT 2 at 0.5 with #1 fees 0.01/0
        cem buy 1 YES 0.40                      | #5 rests
        cem buy 1 YES 0.39                      | #6 rests
        ann sell 2 YES market worst=0.40        | #7, TRANSFER 1 at 0.4 with #5 fees 0.004/0, #7 ends WORST_PRICE
        show ann                                | 99.386 + 0, YES 1 cost 0.5, realised -0.1
    """)  # noqa: E501 - an outcome is one line


def test_an_order_by_cost_stops_there_too() -> None:
    play(f"""{OPENING}
        ann buy YES market maxCost=50 worst=0.50 | #4, MINT 2 at 0.5 with #1 fees 0.01/0, #4 ends WORST_PRICE
        ann buy YES market maxCost=0.5 worst=0.55 | #5, MINT 0.9 at 0.55 with #2 fees 0.00495/0, FILLED
    """)  # noqa: E501 - an outcome is one line


def test_it_may_trade_nothing_and_is_no_refusal() -> None:
    play(f"""{OPENING}
        ann buy 6 YES market worst=0.49         | #4, #4 ends WORST_PRICE
        # Not what the first unit costs, but the price ends it: also for somebody without a credit.
        open dot                                | opened
        dot buy 1 YES market worst=0.49         | #5, #5 ends WORST_PRICE
        dot buy 1 YES market worst=0.50         | INSUFFICIENT_BALANCE
    """)


def test_a_side_that_is_empty_has_no_liquidity() -> None:
    play(f"""{OPENING}
        ann buy 9 YES market worst=0.60         | #4, MINT 2 at 0.5 with #1 fees 0.01/0, MINT 2 at 0.55 with #2 fees 0.011/0, MINT 2 at 0.6 with #3 fees 0.012/0, #4 ends NO_LIQUIDITY
        cem sell 1 YES market worst=0.01        | INSUFFICIENT_SHARES
        ann sell 1 YES market worst=0.01        | #5, #5 ends NO_LIQUIDITY
    """)  # noqa: E501 - an outcome is one line


def test_all_or_nothing_at_that_price() -> None:
    play(f"""{OPENING}
        ann buy 3 YES market FOK worst=0.50     | FOK_NOT_FILLABLE
        ann buy 3 YES market FOK worst=0.55     | #4, MINT 2 at 0.5 with #1 fees 0.01/0, MINT 1 at 0.55 with #2 fees 0.0055/0
    """)  # noqa: E501 - an outcome is one line


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ("YES 0.50 worst=0.50", "INVALID_ORDER"),
        ("YES market worst=0.555", "OFF_TICK"),
    ],
)
def test_bad_worst_prices_are_refused(order: str, reason: str) -> None:
    assert play(OPENING).line(f"ann buy 1 {order}") == reason
