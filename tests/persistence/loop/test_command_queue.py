"""Who overtakes whom before commands are stamped, and what a full queue says."""

import asyncio
import random
from collections import defaultdict
from typing import Any, get_args

import pytest

from exchange.messages.command_bases import NO_ACCOUNT
from exchange.messages.commands import (
    CancelAll,
    CancelOrder,
    CloseAccount,
    Command,
    CreditAccount,
    EndSession,
    SetDeadMan,
    SetExchangeMode,
    SuspendAccount,
)
from exchange.messages.group_commands import ResetOrderGroup
from exchange.messages.limit_commands import SetAccountLimits
from exchange.messages.terms import ExchangeMode
from persistence.errors import QueueFull
from persistence.loop.command_queue import CommandQueue, Waiting
from tests.persistence.running import ANN, BOB, cancel, limit

HALT = SetExchangeMode(ExchangeMode.HALTED)
ENDING_OR_ADMIN = (
    *(CancelOrder, CancelAll, SetDeadMan, EndSession, SuspendAccount, CloseAccount),
    ResetOrderGroup,
    SetAccountLimits,
)
"""Commands of an account that others' need not wait for."""


def queue_of(*commands: Command, bound: int = 100) -> CommandQueue:
    queue = CommandQueue(bound)
    for command in commands:
        queue.put(Waiting(command, asyncio.Future()))
    return queue


def order_of(queue: CommandQueue) -> list[Command]:
    return [waiting.command for waiting in queue.take(100)]


async def test_orders_keep_their_order() -> None:
    orders = [limit(ANN, 50, 1), limit(BOB, 50, 1), limit(ANN, 51, 1)]
    assert order_of(queue_of(*orders)) == orders


async def test_a_cancel_overtakes_other_accounts() -> None:
    order, quick = limit(ANN, 50, 1), cancel(BOB, 7)
    assert order_of(queue_of(order, quick)) == [quick, order]


async def test_a_cancel_never_overtakes_its_own_account() -> None:
    order, later = limit(ANN, 50, 1), cancel(ANN, 7)
    assert order_of(queue_of(order, later)) == [order, later]


async def test_an_order_after_a_cancel_comes_after_it() -> None:
    quick, order, again = cancel(ANN, 7), limit(ANN, 50, 1), CancelAll(ANN, None)
    other = limit(BOB, 50, 1)
    assert order_of(queue_of(other, quick, order, again)) == [quick, other, order, again]


async def test_an_admin_overtakes_everybody_but_other_admins() -> None:
    order, first, second = limit(ANN, 50, 1), HALT, SetExchangeMode(ExchangeMode.OPEN)
    assert order_of(queue_of(order, first, second)) == [first, second, order]


async def test_a_credit_keeps_its_place_in_its_account() -> None:
    order, credit = limit(ANN, 50, 1), CreditAccount(ANN, 1, "gift")
    assert order_of(queue_of(order, credit)) == [order, credit]


async def test_an_account_whose_orders_are_taken_may_overtake_again() -> None:
    queue = queue_of(limit(ANN, 50, 1), limit(BOB, 50, 1))
    queue.take(1)
    quick = cancel(ANN, 7)
    queue.put(Waiting(quick, asyncio.Future()))
    assert order_of(queue)[0] == quick


async def test_a_cancel_goes_right_behind_what_its_own_account_sent_before() -> None:
    order, others = limit(ANN, 50, 1), [limit(BOB, 50, n) for n in range(1, 4)]
    first, second, later = cancel(ANN, 7), cancel(ANN, 8), limit(ANN, 51, 1)
    queue = queue_of(others[0], order, *others[1:], first, second, later)
    assert order_of(queue) == [others[0], order, first, second, *others[1:], later]


async def test_a_taking_may_end_between_an_order_and_the_cancels_behind_it() -> None:
    order, first, second = limit(ANN, 50, 1), cancel(ANN, 7), cancel(ANN, 8)
    other, later, halt = limit(BOB, 50, 1), cancel(ANN, 9), HALT
    queue = queue_of(order, other, first, second)
    assert [waiting.command for waiting in queue.take(2)] == [order, first]
    for command in (later, halt):
        queue.put(Waiting(command, asyncio.Future()))
    assert len(queue) == 4
    assert order_of(queue) == [second, later, halt, other]
    assert len(queue) == 0


async def test_a_full_lane_takes_nothing_and_leaves_the_other_one_open() -> None:
    queue = queue_of(limit(ANN, 50, 1), limit(BOB, 50, 1), bound=2)
    with pytest.raises(QueueFull, match="2 commands are waiting"):
        queue.put(Waiting(limit(BOB, 50, 1), asyncio.Future()))
    for command in (HALT, cancel(BOB, 7)):
        queue.put(Waiting(command, asyncio.Future()))
    with pytest.raises(QueueFull, match="2 cancels are waiting"):
        queue.put(Waiting(cancel(BOB, 8), asyncio.Future()))
    assert len(queue) == 4
    queue.take(1)
    queue.put(Waiting(cancel(BOB, 8), asyncio.Future()))
    assert len(queue) == 4


async def test_who_has_something_before_the_queue_passes_nobody() -> None:
    cancels: list[Command] = [cancel(ANN, 1), cancel(BOB, 2), cancel(ANN, 3), cancel(BOB, 4), HALT]
    queue = queue_of(limit(7, 50, 1), *cancels)
    passing = queue.take_urgent({ANN}, 2)
    assert [waiting.command for waiting in passing] == [cancels[1], cancels[3]]
    assert len(queue) == 4
    assert order_of(queue) == [cancels[0], cancels[2], HALT, limit(7, 50, 1)]


async def test_no_order_of_any_account_is_changed_by_overtaking() -> None:
    rng = random.Random(19)
    queue = CommandQueue(40)
    sent, got = defaultdict[int, list[Command]](list), defaultdict[int, list[Command]](list)

    def took(waiting: list[Waiting]) -> None:
        for each in waiting:
            got[each.command.account_id].append(each.command)

    for number in range(20_000):
        account = rng.randint(1, 4)
        command = cancel(account, number) if rng.random() < 0.5 else limit(account, 50, number + 1)
        try:
            queue.put(Waiting(command, asyncio.Future()))
            sent[account].append(command)
        except QueueFull:
            pass
        if rng.random() < 0.1:
            took(queue.take(rng.randint(1, 12)))
        if rng.random() < 0.1:
            took(queue.take_urgent(set(), rng.randint(1, 3)))
    took(queue.take(100))
    assert got == sent
    assert sum(map(len, sent.values())) > 10_000
    assert not queue.has_urgent


@pytest.mark.parametrize("kind", get_args(Command), ids=lambda kind: str(kind.__name__))
def test_every_command_says_whose_it_is_and_whether_it_may_overtake(kind: Any) -> None:
    of_account = "account_id" in kind.__struct_fields__
    assert of_account or kind.account_id == NO_ACCOUNT
    assert kind.urgent is (not of_account or kind in ENDING_OR_ADMIN)
