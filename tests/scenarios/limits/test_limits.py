"""Order size, notional, open orders and position: what admins bind trading by (RULEBOOK 16)."""

from tests.scenarios.table import play

START = """
    open ann 100                     | opened, ann +100
    open bob 100                     | opened, bob +100
    list rain                        | rain OPEN
"""


def test_an_account_has_its_own_limits_in_place_of_its_markets() -> None:
    play(
        START
        + """
        limits rain order_quantity=5 order_notional=2    | order_quantity=5 order_notional=2
        ann buy 5 YES 0.40               | #1 rests
        ann buy 5.01 YES 0.10            | ORDER_TOO_LARGE
        ann buy 5 YES 0.41               | ORDER_TOO_LARGE
        # Larger for one, smaller for another; what it doesn't name is the market's.
        limits ann order_quantity=6      | order_quantity=6
        limits bob order_notional=1      | order_notional=1
        ann buy 6 YES 0.30               | #2 rests
        ann buy 6 YES 0.34               | ORDER_TOO_LARGE
        bob buy 5 YES 0.20               | #3 rests
        bob buy 5 YES 0.21               | ORDER_TOO_LARGE
        bob buy 5.01 YES 0.10            | ORDER_TOO_LARGE
        # All are set at once, so what isn't named is lifted.
        limits bob                       | no limits
        limits rain                      | no limits
        bob buy 50 YES 0.21              | #4 rests
        """
    )


def test_what_an_order_comes_to() -> None:
    play(
        START
        + """
        ann buy 20 NO 0.50               | #1 rests
        limits rain order_notional=1     | order_notional=1
        # By cost its maxCost; without a price its worst one, or a credit a share.
        bob buy YES market maxCost=1.000001    | ORDER_TOO_LARGE
        bob buy YES market maxCost=1     | #2, MINT 2 at 0.5 with #1, FILLED
        bob buy 1.01 YES market          | ORDER_TOO_LARGE
        bob buy 1 YES market             | #3, MINT 1 at 0.5 with #1
        bob buy 1.25 YES market worst=0.80     | #4, MINT 1.25 at 0.5 with #1
        bob buy 1.26 YES market worst=0.80     | ORDER_TOO_LARGE
        # What waits is judged by what it may become.
        bob buy 1.26 YES market trigger=0.90 worst=0.80  | ORDER_TOO_LARGE
        bob buy 1.25 YES market trigger=0.90 worst=0.80  | #5 waits
        """
    )


def test_a_position_is_what_is_held_and_what_is_wanted() -> None:
    play(
        START
        + """
        limits rain position=10          | position=10
        ann buy 4 YES 0.50               | #1 rests
        bob buy 4 NO 0.50                | #2, MINT 4 at 0.5 with #1
        # 4 held, 3 wanted in the book, 2 by one that waits: room for 1.
        ann buy 3 YES 0.40               | #3 rests
        ann buy 2 YES 0.60 trigger=0.60  | #4 waits
        ann buy 1.01 YES 0.30            | POSITION_LIMIT
        ann buy 1 YES 0.30               | #5 rests
        ann amend #5 quantity=1.01       | POSITION_LIMIT
        ann amend #5 price=0.31          | #5 amended to rest
        ann cancel #3                    | #3 ends USER
        # The other outcome has a position of its own; a sale only reduces.
        ann sell 4 YES 0.70              | #6 rests
        ann buy 10 NO 0.20               | #7 rests
        ann buy 1 NO 0.20                | POSITION_LIMIT
        # Nobody is bound by what came before the limit, but what comes next is judged.
        limits ann position=1            | position=1
        ann amend #5 quantity=0.50       | #5 amended in place
        ann amend #5 price=0.32          | POSITION_LIMIT
        ann buy 0.01 YES 0.10            | POSITION_LIMIT
        """
    )


def test_of_a_pair_only_the_larger_counts() -> None:
    play(
        START
        + """
        limits rain position=10          | position=10
        ann oco buy 6 YES 0.40 + buy 8 YES 0.70 trigger=0.60     | #1 waits, #2 rests
        ann buy 2.01 YES 0.30            | POSITION_LIMIT
        ann buy 2 YES 0.30               | #3 rests
        ann amend #1 quantity=8.01       | POSITION_LIMIT
        ann amend #1 quantity=8          | #1 amended
        ann cancel #1                    | #1 ends USER, #2 locks +2.4
        ann buy 2 YES 0.30               | #4 rests
        """
    )


def test_what_only_reduces_has_no_limit() -> None:
    play(
        START
        + """
        ann buy 10 YES 0.50              | #1 rests
        bob buy 10 NO 0.50               | #2, MINT 10 at 0.5 with #1
        bob buy 9 YES 0.40               | #3 rests
        limits ann position=1            | position=1
        ann buy 5 NO 0.60 IOC            | POSITION_LIMIT
        ann buy 5 NO 0.60 IOC reduceOnly=yes   | #4, MINT 5 at 0.6 with #3, ann nets 5, bob nets 5
        ann sell 4 YES 0.40              | #5, TRANSFER 4 at 0.4 with #3, bob nets 4
        """
    )


def test_by_cost_the_walk_stops_where_the_position_is_full() -> None:
    play(
        START
        + """
        ann buy 10 NO 0.50               | #1 rests
        limits bob position=3            | position=3
        bob buy YES market maxCost=5     | #2, MINT 3 at 0.5 with #1, #2 ends POSITION_LIMIT
        bob buy YES market maxCost=5     | POSITION_LIMIT
        limits bob position=5            | position=5
        # Spent before it is full.
        bob buy YES market maxCost=0.50  | #3, MINT 1 at 0.5 with #1, FILLED
        """
    )


def test_at_its_trigger_an_order_is_judged_like_a_new_one() -> None:
    run = play(
        START
        + """
        open cem 100                     | opened, cem +100
        open dot 100                     | opened, dot +100
        ann buy 5 YES 0.60 trigger=0.60  | #1 waits
        bob buy 5 YES market trigger=0.60 worst=0.90     | #2 waits
        cem buy YES market trigger=0.60 maxCost=9        | #3 waits
        limits ann order_quantity=4      | order_quantity=4
        dot buy 20 NO 0.40               | #4 rests
        open nobody 100                  | opened, nobody +100
        limits bob position=4            | position=4
        limits cem position=2            | position=2
        nobody buy 1 YES 0.60            | #5, MINT 1 at 0.6 with #4, #1 #2 #3 due
        """
    )
    assert run.line("trigger").split("; ") == [
        "#1 ends ORDER_TOO_LARGE",
        "#2 ends POSITION_LIMIT",
        "#3 triggered, MINT 2 at 0.6 with #4, #3 ends POSITION_LIMIT",
    ]


def test_open_orders_are_counted_in_each_market() -> None:
    run = play(
        START
        + """
        list snow                        | snow OPEN
        limits rain open_orders=2        | open_orders=2
        limits snow open_orders=1        | open_orders=1
        ann buy 1 YES 0.40               | #1 rests
        ann oco buy 1 YES 0.40 + buy 1 YES 0.70 trigger=0.60     | TOO_MANY_OPEN_ORDERS
        ann buy 1 YES 0.70 trigger=0.60  | #2 waits
        ann buy 1 YES 0.40               | TOO_MANY_OPEN_ORDERS
        ann buy 1 YES 0.70 trigger=0.60  | TOO_MANY_OPEN_ORDERS
        # What never rests isn't counted.
        ann buy 1 YES 0.40 IOC           | #3, #3 ends NO_LIQUIDITY
        ann buy 1 YES 0.40 on=snow       | #4 rests
        ann buy 1 YES 0.40 on=snow       | TOO_MANY_OPEN_ORDERS
        limits ann open_orders=3         | open_orders=3
        ann buy 1 YES 0.40               | #5 rests
        ann buy 1 YES 0.40               | TOO_MANY_OPEN_ORDERS
        ann cancel #2                    | #2 ends USER
        ann buy 1 YES 0.40               | #6 rests
        ann buy 1 YES 0.40 on=snow       | #7 rests
        """
    )
    assert run.line("ann batch: buy 1 YES 0.30; cancel #1; buy 1 YES 0.30").split(" / ")[0] == (
        "TOO_MANY_OPEN_ORDERS"
    )


def test_they_are_set_whatever_is_halted_until_a_market_is_resolved() -> None:
    play(
        START
        + """
        mode halted                      | mode halted
        limits rain position=5           | position=5
        limits ann position=6            | position=6
        status rain FULL_HALT            | rain FULL_HALT
        limits rain position=7           | position=7
        status rain HALTED               | rain HALTED
        status rain CLOSED               | rain CLOSED
        limits rain position=8           | position=8
        resolve rain YES                 | YES pays 1
        limits rain position=9           | MARKET_ALREADY_RESOLVED
        """
    )


def test_a_refusal_says_the_bound_and_the_value() -> None:
    run = play(
        START
        + """
        ann buy 1 YES 0.40               | #1 rests
        """
    )
    run.line("limits rain order_quantity=5 order_notional=2 open_orders=1 position=4")

    def told(line: str) -> str:
        run.line(line)
        return run.last_refusal

    assert "6.00" in told("ann buy 6 YES 0.10")
    assert "5.00" in run.last_refusal
    assert "2.500000" in told("ann buy 5 YES 0.50")
    assert "2.000000" in run.last_refusal
    for number in ("1.00", "3.01", "4.00"):
        assert number in told("ann buy 3.01 YES 0.10")
    assert "1 open orders" in told("ann buy 1 YES 0.10")
