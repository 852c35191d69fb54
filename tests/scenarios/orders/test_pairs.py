"""Pairs of which one cancels the other (OCO): what they lock, and who ends whom."""

from tests.scenarios.table import play

OPENING = """
        open ann 200                            | opened, ann +200
        open bob 100                            | opened, bob +100
        open cem 100                            | opened, cem +100
        list rain                               | rain OPEN
        ann buy 100 YES 0.50                    | #1 rests
        bob buy 100 NO 0.50                     | #2, MINT 100 at 0.5 with #1
"""
PAIR = f"""{OPENING}
        ann oco sell 100 YES 0.70 + sell 100 YES market trigger=0.40 | #3 waits, #4 rests
"""


def test_a_fill_of_the_limit_ends_the_stop_and_the_rest_stays_locked() -> None:
    # The rulebook's own example: SELL LIMIT 100 + STOP 100, 30 filled.
    play(f"""{PAIR}
        show ann                                | 150 + 0, YES 0(+100) cost 50
        cem buy 30 YES 0.70                     | #5, #3 ends OCO, #4 locks +100, TRANSFER 30 at 0.7 with #4
        show ann                                | 171 + 0, YES 0(+70) cost 35, realised 6
        book rain                               | / 0.7x70
    """)  # noqa: E501 - an outcome is one line


def test_the_trigger_of_the_stop_ends_the_limit() -> None:
    play(f"""{PAIR}
        cem buy 1 YES 0.40                      | #5 rests
        cem buy 60 YES 0.35                     | #6 rests
        bob buy 1 NO 0.60                       | #7, MINT 1 at 0.6 with #5, #3 due
        trigger                                 | #4 ends OCO, #3 triggered, TRANSFER 60 at 0.35 with #6, #3 ends NO_LIQUIDITY
        show ann                                | 171 + 0, YES 40 cost 20, realised -9
    """)  # noqa: E501


def test_a_limit_that_trades_at_entry_ends_the_stop_before() -> None:
    play(f"""{OPENING}
        cem buy 20 YES 0.70                     | #3 rests
        ann oco sell 100 YES market trigger=0.40 + sell 100 YES 0.70 | #4 waits, #5, #4 ends OCO, #5 locks +100, TRANSFER 20 at 0.7 with #3, #5 rests
        show ann                                | 164 + 0, YES 0(+80) cost 40, realised 4
    """)  # noqa: E501


def test_the_pair_locks_the_larger_need_once() -> None:
    play(f"""{OPENING}
        cem oco buy 10 YES 0.30 + buy 10 YES 0.80 trigger=0.60 | #3 waits, #4 rests
        show cem                                | 92 + 8
        cem cancel #3                           | #3 ends USER, #4 locks +3
        show cem                                | 97 + 3
        cem oco buy 10 YES 0.30 + buy 10 YES 0.20 trigger=0.60 | #5 waits, #6 rests
        show cem                                | 94 + 6
        cem cancel #6                           | #6 ends USER, #5 locks -1
        show cem                                | 95 + 5
    """)


def test_what_is_left_of_a_pair_goes_on_alone() -> None:
    play(f"""{OPENING}
        ann oco sell 100 YES 0.70 GTD until=60 + sell 100 YES market trigger=0.40 | #3 waits, #4 rests
        time 60                                 | #4 ends EXPIRED
        show ann                                | 150 + 0, YES 0(+100) cost 50
        cem buy 1 YES 0.40                      | #5 rests
        bob buy 1 NO 0.60                       | #6, MINT 1 at 0.6 with #5, #3 due
    """)  # noqa: E501


def test_a_refusal_at_the_trigger_leaves_the_other_one() -> None:
    play(f"""{OPENING}
        ann oco sell 10 YES 0.70 + sell 10 YES 0.40 FOK trigger=0.40 | #3 waits, #4 rests
        cem buy 1 YES 0.40                      | #5 rests
        bob buy 1 NO 0.60                       | #6, MINT 1 at 0.6 with #5, #3 due
        trigger                                 | #3 ends FOK_NOT_FILLABLE, #4 locks +10
        book rain                               | / 0.7x10
        show ann                                | 150 + 0, YES 90(+10) cost 50
    """)


def test_cancel_all_and_closing_take_both() -> None:
    play(f"""{PAIR}
        ann cancel all                          | #3 ends USER, #4 locks +100, #4 ends USER, 2 cancelled
        ann oco sell 100 YES 0.70 + sell 100 YES market trigger=0.40 | #5 waits, #6 rests
        status rain CLOSED                      | rain CLOSED, #6 ends MARKET_CLOSED, #5 ends MARKET_CLOSED
        show ann                                | 150 + 0, YES 100 cost 50
    """)  # noqa: E501


def test_both_may_wait() -> None:
    play(f"""{OPENING}
        ann oco sell 10 YES 0.69 trigger=0.70 kind=profit + sell 10 YES market trigger=0.40 | #3 waits, #4 waits
        show ann                                | 150 + 0, YES 90(+10) cost 50
        cem buy 1 YES 0.40                      | #5 rests
        bob buy 1 NO 0.60                       | #6, MINT 1 at 0.6 with #5, #4 due
        trigger                                 | #3 ends OCO, #4 locks +10, #4 triggered, #4 ends NO_LIQUIDITY
    """)  # noqa: E501


def test_both_or_none() -> None:
    play(f"""{OPENING}
        ann oco sell 101 YES 0.70 + sell 10 YES market trigger=0.40 | INSUFFICIENT_SHARES
        ann oco sell 10 YES 0.705 + sell 10 YES market trigger=0.40 | OFF_TICK
        ann oco sell 10 YES 0.70 + sell 10 YES market trigger=0.50 | TRIGGER_REACHED
        ann oco sell 10 YES 0.70 + sell 10 YES 0.80 | INVALID_ORDER
        ann oco sell 10 YES 0.70 IOC + sell 10 YES market trigger=0.40 | INVALID_ORDER
        ann oco sell 10 YES 0.70 + buy 10 YES 0.60 trigger=0.60 | INVALID_ORDER
        ann oco sell 10 YES 0.70 + sell 10 NO market trigger=0.40 | INVALID_ORDER
        ann oco sell 10 YES 0.70 id=mine + sell 10 YES market trigger=0.40 | INVALID_ORDER
        cem buy 1 YES 0.70                      | #3 rests
        ann oco sell 10 YES 0.70 postOnly=yes + sell 10 YES market trigger=0.40 | POST_ONLY_WOULD_CROSS
        show ann                                | 150 + 0, YES 100 cost 50
    """)  # noqa: E501


def test_its_request_takes_effect_once() -> None:
    play(f"""{OPENING}
        ann oco sell 10 YES 0.70 + sell 10 YES market trigger=0.40 request=r | #3 waits, #4 rests
        ann oco sell 10 YES 0.70 + sell 10 YES market trigger=0.40 request=r | replayed
        ann oco sell 11 YES 0.70 + sell 10 YES market trigger=0.40 request=r | CONFLICT
        credit ann 1 id=r                       | CONFLICT
        ann sell 1 YES 0.90 id=r                | #5 rests
    """)


def test_amending_a_leg_moves_the_lock_of_both() -> None:
    play(f"""{OPENING}
        cem oco buy 10 YES 0.30 + buy 10 YES 0.80 trigger=0.60 | #3 waits, #4 rests
        cem amend #4 quantity=40                | #4 amended to rest, #3 locks +4
        show cem                                | 88 + 12
        cem amend #3 price=0.90 quantity=20     | #3 amended
        show cem                                | 82 + 18
        cem amend #4 quantity=400               | INSUFFICIENT_BALANCE
        ann sell 5 YES 0.35                     | #5 rests
        # Now it takes, which ends its partner.
        cem amend #4 price=0.35                 | #4 amended, #3 ends OCO, #4 locks +14, TRANSFER 5 at 0.35 with #5, #4 rests
        show cem                                | 86 + 12.25, YES 5 cost 1.75
    """)  # noqa: E501


def test_a_limit_that_meets_only_own_orders_ends_nobody() -> None:
    play("""
        open ann 200                            | opened, ann +200
        open bob 100                            | opened, bob +100
        list rain fees=0/0.1                    | rain OPEN
        ann buy 100 YES 0.50                    | #1 rests
        bob buy 100 NO 0.50                     | #2, MINT 100 at 0.5 with #1 fees 5/0
        ann sell 10 YES 0.60                    | #3 rests
        # It was to take, at the higher rate, took nothing, and rests at the maker's.
        ann oco buy 10 YES 0.60 stp=maker + buy 10 YES 0.65 trigger=0.65 | #4 waits, #5, #3 ends SELF_TRADE, #5 rests
        show ann                                | 142.85 + 7.15, YES 100 cost 50
        book rain                               | 0.6x10 /
    """)  # noqa: E501
