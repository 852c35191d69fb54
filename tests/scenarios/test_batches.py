"""Several operations as one command."""

import pytest

from tests.scenarios.table import play

OPENING = """
        open ann 100                            | opened, ann +100
        open bob 100                            | opened, bob +100
        list rain                               | rain OPEN
"""


def test_operations_run_in_order_each_on_what_the_earlier_ones_left() -> None:
    play(f"""{OPENING}
        ann batch: buy 1 YES 0.50; buy 1 NO 0.40 id=n; cancel #1; amend n price=0.30; cancel #1 | #1 rests / #2 rests / #1 ends USER / #2 amended to rest / ORDER_NOT_OPEN
        book rain                               | / 0.7x1
        show ann                                | 99.7 + 0.3
    """)  # noqa: E501 - an outcome is one line


def test_one_that_is_refused_changes_nothing_of_the_others() -> None:
    play(f"""{OPENING}
        ann batch: buy 1 YES 0.555; buy 300 YES 0.50; buy 1 YES 0.50; cancel nobody | OFF_TICK / INSUFFICIENT_BALANCE / #1 rests / ORDER_NOT_OPEN
    """)  # noqa: E501 - an outcome is one line


def test_cancel_first_then_quote_and_a_post_only_quote_minds_the_quotes_before_it() -> None:
    play(f"""{OPENING}
        ann batch: buy 1 YES 0.50 postOnly=yes; buy 1 NO 0.45 postOnly=yes | #1 rests / #2 rests
        ann batch: buy 1 YES 0.56 postOnly=yes; cancel #1; cancel #2 | POST_ONLY_WOULD_CROSS / #1 ends USER / #2 ends USER
        ann batch: buy 1 YES 0.56 postOnly=yes; buy 1 NO 0.45 postOnly=yes | #3 rests / POST_ONLY_WOULD_CROSS
    """)  # noqa: E501 - an outcome is one line


def test_pairs_become_cash_at_the_end_and_not_between() -> None:
    play(f"""{OPENING}
        bob buy 5 YES 0.50                      | #1 rests
        bob buy 5 NO 0.40                       | #2 rests
        # The five of each would be five credits before the sale if they were netted in between.
        ann batch: buy 5 NO 0.50; buy 5 YES 0.60; sell 5 YES 0.70 | #3, MINT 5 at 0.5 with #1 / #4, MINT 5 at 0.6 with #2 / #5 rests, bob nets 5
        show ann                                | 94.5 + 0, YES 0(+5) cost 3, NO 5 cost 2.5
    """)  # noqa: E501 - an outcome is one line


def test_pairs_do_not_count_for_a_reduce_only_order_within_a_batch() -> None:
    play(f"""{OPENING}
        bob buy 5 YES 0.50                      | #1 rests
        bob buy 3 NO 0.40                       | #2 rests
        bob buy 9 YES 0.30                      | #3 rests
        # Of five NO three will be netted with three YES.
        ann batch: buy 5 NO 0.50; buy 3 YES 0.60; sell 5 NO 0.50 IOC reduceOnly=yes | #4, MINT 5 at 0.5 with #1 / #5, MINT 3 at 0.6 with #2 / #6, #6 ends NO_LIQUIDITY, ann nets 3, bob nets 3
    """)  # noqa: E501 - an outcome is one line


def test_all_or_none_undoes_trades_orders_and_ids() -> None:
    play(f"""{OPENING}
        bob buy 5 YES 0.50 id=b                 | #1 rests
        bob buy 5 YES 0.50                      | #2 rests
        ann buy 1 NO 0.30                       | #3 rests
        ann batch all: buy 7 NO 0.50 id=a; cancel #3; buy 1 NO 0.10 GTD until=90; amend #3 price=0.20 | ORDER_NOT_OPEN
        book rain                               | 0.5x10 / 0.7x1
        show ann                                | 99.7 + 0.3
        show bob                                | 95 + 5
        # The first of a level is the first again, numbers and ids were never used.
        ann batch all: buy 7 NO 0.50 id=a; cancel #3 | #4, MINT 5 at 0.5 with #1, MINT 2 at 0.5 with #2 / #3 ends USER
        time 100                                |
        ann buy 7 NO 0.50 id=a                  | replayed
    """)  # noqa: E501 - an outcome is one line


def test_an_order_that_ends_early_and_a_repeat_are_no_refusals() -> None:
    play(f"""{OPENING}
        ann buy 1 YES 0.50 id=a                 | #1 rests
        ann batch all: buy 1 YES 0.50 id=a; buy 9 YES 0.40 IOC; buy 1 NO 0.60; cancel a | replayed / #2, #2 ends NO_LIQUIDITY / #3, #3 ends SELF_TRADE / #1 ends USER
    """)  # noqa: E501 - an outcome is one line


def test_a_request_id_takes_effect_once() -> None:
    play(f"""{OPENING}
        ann batch id=b1: buy 1 YES 0.50 id=x; buy 1 YES 0.40 | #1 rests / #2 rests
        ann batch id=b1: buy 1 YES 0.50 id=x; buy 1 YES 0.40 | replayed
        ann batch id=b1: buy 1 YES 0.50 id=x    | CONFLICT
        ann batch all id=b1: buy 1 YES 0.50 id=x; buy 1 YES 0.40 | CONFLICT
        # One that was undone is a repeat as well.
        ann batch all id=b2: buy 1 YES 0.50 id=y; cancel #9 | ORDER_NOT_FOUND
        ann batch all id=b2: buy 1 YES 0.50 id=y; cancel #9 | replayed
        ann buy 1 YES 0.50 id=y                 | #3 rests
        # Of orders and requests an id is two.
        ann buy 1 YES 0.50 id=b1                | #4 rests
        ann batch: buy 1 YES 0.20 id=z; buy 1 YES 0.20 id=z; buy 2 YES 0.20 id=z | #5 rests / replayed / CONFLICT
    """)  # noqa: E501 - an outcome is one line


def test_a_market_counts_a_batch_once() -> None:
    run = play(f"""{OPENING}
        bob buy 5 YES 0.50                      | #1 rests
    """)
    before = run.pair.state.markets[1].seq
    run.line("ann batch: buy 1 NO 0.50; buy 1 NO 0.50; buy 1 NO 0.20; cancel #4")
    assert run.pair.state.markets[1].seq == before + 1
    assert run.pair.state.markets[1].trade_no == 2


@pytest.mark.parametrize("count", [0, 51])
def test_one_to_fifty_operations(count: int) -> None:
    run = play(OPENING)
    text = "; ".join(["buy 1 YES 0.01"] * count)
    if count:
        assert run.line(f"ann batch: {text}") == "INVALID_ORDER"
    assert run.line("ann batch: " + "; ".join(["buy 1 YES 0.01"] * 50)).endswith("#50 rests")
