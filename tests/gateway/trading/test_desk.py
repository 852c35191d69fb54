"""The desk: a command is on its way before anybody waits, and nobody who stops waiting stops it."""

import asyncio
import contextlib
from typing import Any, cast

import msgspec
import pytest

from exchange.messages.commands import CancelAll, CancelOrder, Command, PlaceOrder
from exchange.messages.terms import LIMIT, YES, Side
from exchange.model.order_book import Order
from gateway.engine_side.refusals import EngineRefused
from gateway.trading.desk import SWEEPS_MAX, Desk
from gateway.trading.order_bodies import OrderBody
from gateway.trading.results import JustPlaced
from gateway.trading.views import order_fields
from gateway.wire.errors import RateLimited, UnknownOutcome
from persistence.loop.ports import Answer
from tests.gateway.engine_fake import EngineFake
from tests.gateway.trading_desk import Desk as TradingDesk

ANN = 2


class SlowPort:
    """Takes commands at once and answers when told to."""

    is_open = True

    def __init__(self, engine: EngineFake) -> None:
        self._engine = engine
        self.taken: list[tuple[Command, asyncio.Future[Answer]]] = []

    def submit(self, command: Command) -> asyncio.Future[Answer]:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.taken.append((command, future))
        return future

    async def answer_all(self) -> None:
        for command, future in self.taken:
            answer = await self._engine.submit(command)
            if not future.done():
                future.set_result(answer)


def body(price: bytes = b'"0.50"') -> OrderBody:
    given, quantity = msgspec.Raw(price), msgspec.Raw(b'"1"')
    return OrderBody(Side.BUY, YES, LIMIT, price=given, quantity=quantity)


async def test_commands_are_taken_in_the_order_they_were_handed_in(desk: TradingDesk) -> None:
    port = SlowPort(desk.engine)
    ours = Desk(port, desk.engine.view, desk.engine.history)
    placed = ours.place(ANN, "rain", body())
    cancelled = ours.cancel(ANN, 1)
    everything = ours.cancel_all(ANN, "1")
    assert [type(command) for command, _ in port.taken] == [PlaceOrder, CancelOrder, CancelAll]
    await port.answer_all()
    assert (await placed.result()).order.id == "1"
    # It was not in the view when its cancel was handed in, and is read from the store.
    assert cancelled.look_up is not None
    assert (await cancelled.result()).order.status.value == "CANCELLED"
    assert (await everything.result()).cancelled == 0


async def test_an_order_that_was_told_of_is_shown_as_it_was_told(desk: TradingDesk) -> None:
    told, view = JustPlaced(), desk.engine.view
    ours = Desk(desk.engine, view, desk.engine.history, placed=told)
    sent = ours.place(ANN, "rain", body())
    answer = await sent.answered
    _, *rest = order_fields(view.orders[1], view.markets[1])
    told.tell(answer.seq, answer.at, ("as it was told", *rest))
    assert sent.show(answer).order.id == "as it was told"
    assert sent.show(answer).order.id == "1"


async def test_who_stops_waiting_takes_nothing_back(desk: TradingDesk) -> None:
    port = SlowPort(desk.engine)
    sent = Desk(port, desk.engine.view, desk.engine.history).place(ANN, "rain", body())
    waiting = asyncio.ensure_future(sent.result())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    await port.answer_all()
    assert list(desk.engine.view.orders) == [1]


async def test_no_such_market_takes_nothing(desk: TradingDesk) -> None:
    port = SlowPort(desk.engine)
    ours = Desk(port, desk.engine.view, desk.engine.history)
    for name in ("snow", "9", ""):
        with pytest.raises(EngineRefused, match="no such market"):
            ours.place(ANN, name, body())
        with pytest.raises(EngineRefused, match="no such market"):
            ours.cancel_all(ANN, name)
    assert port.taken == []


async def test_a_committed_cancel_whose_order_cannot_be_read_is_unknown(desk: TradingDesk) -> None:
    class Away:
        async def order(self, _order_id: int) -> Order | None:
            raise ConnectionResetError

    port = SlowPort(desk.engine)
    ours = Desk(port, desk.engine.view, cast("Any", Away()))
    ours.place(ANN, "rain", body())
    sent = ours.cancel(ANN, 1)
    await port.answer_all()
    with pytest.raises(UnknownOutcome):
        await sent.result()


async def test_cancels_of_all_that_come_together_are_one(desk: TradingDesk) -> None:
    """No limit refuses them, so a flood of them must cost the engine one at a time."""
    port = SlowPort(desk.engine)
    ours = Desk(port, desk.engine.view, desk.engine.history)
    ours.place(ANN, "rain", body())
    flood = [ours.cancel_all(ANN, market) for _ in range(500) for market in ("rain", None)]
    assert len(port.taken) == 3
    gone = asyncio.create_task(flood[0].result())
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    await port.answer_all()
    told = [await sent.result() for sent in flood[1:]]
    assert [view.order_ids for view in told[1::2]] == [["1"]] * 499
    assert ours._sweeps == {}
    ours.cancel_all(ANN, None)
    assert len(port.taken) == 4, "what was answered is over"


async def test_a_cancel_of_all_takes_every_order_sent_before_it(desk: TradingDesk) -> None:
    port = SlowPort(desk.engine)
    ours = Desk(port, desk.engine.view, desk.engine.history)
    sent = []
    for number in range(4):
        ours.place(ANN, "rain", body())
        sent += [ours.cancel_all(ANN, None), ours.cancel_all(ANN, None)]
        ours.place(ANN + 1, "rain", body())
        sent.append(ours.cancel_all(ANN, None))
        assert len(port.taken) == 3 * (number + 1)
    await port.answer_all()
    told = [(await one.result()).order_ids for one in sent]
    assert told == [[str(number)] for number in (1, 3, 5, 7) for _ in range(3)]
    assert ours._sweeps == {}


async def test_one_accounts_cancels_of_all_leave_others_their_room(desk: TradingDesk) -> None:
    """Any made-up group is another one, and an order in between begins anew: neither goes past."""
    port = SlowPort(desk.engine)
    ours = Desk(port, desk.engine.view, desk.engine.history)
    taken = 0
    for number in range(100):
        if number % 10 == 0:
            ours.place(ANN, "rain", body())
        with contextlib.suppress(RateLimited):
            ours.cancel_all(ANN, None, group=f"made-up-{number}")
            taken += 1
    assert taken == SWEEPS_MAX
    with pytest.raises(RateLimited, match="at most 64 different cancels of all"):
        ours.cancel_all(ANN, "rain", Side.BUY)
    ours.cancel_all(ANN + 1, None, Side.BUY)
    everything = ours.cancel_all(ANN, None)
    assert len(port.taken) == 10 + SWEEPS_MAX + 2
    await port.answer_all()
    assert len((await everything.result()).order_ids) == 10
    assert (ours._sweeps, ours._sweeping) == ({}, {})
    ours.cancel_all(ANN, None, Side.BUY)


async def test_cancel_all_of_a_side_or_outcome_is_a_command_of_its_own(
    desk: TradingDesk,
) -> None:
    for text in ("BUY YES 1 @ 0.5", "BUY YES 1 @ 0.4", "BUY NO 1 @ 0.4"):
        await desk.rest("ann", text)
    answers = [
        (await desk.call("DELETE", f"/orders?{query}", "ann")).data["orderIds"]
        for query in ("market=rain&side=SELL", "outcome=NO", "side=BUY&outcome=YES&slug=rain")
    ]
    assert answers == [[], ["3"], ["1", "2"]]
    for query, field in (("side=buy", "side"), ("outcome=MAYBE", "outcome")):
        assert (await desk.call("DELETE", f"/orders?{query}", "ann")).fields == [field]
