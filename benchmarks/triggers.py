"""What does a cascade of stops cost: how many orders a second are triggered, once a price is there?

One trade reaches `STOPS` orders that wait, each of which then sells a share to a bid. They are
triggered one after the other, by commands of the engine's own. Beside them, in the same run and in
turn with them, run as many plain MARKET orders that sell the same shares to the same bid; each
round the holder buys new ones, and the price is back where nothing is due.

    core               the rules alone, ledger entries included
    engine + journal   from the command that reaches them until the last one is committed and seen
"""

import asyncio
import gc
import time
from collections.abc import Iterable
from typing import Final

import uvloop

from benchmarks.engine_journal import submit_all
from benchmarks.harness.report import Figure, Yardstick
from benchmarks.loads.exchange_flow import fresh_database, own_server
from exchange.engine import Engine
from exchange.messages.commands import Command, CreateMarket, OpenAccount, PlaceOrder
from exchange.messages.conditions import OrderConditions
from exchange.messages.execution import Execution
from exchange.messages.terms import (
    BUY,
    GTC,
    IOC,
    LIMIT,
    MARKET,
    NO,
    SELL,
    STOP,
    YES,
    FeeModel,
    Outcome,
)
from exchange.model.state import State
from exchange.proof import ledger
from gateway.bootstrap import garbage
from persistence.loop.recovery import recover
from persistence.loop.sequencer import Sequencer
from persistence.postgres.database import create_pool

STOPS: Final = 5_000
ROUNDS: Final = 5
SHARE: Final = 100
CORE_AT_LEAST: Final = 0.4
JOURNAL_AT_LEAST: Final = 0.3
_FAR: Final = 10**17
_CASH: Final = 10**15
_HOLDER, _OTHER, _BIDDER = 1, 2, 3


def opening() -> list[Command]:
    """Return three accounts with money and a market without fees."""
    terms = ("Which is faster?", "", "", _FAR, 100, 1, 0, 0, FeeModel.FLAT, False)
    accounts = [OpenAccount(account, _CASH) for account in (_HOLDER, _OTHER, _BIDDER)]
    return [*accounts, CreateMarket("bench", *terms)]


def limit(account: int, outcome: Outcome, price: int, shares: int) -> PlaceOrder:
    """Return a bid of so many shares."""
    return PlaceOrder(account, 1, BUY, outcome, LIMIT, price, shares * SHARE, GTC)


def plain_orders() -> list[Command]:
    """Return orders that sell a share each, now."""
    return [PlaceOrder(_HOLDER, 1, SELL, YES, MARKET, None, SHARE, IOC)] * STOPS


def stops() -> list[Command]:
    """Return orders that sell a share each once the price is 0.45."""
    terms = OrderConditions(trigger_price=4_500)
    return [PlaceOrder(_HOLDER, 1, SELL, YES, STOP, None, SHARE, IOC, conditions=terms)] * STOPS


def stocking() -> list[Command]:
    """Return what gives the holder shares to sell, and bids for them at 0.40."""
    bought = limit(_HOLDER, YES, 5_000, STOPS), limit(_OTHER, NO, 5_000, STOPS)
    return [*bought, limit(_BIDDER, YES, 4_000, STOPS)]


def fall() -> list[Command]:
    """Return a trade at 0.45."""
    return [limit(_BIDDER, YES, 4_500, 1), limit(_OTHER, NO, 5_500, 1)]


def core_round() -> tuple[float, float]:
    """Return triggers and plain orders a second of the rules alone."""
    engine = Engine(State())
    engine.run(1, [*opening(), *stocking(), *stops(), *fall()])
    triggered = _timed(iter(lambda: engine.run_triggers(2, 32), []))
    engine.state.dirty.clear()
    plain = plain_orders()
    engine.run(3, stocking())
    slices = (plain[first : first + 32] for first in range(0, STOPS, 32))
    placed = _timed(engine.run(3, part) for part in slices)
    engine.state.dismantle()
    return triggered, placed


def _timed(parts: Iterable[list[Execution]]) -> float:
    started = time.perf_counter()
    for executions in parts:
        for execution in executions:
            ledger.entries(execution.events)
    return STOPS / (time.perf_counter() - started)


class Cascade:
    """A listener that knows when everything that was due has been triggered and seen."""

    def __init__(self) -> None:
        self.over = asyncio.Event()

    def on_execution(self, _execution: Execution, view: State) -> None:
        """Look whether anything is left."""
        if not view.due and view.markets and view.markets[1].waiting is None:
            self.over.set()


async def journal_rounds() -> tuple[list[float], list[float]]:
    """Return triggers and plain orders a second with everything committed, round by round."""
    triggered, placed = [], []
    async with own_server() as server:
        url = await fresh_database(server, "triggers")
        cascade, pool = Cascade(), await create_pool(url, size=2)
        sequencer = Sequencer(await recover(url), pool, listeners=[cascade])
        sequencer.start()
        garbage.settle()
        await submit_all(sequencer, opening())
        for turn in range(ROUNDS + 1):
            gc.collect()
            await submit_all(sequencer, [*stocking(), *stops()])
            cascade.over.clear()
            started = time.perf_counter()
            await submit_all(sequencer, fall())
            await cascade.over.wait()
            cascaded = time.perf_counter() - started
            await submit_all(sequencer, stocking())
            started = time.perf_counter()
            await submit_all(sequencer, plain_orders())
            if turn:
                # The first round of each isn't counted.
                triggered.append(STOPS / cascaded)
                placed.append(STOPS / (time.perf_counter() - started))
        await sequencer.stop()
        await pool.close()
    return triggered, placed


def measure() -> list[Figure]:
    """Return triggers/s of the core and of engine + journal, beside plain orders."""
    garbage.settle()
    rounds = [core_round() for _ in range(ROUNDS)]
    core, plain = ([one[kind] for one in rounds] for kind in (0, 1))
    journaled, placed = uvloop.run(journal_rounds())
    name, unit = "as many plain MARKET orders", "triggers/s"
    return [
        Figure(
            f"a cascade of {STOPS:,} stops: core",
            unit,
            core,
            "",
            Yardstick(name, plain, at_least=CORE_AT_LEAST),
        ),
        Figure(
            f"a cascade of {STOPS:,} stops: engine + journal",
            unit,
            journaled,
            "from the trade that reaches them until the last one is committed and seen",
            Yardstick(name, placed, at_least=JOURNAL_AT_LEAST),
        ),
    ]
