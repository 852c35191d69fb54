"""Which timer is next: by due time, then kind, then id."""

import pytest

from exchange.messages.commands import (
    CloseMarket,
    EndLease,
    ExpireOrder,
    FireDeadMan,
    PayHolders,
)
from exchange.model.timers import CLOSING, DEAD_MAN, EXPIRY, LEASE, PAYOUT, Timers

KINDS = {
    CLOSING: CloseMarket,
    EXPIRY: ExpireOrder,
    DEAD_MAN: FireDeadMan,
    LEASE: EndLease,
    PAYOUT: PayHolders,
}


def test_nothing_is_due_when_nothing_is_set() -> None:
    timers = Timers()
    assert timers.next_due() is None
    assert timers.first_due(10**18) is None


def test_the_earliest_is_first_and_of_one_moment_the_lowest_id() -> None:
    timers = Timers()
    for due, id_ in ((30, 1), (20, 9), (20, 4)):
        timers.set(CLOSING, due, id_)
    assert list(timers.of(CLOSING)) == [(20, 4), (20, 9), (30, 1)]
    assert (timers.next_due(), timers.next_due(20), timers.next_due(19)) == (20, 20, None)
    assert timers.first_due(19) is None
    assert timers.first_due(20) == CloseMarket(4)
    timers.unset(CLOSING, 20, 4)
    assert timers.first_due(20) == CloseMarket(9)
    with pytest.raises(ValueError, match="not in list"):
        timers.unset(CLOSING, 20, 4)


def test_of_one_moment_kinds_run_in_their_order() -> None:
    timers = Timers()
    of_one_moment = (PAYOUT, 3), (DEAD_MAN, 1), (CLOSING, 5), (LEASE, 2), (EXPIRY, 4)
    for kind, id_ in ((EXPIRY, 7), *of_one_moment):
        timers.set(kind, 10 if id_ == 7 else 20, id_)
    ran = []
    while (command := timers.first_due(20)) is not None:
        ran.append(command)
        kind = next(one for one, made in KINDS.items() if isinstance(command, made))
        timers.unset(kind, *timers.of(kind)[0])
    wanted = [ExpireOrder(7), CloseMarket(5), ExpireOrder(4), FireDeadMan(1), EndLease(2)]
    assert ran == [*wanted, PayHolders(3)]


def test_what_was_set_and_taken_back_is_due_no_more() -> None:
    timers = Timers()
    timers.set(CLOSING, 30, 1)
    timers.set(PAYOUT, 10, 2)
    assert (timers.next_due(), timers.is_due(29)) == (30, False)
    assert (timers.is_left(9), timers.is_left(10)) == (False, True)
    timers.set(EXPIRY, 20, 3)
    timers.unset(EXPIRY, 20, 3)
    timers.unset(PAYOUT, 10, 2)
    assert (timers.next_due(25), timers.next_due(), timers.is_left(10**15)) == (None, 30, False)
