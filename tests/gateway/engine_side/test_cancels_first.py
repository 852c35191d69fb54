"""Behind a takeover cancels come first, then post-only orders, then everything."""

import asyncio
from typing import Any

import pytest

from exchange.messages.commands import (
    AmendOrder,
    BatchOrders,
    CancelAll,
    CancelOrder,
    Command,
    CreditAccount,
    NamedOrder,
    PlaceOco,
    PlaceOrder,
    SetDeadMan,
)
from exchange.messages.terms import BUY, GTC, LIMIT, YES, ExchangeMode
from exchange.model.state import State
from gateway.bootstrap.settings import load_settings
from gateway.engine_side import running
from gateway.engine_side.cancels_first import CancelsFirst, Takeover
from gateway.wire.failures import answer_of
from persistence.errors import CancelsOnly
from persistence.loop.ports import Answer

ORDER = PlaceOrder(1, 1, BUY, YES, LIMIT, 4_000, 100, GTC)
CANCEL = CancelOrder(1, 7)


class Taken:
    """A `CommandPort` that notes what it takes."""

    is_open = True

    def __init__(self) -> None:
        self.commands: list[Command] = []

    def submit(self, command: Command) -> "asyncio.Future[Answer]":
        self.commands.append(command)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        future.set_result(Answer(1, 1, [], 0, 0))
        return future


@pytest.mark.parametrize(
    "command",
    [
        CANCEL,
        CancelAll(1, None, None, None),
        SetDeadMan(1, 5_000),
        CreditAccount(1, 10, "for nothing", None),
        BatchOrders(1, (CANCEL, NamedOrder(1, "a", CancelOrder(1, 0)))),
    ],
    ids=lambda command: type(command).__name__,
)
async def test_what_makes_nobodys_risk_larger_is_taken_at_once(command: Command) -> None:
    taken = Taken()
    CancelsFirst(taken, 5).submit(command)
    assert taken.commands == [command]


@pytest.mark.parametrize(
    "command",
    [
        ORDER,
        AmendOrder(1, 7, 4_100, None),
        PlaceOco(1, ORDER, ORDER),
        BatchOrders(1, (CANCEL, ORDER)),
        BatchOrders(1, (NamedOrder(1, "a", AmendOrder(1, 0, 4_100, None)),)),
    ],
    ids=lambda command: type(command).__name__,
)
async def test_an_order_is_taken_when_the_time_is_over(command: Command) -> None:
    taken, now = Taken(), 100.0
    port = CancelsFirst(taken, 5, lambda: now)
    with pytest.raises(CancelsOnly, match=r"takes cancels alone for 5\.0 s; nothing happened"):
        port.submit(command)
    assert port.is_open
    now = 105.0
    port.submit(command)
    assert taken.commands == [command]


async def test_its_sender_is_told_to_come_again() -> None:
    answer = answer_of(CancelsOnly("Another engine has just taken over"))
    assert answer is not None
    assert (answer.status, str(answer)) == (503, "Another engine has just taken over")


@pytest.mark.parametrize(
    ("takeover", "mode", "seconds"),
    [
        ((1, 2), ExchangeMode.OPEN, [3]),
        ((0, 2), ExchangeMode.OPEN, [2]),
        ((1, 0), ExchangeMode.OPEN, []),
        ((60, 86_400), ExchangeMode.OPEN, [86_400]),
        ((1, 2), ExchangeMode.CANCEL_ONLY, []),
        (None, ExchangeMode.OPEN, [9]),
    ],
)
async def test_post_only_orders_come_behind_it_but_what_an_admin_said_stays(
    takeover: tuple[int, int] | None, mode: ExchangeMode, seconds: list[int]
) -> None:
    taken, logger = Taken(), _Logger()
    settings = load_settings({"POST_ONLY_AFTER_RESTART_SECONDS": "9"}).engine
    one = None if takeover is None else Takeover(_nobody, *takeover)
    view = State(seq=5, mode=mode)
    await running._hold_takers_back(taken, view, settings, one, logger)
    assert [command.seconds for command in taken.commands] == seconds  # type: ignore[union-attr]


async def _nobody(*_known: Any, **_more: Any) -> Any:
    raise AssertionError


class _Logger:
    """Says nothing."""

    def __getattr__(self, _name: str) -> Any:
        return lambda *_, **__: None
