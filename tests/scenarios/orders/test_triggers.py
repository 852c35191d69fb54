"""Orders that wait for a price: when they are due, in which order, and what becomes of them."""

import pytest

from exchange import engine
from tests.conftest import SetBound
from tests.properties.twin import Twin
from tests.scenarios.table import play

# Ann and Bob hold 100 of each outcome between them; the last price is 0.50, nothing rests.
OPENING = """
        open ann 100                            | opened, ann +100
        open bob 100                            | opened, bob +100
        open cem 100                            | opened, cem +100
        list rain                               | rain OPEN
        ann buy 100 YES 0.50                    | #1 rests
        bob buy 100 NO 0.50                     | #2, MINT 100 at 0.5 with #1
"""


def test_a_stop_sells_when_the_price_falls() -> None:
    play(f"""{OPENING}
        ann sell 10 YES market trigger=0.45     | #3 waits
        show ann                                | 50 + 0, YES 90(+10) cost 50
        cem buy 20 YES 0.44                     | #4 rests
        cem buy 5 YES 0.46                      | #5 rests
        # A trade above the trigger leaves it alone.
        ann sell 5 YES 0.46                     | #6, TRANSFER 5 at 0.46 with #5
        cem buy 1 YES 0.45                      | #7 rests
        ann sell 1 YES 0.45                     | #8, TRANSFER 1 at 0.45 with #7, #3 due
        trigger                                 | #3 triggered, TRANSFER 10 at 0.44 with #4
        show ann                                | 57.15 + 0, YES 84 cost 42, realised -0.85
    """)


def test_a_stop_buys_when_the_price_rises_and_spends_its_lock_alone() -> None:
    play(f"""{OPENING}
        # 0.60 for each of ten is set aside; what it doesn't need is free at once.
        cem buy 10 YES market trigger=0.55 worst=0.60 | #3 waits
        show cem                                | 94 + 6
        ann sell 5 YES 0.55                     | #4 rests
        bob buy 5 YES 0.55                      | #5, TRANSFER 5 at 0.55 with #4, bob nets 5, #3 due
        ann sell 4 YES 0.58                     | #3 triggered, #3 ends NO_LIQUIDITY; #6 rests
        show cem                                | 100 + 0
    """)


def test_by_cost_it_spends_at_most_that() -> None:
    play(f"""{OPENING}
        cem buy YES market trigger=0.55 maxCost=99 | #3 waits
        show cem                                | 1 + 99
        ann sell 50 YES 0.60                    | #4 rests
        ann sell 1 YES 0.55                     | #5 rests
        bob buy 1 YES 0.55                      | #6, TRANSFER 1 at 0.55 with #5, bob nets 1, #3 due
        trigger                                 | #3 triggered, TRANSFER 50 at 0.6 with #4, #3 ends NO_LIQUIDITY
        show cem                                | 70 + 0, YES 50 cost 30
    """)  # noqa: E501 - an outcome is one line


def test_a_worst_price_stops_it() -> None:
    play(f"""{OPENING}
        ann sell 10 YES market trigger=0.45 worst=0.44 | #3 waits
        cem buy 4 YES 0.44                      | #4 rests
        cem buy 9 YES 0.40                      | #5 rests
        cem buy 1 YES 0.45                      | #6 rests
        ann sell 1 YES 0.45                     | #7, TRANSFER 1 at 0.45 with #6, #3 due
        trigger                                 | #3 triggered, TRANSFER 4 at 0.44 with #4, #3 ends WORST_PRICE
    """)  # noqa: E501


def test_a_stop_limit_rests_at_its_limit_and_pays_the_maker_rate_there() -> None:
    play("""
        open ann 100                            | opened, ann +100
        open bob 100                            | opened, bob +100
        open cem 100                            | opened, cem +100
        list rain fees=0.01/0.02                | rain OPEN
        ann buy 10 YES 0.50                     | #1 rests
        bob buy 10 NO 0.50                      | #2, MINT 10 at 0.5 with #1 fees 0.1/0.05
        cem buy 10 YES 0.60 trigger=0.55        | #3 waits
        show cem                                | 93.88 + 6.12
        ann sell 1 YES 0.55                     | #4 rests
        bob buy 1 YES 0.55                      | #5, TRANSFER 1 at 0.55 with #4 fees 0.011/0.0055, bob nets 1, #3 due
        trigger                                 | #3 triggered to rest
        show cem                                | 93.94 + 6.06
        book rain                               | 0.6x10 /
    """)  # noqa: E501


def test_take_profit_waits_for_the_other_direction() -> None:
    play(f"""{OPENING}
        ann sell 10 YES 0.54 trigger=0.55 kind=profit | #3 waits
        ann sell 1 YES 0.55                     | #4 rests
        cem buy 3 YES 0.55                      | #5, TRANSFER 1 at 0.55 with #4, #5 rests, #3 due
        trigger                                 | #3 triggered, TRANSFER 2 at 0.55 with #5, #3 rests
        book rain                               | / 0.54x8
    """)


def test_each_outcome_has_its_own_price() -> None:
    play(f"""{OPENING}
        # NO falls to 0.45 when YES rises to 0.55.
        bob sell 10 NO market trigger=0.45      | #3 waits
        ann sell 1 YES 0.55                     | #4 rests
        cem buy 1 YES 0.55                      | #5, TRANSFER 1 at 0.55 with #4, #3 due
    """)


def test_by_the_best_price_no_trade_is_needed() -> None:
    play(f"""{OPENING}
        ann sell 10 YES market trigger=0.45 by=BEST | #3 waits
        # Without a bid there is no price to go by.
        cem buy 10 YES 0.46                     | #4 rests
        cem buy 5 YES 0.44                      | #5 rests
        cem cancel #4                           | #4 ends USER, #3 due
        trigger                                 | #3 triggered, TRANSFER 5 at 0.44 with #5, #3 ends NO_LIQUIDITY
    """)  # noqa: E501


def test_one_that_would_be_due_at_once_is_refused() -> None:
    play(f"""{OPENING}
        ann sell 10 YES market trigger=0.50     | TRIGGER_REACHED
        ann sell 10 YES market trigger=0.50 by=BEST | #3 waits
        cem buy 1 YES 0.49                      | #4 rests, #3 due
        cem buy 1 YES 0.48                      | #3 triggered, TRANSFER 1 at 0.49 with #4, #3 ends NO_LIQUIDITY; #5 rests
        ann sell 10 YES market trigger=0.49 by=BEST | TRIGGER_REACHED
        show ann                                | 50.49 + 0, YES 99 cost 49.5, realised -0.01
    """)  # noqa: E501


def test_every_trade_of_a_command_counts() -> None:
    play(f"""{OPENING}
        ann sell 10 YES market trigger=0.45     | #3 waits
        cem buy 10 YES market trigger=0.56 worst=0.60 | #4 waits
        cem buy 1 YES 0.45                      | #5 rests
        cem buy 1 YES 0.55                      | #6 rests
        # The last price is 0.45, but 0.55 was there too.
        ann sell 2 YES 0.45                     | #7, TRANSFER 1 at 0.55 with #6, TRANSFER 1 at 0.45 with #5, #3 due
    """)  # noqa: E501


def test_falls_come_first_the_highest_then_rises_the_lowest_then_by_id() -> None:
    play(f"""{OPENING}
        ann sell 1 YES market trigger=0.40      | #3 waits
        ann sell 1 YES market trigger=0.42      | #4 waits
        ann sell 1 YES market trigger=0.42      | #5 waits
        cem buy 1 YES market trigger=0.62 worst=0.70 | #6 waits
        cem buy 1 YES market trigger=0.61 worst=0.70 | #7 waits
        cem buy 1 YES 0.65                      | #8 rests
        cem buy 1 YES 0.39                      | #9 rests
        ann sell 2 YES 0.39                     | #10, TRANSFER 1 at 0.65 with #8, TRANSFER 1 at 0.39 with #9, #4 #5 #3 #7 #6 due
    """)  # noqa: E501


def test_what_a_trigger_reaches_is_triggered_in_its_turn() -> None:
    play(f"""{OPENING}
        cem buy 10 YES 0.45                     | #3 rests
        cem buy 10 YES 0.40                     | #4 rests
        ann sell 9 YES market trigger=0.46      | #5 waits
        ann sell 2 YES market trigger=0.40      | #6 waits
        ann sell 2 YES market trigger=0.45      | #7 waits
        ann sell 1 YES 0.45                     | #8, TRANSFER 1 at 0.45 with #3, #5 #7 due
        trigger                                 | #5 triggered, TRANSFER 9 at 0.45 with #3; #7 triggered, TRANSFER 2 at 0.4 with #4, #6 due; #6 triggered, TRANSFER 2 at 0.4 with #4
    """)  # noqa: E501


def test_a_refusal_at_the_trigger_ends_it_with_its_name() -> None:
    play(f"""{OPENING}
        cem buy 10 YES 0.44                     | #3 rests
        ann sell 50 YES 0.44 FOK trigger=0.45   | #4 waits
        ann sell 5 YES 0.44 trigger=0.45 postOnly=yes | #5 waits
        cem buy 1 YES 0.45                      | #6 rests
        ann sell 1 YES 0.45                     | #7, TRANSFER 1 at 0.45 with #6, #4 #5 due
        trigger                                 | #4 ends FOK_NOT_FILLABLE; #5 ends POST_ONLY_WOULD_CROSS
        show ann                                | 50.45 + 0, YES 99 cost 49.5, realised -0.05
    """)  # noqa: E501


def test_a_budget_that_buys_no_unit_ends_it_with_its_name() -> None:
    play(f"""{OPENING}
        cem buy YES market trigger=0.55 maxCost=0.005 | #3 waits
        ann sell 1 YES 0.55                     | #4 rests
        ann sell 1 YES 0.56                     | #5 rests
        bob buy 1 YES 0.55                      | #6, TRANSFER 1 at 0.55 with #4, bob nets 1, #3 due
        trigger                                 | #3 ends MAX_COST_TOO_SMALL
    """)


def test_it_counts_as_open() -> None:
    play(f"""{OPENING}
        ann sell 10 YES market trigger=0.45     | #3 waits
        ann sell 100 YES 0.60                   | INSUFFICIENT_SHARES
        ann cancel #3                           | #3 ends USER
        ann sell 10 YES market trigger=0.45     | #4 waits
        ann cancel all                          | #4 ends USER, 1 cancelled
        ann sell 10 YES 0.40 GTD until=60 trigger=0.45 | #5 waits
        time 60                                 | #5 ends EXPIRED
        ann sell 10 YES market trigger=0.45     | #6 waits
        ann buy 1 YES 0.30                      | #7 rests
        status rain CLOSED                      | rain CLOSED, #7 ends MARKET_CLOSED, #6 ends MARKET_CLOSED
        show ann                                | 50 + 0, YES 100 cost 50
    """)  # noqa: E501


def test_its_shares_net_when_they_come_free_though_the_book_is_untouched() -> None:
    play(f"""{OPENING}
        ann sell 10 YES market trigger=0.45     | #3 waits
        ann buy 100 NO 0.50                     | #4 rests
        bob buy 100 YES 0.50                    | #5, MINT 100 at 0.5 with #4, bob nets 100, ann nets 90
        show ann                                | 90 + 0, YES 0(+10) cost 5, NO 10 cost 5
        ann cancel #3                           | #3 ends USER, ann nets 10
    """)  # noqa: E501


@pytest.mark.parametrize(
    ("halt", "halted", "go", "on"),
    [
        ("status rain HALTED", "rain HALTED", "status rain OPEN", "rain OPEN"),
        ("status rain POST_ONLY", "rain POST_ONLY", "status rain OPEN", "rain OPEN"),
        ("mode cancel-only", "mode cancel-only", "mode open", "mode open"),
    ],
)
def test_what_is_due_when_trading_stops_is_judged_anew_when_it_goes_on(
    set_bound: SetBound, halt: str, halted: str, go: str, on: str
) -> None:
    """With one trigger between two commands the second is still due when the halt comes."""
    set_bound(engine, "TRIGGERS_BETWEEN", 1)
    play(
        f"""{OPENING}
        cem buy 1 YES 0.44                      | #3 rests
        cem buy 5 YES 0.40                      | #4 rests
        ann sell 1 YES market trigger=0.45 by=BEST | TRIGGER_REACHED
        ann sell 1 YES market trigger=0.44      | #5 waits
        ann sell 1 YES market trigger=0.44      | #6 waits
        ann sell 1 YES 0.20 trigger=0.40 by=BEST | #7 waits
        ann sell 1 YES 0.44                     | #8, TRANSFER 1 at 0.44 with #3, #5 #6 #7 due
        {halt}                                  | #5 triggered, TRANSFER 1 at 0.4 with #4; {halted}, #6 #7 not due
        trigger                                 |
        cem cancel #4                           | #4 ends USER
        # No bid is left: what went by the best price isn't due, what went by the last price is.
        {go}                                    | {on}, #6 due
    """,  # noqa: E501
        Twin(triggers_between=1),
    )


def test_it_is_taken_only_where_orders_are() -> None:
    play(f"""{OPENING}
        status rain POST_ONLY                   | rain POST_ONLY
        ann sell 1 YES 0.40 trigger=0.45 postOnly=yes | MARKET_POST_ONLY
        status rain HALTED                      | rain HALTED
        ann sell 1 YES market trigger=0.45      | MARKET_NOT_OPEN
    """)


def test_amending_it() -> None:
    play(f"""{OPENING}
        cem buy 10 YES 0.60 trigger=0.55        | #3 waits
        cem amend #3 trigger=0.56               | #3 amended
        cem amend #3 price=0.65 quantity=20     | #3 amended
        show cem                                | 87 + 13
        cem amend #3 quantity=200               | INSUFFICIENT_BALANCE
        cem amend #3 trigger=0.50               | TRIGGER_REACHED
        cem amend #3 trigger=0.555              | OFF_TICK
        cem amend #3 until=60                   | INVALID_ORDER
        cem amend #3 trigger=0.57 version=1     | VERSION_CHANGED
        cem amend #3 trigger=0.57 version=2     | #3 amended
        status rain HALTED                      | rain HALTED
        cem amend #3 trigger=0.58               | MARKET_NOT_OPEN
        cem amend #3 quantity=10                | #3 amended
        show cem                                | 93.5 + 6.5
        cem buy 1 YES 0.10                      | MARKET_NOT_OPEN
        status rain OPEN                        | rain OPEN
        cem buy 1 YES 0.10                      | #4 rests
        cem amend #4 trigger=0.58               | INVALID_ORDER
        ann sell 10 YES market trigger=0.40     | #5 waits
        ann amend #5 price=0.30                 | INVALID_ORDER
        bob buy YES market trigger=0.70 maxCost=5 | #6 waits
        bob amend #6 quantity=5                 | INVALID_ORDER
    """)


def test_one_that_is_due_is_too_late_to_be_amended(set_bound: SetBound) -> None:
    set_bound(engine, "TRIGGERS_BETWEEN", 1)
    play(
        f"""{OPENING}
        cem buy 5 YES 0.44                      | #3 rests
        ann sell 1 YES market trigger=0.44      | #4 waits
        ann sell 1 YES market trigger=0.44      | #5 waits
        ann sell 1 YES 0.44                     | #6, TRANSFER 1 at 0.44 with #3, #4 #5 due
        ann amend #5 trigger=0.30               | #4 triggered, TRANSFER 1 at 0.44 with #3; TRIGGER_REACHED
        ann cancel #5                           | #5 triggered, TRANSFER 1 at 0.44 with #3; ORDER_NOT_OPEN
    """,  # noqa: E501
        Twin(triggers_between=1),
    )


def test_post_only_and_triggered_it_is_amended_where_others_that_rest_are() -> None:
    play(f"""{OPENING}
        ann sell 10 YES 0.60 trigger=0.45 postOnly=yes | #3 waits
        ann sell 10 YES 0.60 trigger=0.44 postOnly=yes | #4 waits
        cem buy 1 YES 0.45                      | #5 rests
        ann sell 1 YES 0.45                     | #6, TRANSFER 1 at 0.45 with #5, #3 due
        trigger                                 | #3 triggered to rest
        status rain POST_ONLY                   | rain POST_ONLY
        ann amend #4 price=0.61                 | MARKET_POST_ONLY
        ann amend #3 price=0.61                 | #3 amended to rest
        status rain OPEN                        | rain OPEN
        mode post-only                          | mode post-only
        ann amend #4 price=0.61                 | EXCHANGE_POST_ONLY
        ann amend #3 price=0.62                 | #3 amended to rest
    """)


def test_where_nothing_trades_it_is_lessened_whatever_the_price_is(set_bound: SetBound) -> None:
    set_bound(engine, "TRIGGERS_BETWEEN", 1)
    play(
        f"""{OPENING}
        cem buy 5 YES 0.44                      | #3 rests
        ann sell 1 YES market trigger=0.44      | #4 waits
        ann sell 3 YES market trigger=0.44      | #5 waits
        ann sell 1 YES 0.44                     | #6, TRANSFER 1 at 0.44 with #3, #4 #5 due
        status rain HALTED                      | #4 triggered, TRANSFER 1 at 0.44 with #3; rain HALTED, #5 not due
        ann amend #5 quantity=2                 | #5 amended
        status rain OPEN                        | rain OPEN, #5 due
        trigger                                 | #5 triggered, TRANSFER 2 at 0.44 with #3
    """,  # noqa: E501
        Twin(triggers_between=1),
    )
