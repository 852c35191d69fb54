"""How many commands a second does the core run on one thread, with escrow, ledger and events?

The flow of `flow.py` on one market: the account is the order's id modulo 1000, selling is buying
NO, so that every trade mints a pair and every account that bought both sides is netted. Ledger
entries are derived for every command, as the journal does, and the dirty lists are cleared every
256 commands, as a batch does. The garbage collector is set as the server sets it. Self-trade
prevention changes the flow a little: about one fill in a thousand would be with oneself.
"""

import time

from benchmarks.flow import Add, Cancel, order_flow
from benchmarks.report import Figure
from exchange import ledger
from exchange.commands import CancelOrder, Command, CreateMarket, OpenAccount, PlaceOrder
from exchange.engine import Engine
from exchange.state import State
from exchange.terms import BUY, GTC, LIMIT, NO, YES, FeeModel, SelfTradePrevention
from gateway import garbage

ACCOUNTS = 1_000
ROUNDS = 7
BATCH = 256
_FAR = 10**15
_MAKER = SelfTradePrevention.CANCEL_MAKER


def opened_engine() -> Engine:
    """Return an engine with funded accounts and one open market of tick 0.01 without fees."""
    engine = Engine(State())
    engine.run(1, [OpenAccount(account + 1, 10**12) for account in range(ACCOUNTS)])
    terms = ("bench", "Which is faster?", "", "", _FAR, 100, 1, 0, 0, FeeModel.FLAT, False)
    engine.run(1, [CreateMarket(*terms)])
    return engine


def commands(flow: list[Add | Cancel]) -> list[Command]:
    """Translate the flow for market 1."""
    return [_command(step) for step in flow]


def _command(step: Add | Cancel) -> Command:
    account = step.id % ACCOUNTS + 1
    if isinstance(step, Cancel):
        return CancelOrder(account, step.id)
    price, outcome = (step.price, YES) if step.buy else (100 - step.price, NO)
    return PlaceOrder(
        account, 1, BUY, outcome, LIMIT, price * 100, step.quantity * 100, GTC, _MAKER
    )


def one_round(batch: list[Command], *, with_ledger: bool) -> float:
    """Return commands per second over the whole flow."""
    engine = opened_engine()
    execute, dirty = engine.execute, engine.state.dirty
    started = time.perf_counter()
    for first in range(0, len(batch), BATCH):
        for command in batch[first : first + BATCH]:
            execution = execute(2, command)
            if with_ledger:
                ledger.entries(execution.events)
        dirty.clear()
    return len(batch) / (time.perf_counter() - started)


def measure() -> list[Figure]:
    """Return commands/s with events and escrow, and with the ledger entries too."""
    batch = commands(order_flow())
    garbage.settle()
    bare = [one_round(batch, with_ledger=False) for _ in range(ROUNDS)]
    whole = [one_round(batch, with_ledger=True) for _ in range(ROUNDS)]
    return [
        Figure("core: escrow and events", "commands/s", bare),
        Figure("core: escrow, events, ledger entries", "commands/s", whole, floor=150_000),
    ]
