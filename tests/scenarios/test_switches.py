"""Dead-man switches and orders that end with their session, in every status and mode."""

import msgspec
import pytest

from exchange.messages.account_events import LeaseEnded, SessionEnded
from exchange.messages.commands import EndLease, PlaceOrder, SetDeadMan
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import (
    CommandReplayed,
)
from exchange.messages.terms import BUY, GTC, LIMIT, YES, ExchangeMode, MarketStatus
from exchange.model.idempotency import fingerprint
from tests.properties.pair import Pair
from tests.scenarios.order_words import GATEWAY
from tests.scenarios.table import play

START = """
        open ann 100                     | opened, ann +100
        open bob 100                     | opened, bob +100
        list rain                        | rain OPEN
        list snow                        | snow OPEN
"""


def test_a_dead_man_switch_ends_all_of_ones_orders_once() -> None:
    play(
        START
        + """
        ann heartbeat 5000               | dead man at 5
        ann buy 1 YES 0.50               | #1 rests
        ann buy 1 YES 0.50 on=snow       | #2 rests
        bob buy 1 YES 0.50               | #3 rests
        time 4                           |
        # Heard again, the deadline moves.
        ann heartbeat 2000               | dead man at 6
        time 5                           |
        book rain                        | 0.5x2 /
        time 6                           | #1 ends DEAD_MAN, #2 ends DEAD_MAN, \
                                           dead man of ann ends 2
        show ann                         | 100 + 0
        # Firing lifts it, so what comes later stays.
        ann buy 1 YES 0.50               | #4 rests
        time 100                         |
        book rain                        | 0.5x2 /
    """
    )


def test_an_order_that_comes_at_the_deadline_comes_after_it() -> None:
    play(
        START
        + """
        ann heartbeat 1000               | dead man at 1
        ann buy 1 YES 0.50               | #1 rests
        time 1                           | #1 ends DEAD_MAN, dead man of ann ends 1
        ann buy 1 YES 0.50               | #2 rests
        book rain                        | 0.5x1 /
    """
    )


def test_zero_lifts_the_switch_and_other_timeouts_are_refused() -> None:
    play(
        START
        + """
        ann heartbeat 60000              | dead man at 60
        ann heartbeat 999                | INVALID_AMOUNT
        ann heartbeat 60001              | INVALID_AMOUNT
        nobody heartbeat 1000            | ACCOUNT_NOT_FOUND
        ann heartbeat 0                  | dead man lifted
        ann heartbeat 0                  | dead man lifted
        ann buy 1 YES 0.50               | #1 rests
        time 70                          |
        book rain                        | 0.5x1 /
    """
    )


SHUT = [f"status rain {status.value}" for status in MarketStatus if status.value.endswith("HALT")]
SHUT += ["status rain HALTED", "status rain POST_ONLY"]
SHUT += [f"mode {mode.value}" for mode in ExchangeMode if mode is not ExchangeMode.OPEN]


@pytest.mark.parametrize("shut", SHUT)
def test_both_work_where_no_cancel_does(shut: str) -> None:
    run = play(
        START
        + """
        ann heartbeat 2000               | dead man at 2
        ann buy 1 YES 0.50               | #1 rests
        bob buy 1 YES 0.50 session=1     | #2 rests
        bob buy 1 YES 0.50 session=2     | #3 rests
    """
    )
    run.line(shut)
    assert run.line("bob leaves 1") == "#2 ends DISCONNECTED, session 1 ends 1"
    assert run.line("time 2") == "#1 ends DEAD_MAN, dead man of ann ends 1"
    assert run.line("time 10") == "#3 ends DISCONNECTED, session 2 ends 1, lease ends"
    assert run.line("book rain") == "/"


def test_what_is_due_at_one_moment_comes_in_its_order() -> None:
    play("""
        open ann 100                             | opened, ann +100
        open bob 100                             | opened, bob +100
        list rain                                | rain OPEN
        list snow close=10                       | snow OPEN
        ann heartbeat 10000                      | dead man at 10
        ann buy 1 YES 0.50 GTD until=10          | #1 rests
        ann buy 1 YES 0.40                       | #2 rests
        bob buy 1 YES 0.30 session=1             | #3 rests
        bob buy 1 YES 0.30 on=snow               | #4 rests
        time 10                                  | snow CLOSED, #4 ends MARKET_CLOSED; \
                                                   #1 ends EXPIRED; \
                                                   #2 ends DEAD_MAN, dead man of ann ends 1; \
                                                   #3 ends DISCONNECTED, session 1 ends 1, \
                                                   lease ends
    """)


def test_only_what_came_by_the_session_ends_with_it() -> None:
    play(
        START
        + """
        ann buy 1 YES 0.50 session=1     | #1 rests
        ann buy 1 YES 0.50               | #2 rests
        ann buy 1 YES 0.50 session=2     | #3 rests
        bob buy 1 YES 0.50 session=1     | #4 rests
        ann leaves 3                     | session 3 ends 0
        ann leaves 1                     | #1 ends DISCONNECTED, session 1 ends 1
        ann leaves 1                     | session 1 ends 0
        book rain                        | 0.5x3 /
        # An amend leaves the tie as it is.
        ann amend #3 price=0.51          | #3 amended to rest
        ann leaves 2                     | #3 ends DISCONNECTED, session 2 ends 1
        nobody leaves 1                  | ACCOUNT_NOT_FOUND
    """
    )


def test_a_lease_that_isnt_renewed_ends_the_sessions_one_by_one() -> None:
    play(
        START
        + """
        ann buy 1 YES 0.50 session=2     | #1 rests
        bob buy 1 YES 0.50 session=1     | #2 rests
        time 3                           |
        lease                            | lease until 13
        time 12                          |
        lease                            | lease until 22
        time 21                          |
        book rain                        | 0.5x2 /
        time 22                          | #2 ends DISCONNECTED, session 1 ends 1; \
                                           #1 ends DISCONNECTED, session 2 ends 1, lease ends
        # A gateway that is heard again has a lease again, with its next tied order at the latest.
        ann buy 1 YES 0.50 session=2     | #3 rests
        time 32                          | #3 ends DISCONNECTED, session 2 ends 1, lease ends
    """
    )


def test_a_lease_of_nobody_just_ends() -> None:
    play(
        START
        + """
        lease                            | lease until 10
        time 10                          | lease ends
        time 30                          |
    """
    )


def test_shares_that_come_free_are_netted() -> None:
    play(
        START
        + """
        ann buy 2 YES 0.50               | #1 rests
        bob buy 2 NO 0.50                | #2, MINT 2 at 0.5 with #1
        ann sell 2 YES 0.90 session=1    | #3 rests
        bob sell 2 NO 0.40               | #4 rests
        ann buy 2 NO 0.40                | #5, TRANSFER 2 at 0.4 with #4
        ann leaves 1                     | #3 ends DISCONNECTED, ann nets 2, session 1 ends 1
    """
    )


def test_what_a_dead_man_switch_frees_is_netted() -> None:
    play(
        START
        + """
        ann buy 2 YES 0.50               | #1 rests
        bob buy 2 NO 0.50                | #2, MINT 2 at 0.5 with #1
        ann sell 2 YES 0.90              | #3 rests
        bob sell 2 NO 0.40               | #4 rests
        ann buy 2 NO 0.40                | #5, TRANSFER 2 at 0.4 with #4
        ann heartbeat 1000               | dead man at 1
        time 1                           | #3 ends DEAD_MAN, ann nets 2, dead man of ann ends 1
    """
    )


def test_a_retry_over_another_connection_is_the_same_order() -> None:
    pair = play(START).pair
    order = PlaceOrder(1, 1, BUY, YES, LIMIT, 5_000, 100, GTC, client_order_id="a")
    tied = msgspec.structs.replace(order, conditions=OrderConditions(session=(GATEWAY, 1)))
    other = msgspec.structs.replace(order, conditions=OrderConditions(session=(GATEWAY, 2)))
    assert fingerprint(order) == fingerprint(tied) == fingerprint(other)
    post_only = OrderConditions(post_only=True, session=(GATEWAY, 1))
    asked = msgspec.structs.replace(order, conditions=OrderConditions(post_only=True))
    assert fingerprint(msgspec.structs.replace(order, conditions=post_only)) == fingerprint(asked)
    assert fingerprint(asked) != fingerprint(order)
    first = pair.run(0, tied)[0]
    for again in (order, other):
        assert pair.run(0, again)[0].events == [CommandReplayed(first.seq)]
    # It stays with the connection that placed it.
    assert pair.state.tied.keys() == {GATEWAY}


def test_a_gateway_of_many_sessions_ends_by_a_command_for_each() -> None:
    pair: Pair = play(START).pair
    order = PlaceOrder(1, 1, BUY, YES, LIMIT, 100, 1, GTC)
    for session in reversed(range(50)):
        tied = OrderConditions(session=(GATEWAY, session))
        pair.run(0, msgspec.structs.replace(order, conditions=tied), compare=False)
    done = pair.run_timers(10_000_000)
    assert [execution.command for execution in done] == [EndLease(GATEWAY)] * 50
    # One after the other by their numbers, however they came; each is found at once.
    ended = [event for one in done for event in one.events if isinstance(event, SessionEnded)]
    assert [event.session for event in ended] == list(range(50))
    assert done[-1].events[-1] == LeaseEnded(GATEWAY)
    assert not pair.state.orders
    assert SetDeadMan.urgent
