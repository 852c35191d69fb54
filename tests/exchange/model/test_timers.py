"""Which timer is next: by due time, then kind, then id."""

from enum import Enum
from typing import Any

import pytest
from sortedcontainers import SortedList

from exchange.compiled import COMPILED
from exchange.messages.commands import CancelAll, CloseMarket
from exchange.model import timers as module
from exchange.model.timers import CLOSING, Timers


class Later(Enum):
    """A kind that runs after closings."""

    EXPIRY = "expiry"


def test_nothing_is_due_when_nothing_is_set() -> None:
    timers = Timers()
    assert timers.next_due() is None
    assert timers.first_due(10**18) is None


def test_the_earliest_is_first_and_of_one_moment_the_lowest_id() -> None:
    timers = Timers()
    for due, id_ in ((30, 1), (20, 9), (20, 4)):
        timers.set(CLOSING, due, id_)
    assert list(timers.of(CLOSING)) == [(20, 4), (20, 9), (30, 1)]
    assert timers.next_due() == 20
    assert timers.first_due(19) is None
    assert timers.first_due(20) == CloseMarket(4)
    timers.unset(CLOSING, 20, 4)
    assert timers.first_due(20) == CloseMarket(9)
    with pytest.raises(ValueError, match="not in list"):
        timers.unset(CLOSING, 20, 4)


@pytest.mark.skipif(COMPILED, reason="a compiled core takes its own kinds alone")
def test_of_one_moment_kinds_run_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: dict[Any, Any] = module._COMMANDS
    monkeypatch.setitem(commands, Later.EXPIRY, lambda id_: CancelAll(id_, None))
    timers = Timers()
    lists: dict[Any, Any] = timers._set
    lists[Later.EXPIRY] = SortedList([(10, 7), (20, 1)])
    timers.set(CLOSING, 20, 5)
    ran = []
    while (command := timers.first_due(20)) is not None:
        ran.append(command)
        kind: Any = CLOSING if isinstance(command, CloseMarket) else Later.EXPIRY
        timers.unset(kind, *timers.of(kind)[0])
    assert ran == [CancelAll(7, None), CloseMarket(5), CancelAll(1, None)]
