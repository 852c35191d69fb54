"""Reduce-only orders that wait for a price: how much they reduce is found out at the trigger."""

from tests.scenarios.table import Play, play

# Ann has 100 YES, Bob 100 NO and 50 credits each; the last price is 0.50, nothing rests.
OPENING = """
        open ann 100                            | opened, ann +100
        open bob 100                            | opened, bob +100
        open cem 100                            | opened, cem +100
        open dot 100                            | opened, dot +100
        list rain                               | rain OPEN
        ann buy 100 YES 0.50                    | #1 rests
        bob buy 100 NO 0.50                     | #2, MINT 100 at 0.5 with #1
"""
RISE = """
        ann sell 1 YES 0.55                     | #{0} rests
        dot buy 1 YES 0.55                      | #{1}, TRANSFER 1 at 0.55 with #{0}, {2}
"""


def test_a_sell_locks_its_shares_and_they_count_as_free_at_the_trigger() -> None:
    play(f"""{OPENING}
        ann sell 20 YES market trigger=0.45 reduceOnly=yes | #3 waits
        ann sell 80 YES 0.90                    | #4 rests
        show ann                                | 50 + 0, YES 0(+100) cost 50
        # 8 NO are bought against it: these make pairs with 8 of the 20.
        ann buy 8 NO 0.60                       | #5 rests
        cem buy 50 YES 0.44                     | #6, MINT 8 at 0.4 with #5, #6 rests, #3 due
        trigger                                 | #3 triggered, TRANSFER 12 at 0.44 with #6, #3 ends REDUCE_ONLY, ann nets 8
        show ann                                | 58.48 + 0, YES 0(+80) cost 40, realised -1.52
    """)  # noqa: E501 - an outcome is one line


def test_a_buy_locks_nothing_and_pays_at_the_trigger_for_no_more_than_there_is_to_reduce() -> None:
    play(f"""{OPENING}
        bob buy 30 YES market trigger=0.55 worst=0.60 reduceOnly=yes | #3 waits
        show bob                                | 50 + 0, NO 100 cost 50
        # Shares that are offered elsewhere don't count.
        bob sell 80 NO 0.90                     | #4 rests
        ann sell 25 YES 0.56                    | #5 rests
        {RISE.format(6, 7, "#3 due")}
        trigger                                 | #3 triggered, TRANSFER 20 at 0.56 with #5, #3 ends REDUCE_ONLY, bob nets 20
        show bob                                | 58.8 + 0, NO 0(+80) cost 40, realised -1.2
    """)  # noqa: E501


def test_with_a_limit_it_locks_at_the_trigger_what_the_cap_needs() -> None:
    play(f"""{OPENING}
        bob buy 130 YES 0.50 IOC trigger=0.55 reduceOnly=yes | #3 waits
        bob buy 30 YES 0.60 IOC trigger=0.55 reduceOnly=yes | #4 waits
        bob buy 101 YES 0.40 FOK trigger=0.55 reduceOnly=yes | #5 waits
        show bob                                | 50 + 0, NO 100 cost 50
        ann sell 20 YES 0.57                    | #6 rests
        {RISE.format(7, 8, "#3 #4 #5 due")}
        trigger                                 | #3 triggered, #3 ends NO_LIQUIDITY; #4 triggered, TRANSFER 20 at 0.57 with #6, #4 ends NO_LIQUIDITY, bob nets 20; #5 ends FOK_NOT_FILLABLE
        show bob                                | 58.6 + 0, NO 80 cost 40, realised -1.4
    """)  # noqa: E501


def test_with_nothing_to_reduce_it_ends() -> None:
    play(f"""{OPENING}
        cem buy 5 YES market trigger=0.55 worst=0.60 reduceOnly=yes | #3 waits
        cem buy YES market trigger=0.55 maxCost=5 reduceOnly=yes | #4 waits
        ann sell 9 YES 0.56                     | #5 rests
        {RISE.format(6, 7, "#3 #4 due")}
        trigger                                 | #3 ends REDUCE_ONLY; #4 ends REDUCE_ONLY
        show cem                                | 100 + 0
    """)


def test_a_buy_that_cannot_pay_at_the_trigger_ends() -> None:
    play(f"""{OPENING}
        bob buy 90 YES 0.60 IOC trigger=0.55 reduceOnly=yes | #3 waits
        bob buy 90 YES market trigger=0.55 worst=0.60 reduceOnly=yes | #4 waits
        bob buy YES market trigger=0.55 maxCost=50.01 reduceOnly=yes | #5 waits
        ann sell 99 YES 0.57                    | #6 rests
        {RISE.format(7, 8, "#3 #4 #5 due")}
        # As far as the money goes, then from what the netting brought.
        trigger                                 | #3 ends INSUFFICIENT_BALANCE; #4 triggered, TRANSFER 87.71 at 0.57 with #6, #4 ends INSUFFICIENT_BALANCE, bob nets 87.71; #5 triggered, TRANSFER 11.29 at 0.57 with #6, #5 ends NO_LIQUIDITY, bob nets 11.29
        show bob                                | 92.57 + 0, NO 1 cost 0.5, realised -6.93
    """)  # noqa: E501


def test_of_a_pair_the_partner_s_lock_pays_for_it() -> None:
    play(f"""{OPENING}
        bob oco buy 90 YES 0.50 IOC trigger=0.55 reduceOnly=yes + buy 100 YES 0.49 | #3 waits, #4 rests
        show bob                                | 1 + 49, NO 100 cost 50
        {RISE.format(5, 6, "#3 due")}
        # It needs 45, of which 44 come from the other order.
        trigger                                 | #4 ends OCO, #3 locks -49, #3 triggered, #3 ends NO_LIQUIDITY
        show bob                                | 50 + 0, NO 100 cost 50
    """)  # noqa: E501


def test_refused_at_the_trigger_it_leaves_its_partner_alone() -> None:
    play(f"""{OPENING}
        cem oco buy 9 YES market trigger=0.55 worst=0.60 reduceOnly=yes + buy 10 YES 0.49 | #3 waits, #4 rests
        {RISE.format(5, 6, "#3 due")}
        trigger                                 | #3 ends REDUCE_ONLY, #4 locks +4.9
        show cem                                | 95.1 + 4.9
    """)  # noqa: E501


def test_an_amend_changes_nothing_that_is_locked() -> None:
    play(f"""{OPENING}
        cem buy 30 YES market trigger=0.55 worst=0.60 reduceOnly=yes | #3 waits
        cem amend #3 quantity=10000             | #3 amended
        show cem                                | 100 + 0
    """)


def test_it_never_rests_and_says_what_bounds_it() -> None:
    play(OPENING)
    for terms in ("5 YES 0.60 trigger=0.55", "5 YES market trigger=0.55"):
        made = Play()
        for line in OPENING.strip().splitlines():
            made.line(line.split("|")[0])
        assert made.line(f"bob buy {terms} reduceOnly=yes") == "INVALID_ORDER"
