"""Who overtakes whom before commands are stamped, and what a full queue says."""

import asyncio
from typing import Any, get_args

import pytest

from exchange.messages.commands import (
    NO_ACCOUNT,
    CancelAll,
    CancelOrder,
    Command,
    CreditAccount,
    SetExchangeMode,
)
from exchange.messages.terms import ExchangeMode
from persistence.errors import QueueFull
from persistence.loop.command_queue import CommandQueue, Waiting
from tests.persistence.running import ANN, BOB, cancel, limit

HALT = SetExchangeMode(ExchangeMode.HALTED)


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


async def test_a_full_queue_takes_nothing() -> None:
    queue = queue_of(limit(ANN, 50, 1), limit(BOB, 50, 1), bound=2)
    with pytest.raises(QueueFull, match="2 commands are waiting"):
        queue.put(Waiting(HALT, asyncio.Future()))
    assert len(queue) == 2


@pytest.mark.parametrize("kind", get_args(Command), ids=lambda kind: str(kind.__name__))
def test_every_command_says_whose_it_is_and_whether_it_may_overtake(kind: Any) -> None:
    of_account = "account_id" in kind.__struct_fields__
    assert of_account or kind.account_id == NO_ACCOUNT
    assert kind.urgent is (not of_account or kind in (CancelOrder, CancelAll))
