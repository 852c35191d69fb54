"""A running engine over a real database, and short ways to ask it for things.

Defaults are such that what a test sets matters to it: no fees, a tick of 0.01, GTC limit orders,
accounts with plenty of cash.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

from exchange.messages.bounds import MONEY_SCALE
from exchange.messages.commands import (
    CancelOrder,
    Command,
    CreateMarket,
    OpenAccount,
    PlaceOrder,
)
from exchange.messages.events import Event
from exchange.messages.execution import Execution
from exchange.messages.terms import BUY, GTC, LIMIT, YES, FeeModel, Outcome, Side
from exchange.model.state import State
from exchange.proof.state_hash import state_hash
from persistence.clock import now_us
from persistence.loop.ports import Answer, ExecutionListener
from persistence.loop.recovery import Recovered, recover
from persistence.loop.sequencer import Sequencer
from persistence.postgres.database import Connection, DeadlinePool, connect, create_pool

ANN, BOB, CEM = 1, 2, 3
CASH = 10_000 * MONEY_SCALE
HOUR = 3_600_000_000


class Recorder:
    """A listener that keeps what it hears, and the view's balances right then."""

    def __init__(self) -> None:
        self.executions: list[Execution] = []
        self.dirty_orders: list[list[int]] = []

    def on_execution(self, execution: Execution, view: State) -> None:
        assert view.seq == execution.seq
        self.executions.append(execution)
        self.dirty_orders.append([order.id for order in view.dirty.orders])

    def events(self, seq: int) -> list[Event]:
        return next(e.events for e in self.executions if e.seq == seq)


class Clock:
    """The real clock until it is set."""

    def __init__(self) -> None:
        self.fixed: int | None = None

    def __call__(self) -> int:
        return now_us() if self.fixed is None else self.fixed


class Running:
    """An engine that runs."""

    def __init__(
        self, recovered: Recovered, sequencer: Sequencer, pool: DeadlinePool, clock: Clock
    ) -> None:
        self.recovered = recovered
        self.sequencer = sequencer
        self.pool = pool
        self.clock = clock
        self.heard = Recorder()

    @property
    def live(self) -> State:
        return self.sequencer._engine.state

    @property
    def view(self) -> State:
        return self.recovered.view

    async def send(self, command: Command) -> Answer:
        return await self.sequencer.submit(command)

    async def send_all(self, *commands: Command) -> list[Answer]:
        """Send at once, so that they come into one batch or two, and wait for all."""
        return await asyncio.gather(*[self.sequencer.submit(command) for command in commands])

    async def backend(self) -> int:
        return self.recovered.connection.get_server_pid()

    def crash(self) -> None:
        """Die as a killed process does: nothing more is said to anybody."""
        task = self.sequencer._task
        assert task is not None
        task.cancel()
        if self.sequencer._commit is not None:
            self.sequencer._commit.cancel()
        self.recovered.connection.terminate()
        self.sequencer.failed.cancel()


@contextlib.asynccontextmanager
async def running(
    url: str,
    data_dir: Path | None = None,
    *,
    take_over: bool = False,
    listeners: Sequence[ExecutionListener] = (),
    **options: Any,
) -> AsyncIterator[Running]:
    """Recover and run; stop cleanly unless it crashed."""
    recovered = await recover(url, data_dir, take_over=take_over)
    pool = await create_pool(url, size=4)
    clock = Clock()
    heard = Recorder()
    sequencer = Sequencer(recovered, pool, listeners=[heard, *listeners], clock=clock, **options)
    sequencer.start()
    engine = Running(recovered, sequencer, pool, clock)
    engine.heard = heard
    try:
        yield engine
    finally:
        if not sequencer.failed.cancelled():
            await sequencer.stop()
        await pool.close()


@contextlib.asynccontextmanager
async def commits_held(url: str) -> AsyncIterator[Connection]:
    """Keep every commit waiting until the block ends; yields the connection that is in its way."""
    blocker = await connect(url)
    try:
        async with blocker.transaction():
            await blocker.execute("SELECT 1 FROM engine_state FOR UPDATE")
            yield blocker
    finally:
        await blocker.close()


async def open_for_trade(engine: Running, **market: Any) -> None:
    """Open three accounts and market 1."""
    await engine.send_all(
        *(OpenAccount(account, CASH) for account in (ANN, BOB, CEM)), listing(**market)
    )


def listing(slug: str = "rain", close_in: int = HOUR, **changes: Any) -> CreateMarket:
    """A market of an hour without fees."""
    terms: dict[str, Any] = {
        "slug": slug,
        "question": "Will it rain?",
        "description": "",
        "category": "weather",
        "close_time": now_us() + close_in,
        "tick_size": 100,
        "min_quantity": 1,
        "maker_fee": 0,
        "taker_fee": 0,
        "fee_model": FeeModel.FLAT,
        "draft": False,
    }
    return CreateMarket(**(terms | changes))


def limit(
    account: int,
    price: int,
    quantity: int,
    outcome: Outcome = YES,
    *,
    side: Side = BUY,
    market: int = 1,
    id: str | None = None,  # noqa: A002 - the client's own
) -> PlaceOrder:
    """A GTC limit order; the price in cents, the quantity in shares."""
    return PlaceOrder(
        account,
        market,
        side,
        outcome,
        LIMIT,
        price * 100,
        quantity * 100,
        GTC,
        client_order_id=id,
    )


def cancel(account: int, order_id: int) -> CancelOrder:
    return CancelOrder(account, order_id)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so, thirty seconds at most."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what is waited for says nothing by itself
            await asyncio.sleep(0.005)


def hashes(engine: Running) -> tuple[bytes, bytes]:
    """The hash of the live state, and of the view (without the ids that views don't keep)."""
    return state_hash(engine.live), state_hash(engine.view, with_ids=False)
