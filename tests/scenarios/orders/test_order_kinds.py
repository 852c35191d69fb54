"""LIMIT and MARKET orders with each time in force: what they take, what they pay, how they end."""

from tests.scenarios.table import play

LADDER = """
        open ann 100                 | opened, ann +100
        open bob 10                  | opened, bob +10
        list rain                    | rain OPEN
        ann buy 5 YES 0.60           | #1 rests
        ann buy 5 YES 0.50           | #2 rests
        ann buy 5 YES 0.40           | #3 rests
"""


def test_ioc_takes_what_it_can_and_never_rests() -> None:
    play(f"""{LADDER}
        bob buy 12 NO 0.50 IOC       | #4, MINT 5 at 0.4 with #1, MINT 5 at 0.5 with #2, \
                                       #4 ends NO_LIQUIDITY
        bob buy 1 NO 0.50 IOC        | #5, #5 ends NO_LIQUIDITY
        show bob                     | 5.5 + 0, NO 10 cost 4.5
    """)


def test_fok_takes_all_or_nothing() -> None:
    play(f"""{LADDER}
        bob buy 10.01 NO 0.50 FOK    | FOK_NOT_FILLABLE
        show bob                     | 10 + 0
        bob buy 10 NO 0.50 FOK       | #4, MINT 5 at 0.4 with #1, MINT 5 at 0.5 with #2
        bob buy 5 NO 0.59 FOK        | FOK_NOT_FILLABLE
        bob sell 11 NO 0.01 FOK      | INSUFFICIENT_SHARES
        bob sell 10 NO 0.01 FOK      | FOK_NOT_FILLABLE
    """)


def test_fok_counts_own_orders_as_its_prevention_would_treat_them() -> None:
    table = """
        open ann 100                 | opened, ann +100
        open bob 100                 | opened, bob +100
        list rain                    | rain OPEN
        bob buy 5 YES 0.60           | #1 rests
        ann buy 5 YES 0.60           | #2 rests
        bob buy 5 YES 0.60           | #3 rests
"""
    # Full before it reaches the own order: nothing to prevent.
    play(f"{table} ann buy 5 NO 0.40 FOK | #4, MINT 5 at 0.4 with #1")
    # A refused FOK cancels nothing.
    for mode in ("taker", "both"):
        play(f"""{table}
            ann buy 6 NO 0.40 FOK stp={mode} | FOK_NOT_FILLABLE
            book rain                        | 0.6x15 /
        """)
    play(f"""{table}
        ann buy 11 NO 0.40 FOK stp=maker | FOK_NOT_FILLABLE
        book rain                        | 0.6x15 /
        ann buy 10 NO 0.40 FOK stp=maker | #4, MINT 5 at 0.4 with #1, #2 ends SELF_TRADE, \
                                           MINT 5 at 0.4 with #3
        book rain                        | /
    """)


def test_fok_on_an_empty_book_is_not_fillable() -> None:
    play("""
        open ann 100                 | opened, ann +100
        list rain                    | rain OPEN
        ann buy 1 YES 0.50 FOK       | FOK_NOT_FILLABLE
        ann buy 1 YES market FOK     | FOK_NOT_FILLABLE
        ann buy 300 YES 0.50 FOK     | INSUFFICIENT_BALANCE
    """)


def test_a_market_fok_pays_level_by_level() -> None:
    play(f"""{LADDER}
        bob buy 15 NO market FOK     | #4, MINT 5 at 0.4 with #1, MINT 5 at 0.5 with #2, \
                                       MINT 5 at 0.6 with #3
        show bob                     | 2.5 + 0, NO 15 cost 7.5
    """)
    play(f"""{LADDER}
        open cem 7.49                | opened, cem +7.49
        cem buy 15 NO market FOK     | INSUFFICIENT_BALANCE
        cem buy 16 NO market FOK     | INSUFFICIENT_BALANCE
        bob buy 16 NO market FOK     | FOK_NOT_FILLABLE
    """)


def test_a_market_buy_stops_where_the_cash_ends() -> None:
    play(f"""{LADDER}
        open cem 4                   | opened, cem +4
        cem buy 15 NO market         | #4, MINT 5 at 0.4 with #1, MINT 4 at 0.5 with #2, \
                                       #4 ends INSUFFICIENT_BALANCE
        show cem                     | 0 + 0, NO 9 cost 4
        cem buy 1 NO market          | INSUFFICIENT_BALANCE
        cem buy 1 NO market FOK      | INSUFFICIENT_BALANCE
    """)


def test_a_market_buy_on_an_empty_book_ends_for_want_of_offers_not_of_cash() -> None:
    play("""
        open ann                     | opened
        list rain                    | rain OPEN
        ann buy 1 YES market         | #1, #1 ends NO_LIQUIDITY
    """)


def test_a_market_sale_takes_any_price_and_gives_the_rest_back() -> None:
    play(f"""{LADDER}
        bob buy 5 NO 0.40            | #4, MINT 5 at 0.4 with #1
        open cem 10                  | opened, cem +10
        cem buy 3 NO 0.01            | #5 rests
        bob sell 5 NO market         | #6, TRANSFER 3 at 0.01 with #5, #6 ends NO_LIQUIDITY
        show bob                     | 8.03 + 0, NO 2 cost 0.8, realised -1.17
        ann sell 5 YES market        | #7, #7 ends SELF_TRADE
        ann sell 5 YES market FOK    | FOK_NOT_FILLABLE
    """)


def test_max_cost_includes_fees_and_buys_the_most_that_fits() -> None:
    play("""
        open ann 100                 | opened, ann +100
        open bob 10                  | opened, bob +10
        list rain fees=0/0.1         | rain OPEN
        ann buy 5 YES 0.60           | #1 rests
        ann buy 5 YES 0.50           | #2 rests
        bob buy NO market maxCost=3.3 | #3, MINT 5 at 0.4 with #1 fees 0.2/0, \
                                       MINT 2 at 0.5 with #2 fees 0.1/0, FILLED
        show bob                     | 6.7 + 0, NO 7 cost 3
        bob buy NO market maxCost=0.00549 | MAX_COST_TOO_SMALL
        bob buy NO market maxCost=0.0055 | #4, MINT 0.01 at 0.5 with #2 fees 0.0005/0, FILLED
        bob buy NO market maxCost=5  | #5, MINT 2.99 at 0.5 with #2 fees 0.1495/0, \
                                       #5 ends NO_LIQUIDITY
    """)


def test_max_cost_is_filled_when_the_next_unit_does_not_fit() -> None:
    play(f"""{LADDER}
        bob buy NO market maxCost=2.003 | #4, MINT 5 at 0.4 with #1, FILLED
        bob buy NO market maxCost=2.504 | #5, MINT 5 at 0.5 with #2, FILLED
        bob buy NO market maxCost=3  | #6, MINT 5 at 0.6 with #3, FILLED
        bob buy NO market maxCost=2  | #7, #7 ends NO_LIQUIDITY
    """)


def test_max_cost_beyond_the_cash_is_refused_and_not_cut() -> None:
    play(f"""{LADDER}
        bob buy NO market maxCost=10.000001 | INSUFFICIENT_BALANCE
        bob buy NO market maxCost=10 | #4, MINT 5 at 0.4 with #1, MINT 5 at 0.5 with #2, \
                                       MINT 5 at 0.6 with #3, #4 ends NO_LIQUIDITY
    """)


def test_max_cost_stops_at_an_own_order() -> None:
    play(f"""{LADDER}
        bob buy 1 YES 0.60           | #4 rests
        bob buy NO market maxCost=5  | #5, MINT 5 at 0.4 with #1, #5 ends SELF_TRADE
        bob buy NO market maxCost=0.001 stp=taker | #6, #6 ends SELF_TRADE
        bob buy NO market maxCost=0.001 stp=maker | MAX_COST_TOO_SMALL
        book rain                    | 0.6x1 0.5x5 0.4x5 /
    """)


def test_cancel_all_of_a_side_and_an_outcome() -> None:
    play("""
        open ann 100                            | opened, ann +100
        open bob 100                            | opened, bob +100
        list rain                               | rain OPEN
        list snow                               | snow OPEN
        bob buy 3 NO 0.50                       | #1 rests
        ann buy 3 YES 0.50                      | #2, MINT 3 at 0.5 with #1
        ann buy 1 YES 0.40                      | #3 rests
        ann buy 1 NO 0.30                       | #4 rests
        ann sell 1 YES 0.90                     | #5 rests
        ann buy 1 YES 0.40 on=snow              | #6 rests
        ann buy 1 YES 0.39                      | #7 rests
        # In the order of their ids, amended or not.
        ann amend #3 price=0.41                 | #3 amended to rest
        ann cancel all rain side=buy outcome=YES | #3 ends USER, #7 ends USER, 2 cancelled
        ann cancel all side=sell                | #5 ends USER, 1 cancelled
        ann cancel all rain outcome=YES         | 0 cancelled
        ann cancel all outcome=YES              | #6 ends USER, 1 cancelled
        ann cancel all                          | #4 ends USER, 1 cancelled
    """)
