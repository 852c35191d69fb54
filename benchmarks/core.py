"""How many commands a second does the core run on one thread, with escrow, ledger and events?

The flow of `loads/flow.py` on one market: the account is the order's id modulo 1000, selling is
buying NO, so that every trade mints a pair and every account that bought both sides is netted.
Commands run in slices of 32, as in the sequencer; ledger entries are derived for every command, as
for the journal; the dirty lists are cleared every 256 commands, as after a batch; the garbage
collector is set as in the server. `100 markets`: as many commands, of a flow of its own for each of
100 books, in turn.

Beside it, in the same run and in turn with it, run the books of others (`peers`), which have no
accounts, no escrow and no ledger. The yardstick is the fastest one in Python, also if it finds its
orders' records made, where the core makes its own while it is timed. The core prevents self-trades,
they don't; the note says what that changes in the flow.
"""

import time
from collections import Counter
from collections.abc import Sequence

from benchmarks.harness.report import Figure, Yardstick
from benchmarks.loads.flow import Add, Cancel, Outcome, many_flows, order_flow, outcome_of
from benchmarks.peers.peer_process import PEERS, PeerProcess, running_peers
from exchange.engine import Engine
from exchange.messages.commands import CancelOrder, Command, CreateMarket, OpenAccount, PlaceOrder
from exchange.messages.events import CommandRejected, OrderCancelled, TradeExecuted
from exchange.messages.terms import (
    BUY,
    GTC,
    LIMIT,
    NO,
    YES,
    CancelReason,
    FeeModel,
    SelfTradePrevention,
)
from exchange.model.state import State
from exchange.proof import ledger
from gateway.bootstrap import garbage

ACCOUNTS = 1_000
MARKETS = 100
ROUNDS = 5
SLICE = 32
SLICES_A_BATCH = 8
AT_LEAST = 1.0
_FAR = 10**15
_MAKER = SelfTradePrevention.CANCEL_MAKER


def opened_engine(markets: int = 1) -> Engine:
    """Return an engine with funded accounts and open markets of tick 0.01 without fees."""
    engine = Engine(State())
    engine.run(1, [OpenAccount(account + 1, 10**12) for account in range(ACCOUNTS)])
    terms = ("Which is faster?", "", "", _FAR, 100, 1, 0, 0, FeeModel.FLAT, False)
    engine.run(1, [CreateMarket(f"bench-{number + 1}", *terms) for number in range(markets)])
    return engine


def command_for(step: Add | Cancel, market: int = 1) -> Command:
    """Translate one operation of the flow."""
    account = step.id % ACCOUNTS + 1
    if isinstance(step, Cancel):
        return CancelOrder(account, step.id)
    price, outcome = (step.price, YES) if step.buy else (100 - step.price, NO)
    return PlaceOrder(
        account, market, BUY, outcome, LIMIT, price * 100, step.quantity * 100, GTC, _MAKER
    )


def one_round(batch: Sequence[Command], *, with_ledger: bool, markets: int = 1) -> float:
    """Return commands per second over the whole flow."""
    engine = opened_engine(markets)
    run, dirty = engine.run, engine.state.dirty
    started = time.perf_counter()
    for number, first in enumerate(range(0, len(batch), SLICE), 1):
        for execution in run(2, batch[first : first + SLICE]):
            if with_ledger:
                ledger.entries(execution.events)
        if number % SLICES_A_BATCH == 0:
            dirty.clear()
    elapsed = time.perf_counter() - started
    # The collector comes rarely: unlink the orders, or each round leaves its books behind.
    engine.state.dismantle()
    return len(batch) / elapsed


def self_trade_note(batch: Sequence[Command], flow: Outcome) -> str:
    """Say how the flow differs where nobody trades with themselves; not timed."""
    engine = opened_engine()
    counts: Counter[str] = Counter()
    for command in batch:
        for event in engine.execute(2, command).events:
            match event:
                case TradeExecuted():
                    counts["fills"] += 1
                case OrderCancelled(reason=CancelReason.SELF_TRADE):
                    counts["prevented"] += 1
                case OrderCancelled():
                    counts["cancels"] += 1
                case CommandRejected():
                    counts["refused"] += 1
                case _:
                    pass
        engine.state.dirty.clear()
    engine.state.dismantle()
    return (
        f"self-trade prevention: {counts['fills']:,} fills ({flow.fills:,} without it),"
        f" {counts['prevented']:,} orders ended by it, {counts['cancels']:,} of"
        f" {flow.cancels:,} cancels found their order"
    )


def measure() -> list[Figure]:
    """Return commands/s on one market and on a hundred, and operations/s of the peers."""
    flow = order_flow()
    batch = [command_for(step) for step in flow]
    spread = [command_for(step, market) for market, step in many_flows(MARKETS)]
    note = self_trade_note(batch, outcome_of(flow))
    bare: list[float] = []
    whole: list[float] = []
    many: list[float] = []
    with running_peers(flow) as peers:
        garbage.settle()
        for _ in range(ROUNDS):
            bare.append(one_round(batch, with_ledger=False))
            whole.append(one_round(batch, with_ledger=True))
            many.append(one_round(spread, with_ledger=True, markets=MARKETS))
            for peer in peers.values():
                peer.run_round()
        best, absent = _fastest(peers)
        unit = "commands/s"
        return [
            Figure("core: escrow and events", unit, bare, note),
            Figure("core: escrow, events, ledger entries", unit, whole, absent, best),
            Figure(f"core: the same on {MARKETS} markets", unit, many),
            *[peer.figure() for peer in peers.values()],
        ]


def _fastest(peers: dict[str, PeerProcess]) -> tuple[Yardstick | None, str]:
    """Return the fastest peer in Python, if there is one, and say which are absent."""
    absent = [peer.name for peer in PEERS if peer.name not in peers]
    note = f"not installed, so not beside it: {', '.join(absent)} (make bench)" if absent else ""
    found = {name: peer for name, peer in peers.items() if peer.in_python}
    if not found:
        return None, note
    best = max(found, key=lambda name: found[name].median)
    return Yardstick(best, found[best].figure().rounds, at_least=AT_LEAST), note
