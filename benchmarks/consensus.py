"""How fast, and how rightly, does the core run the workload of a public engine benchmark?

The flow is that of `loads/consensus_flow.py`: 2 million messages for a million orders, most of
which are cancelled and many of which are alone at their price, so that levels come and go. What the
core says of it must have the published SHA-256, byte for byte; else the benchmark fails. Prices are
shifted into ours (the scenarios `normal` and `static` fit), a buyer buys YES and a seller buys NO
at the complement, from accounts that are never the same, so nobody meets themselves. A modify is an
amend, whose quantity is the order's total: what the message says and what was filled by then, which
the book's process tells, for commands are made before they run.

The core runs with accounts, escrow and events, in slices of 32 commands, its dirty lists cleared
every 256, and its commands are made outside the timed part. Beside it and in turn with it, 50 000
messages each, runs a book in plain Python (`peers/consensus_peer.py`), whose reports are
held to the same hash: dyn4mik3's if a checkout is named, else one of our own in the same design.
What counts is the ratio of the two, turn by turn, for the speed of machines moves.
"""

import tempfile
import time
from pathlib import Path
from typing import Final

from benchmarks.core import opened_engine
from benchmarks.harness.conditions import is_compiled
from benchmarks.harness.report import Figure, Yardstick
from benchmarks.loads.consensus_flow import (
    CANCEL,
    MIDDLE_AT_FIRST,
    MODIFY,
    PUBLISHED,
    Message,
    consensus_flow,
)
from benchmarks.loads.consensus_reports import (
    ACK,
    CANCELLED,
    MODIFIED,
    NO_CANCEL,
    NO_MODIFY,
    TRADE,
    Report,
    ReportHash,
)
from benchmarks.peers import consensus_peer
from benchmarks.peers.consensus_peer import AT_A_TIME, CHECKOUT, OWN, THEIRS
from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.commands import AmendOrder, CancelOrder, Command, CreateMarket, PlaceOrder
from exchange.messages.events import (
    CommandRejected,
    OrderAmended,
    OrderCancelled,
    OrderPlaced,
    TradeExecuted,
)
from exchange.messages.execution import Execution
from exchange.messages.terms import BUY, GTC, IOC, LIMIT, NO, YES, FeeModel
from gateway.bootstrap import garbage

A_TURN: Final = 50_000
SLICE: Final = 32
SLICES_A_BATCH: Final = 8
BUYERS: Final = 500
"""Accounts 1 to 500 buy, 501 to 1 000 sell."""
HELD_TO: Final = {THEIRS: (2.0, 0.7), OWN: (1.2, 0.4)}
"""How many times as fast as the book the core must be: compiled, interpreted. Ours has integers
for their decimals, and is 1.65 times as fast.
"""
_SHIFT: Final = PRICE_SCALE // 2 - MIDDLE_AT_FIRST


class CoreOnFlow:
    """The core behind the messages."""

    def __init__(self) -> None:
        self._engine = opened_engine()
        terms = ("Which is faster?", "", "", 10**15, 1, 1, 0, 0, FeeModel.FLAT, False)
        self._engine.run(1, [CreateMarket("finest-tick", *terms)])
        self._market = self._engine.state.next_market_id - 1
        self._placed = 0
        self._ids: dict[int, int] = {}
        self._prices: dict[int, int] = {}
        self._names: list[int] = [0]

    def command(self, message: Message, filled: int | None) -> Command:
        """Translate a message; of a MODIFY `filled` says what its order has traded, None that it
        doesn't rest.
        """
        kind, buy, ioc, quantity, order_id, price = message
        account = order_id % BUYERS + 1 + (0 if buy else BUYERS)
        own = price + _SHIFT if buy else PRICE_SCALE - price - _SHIFT
        if kind == CANCEL:
            return CancelOrder(account, self._ids[order_id])
        if kind == MODIFY:
            if filled is not None:
                self._prices[order_id] = price
            return AmendOrder(account, self._ids[order_id], own, quantity + (filled or 0))
        self._placed += 1
        self._ids[order_id] = self._placed
        self._prices[order_id] = price
        self._names.append(order_id)
        outcome, time_in_force = YES if buy else NO, IOC if ioc else GTC
        return PlaceOrder(account, self._market, BUY, outcome, LIMIT, own, quantity, time_in_force)

    def run(self, commands: list[Command]) -> tuple[list[Execution], float]:
        """Run commands; return what happened, and in how many seconds."""
        run, dirty = self._engine.run, self._engine.state.dirty
        done: list[Execution] = []
        started = time.perf_counter()
        for number, first in enumerate(range(0, len(commands), SLICE), 1):
            done += run(2, commands[first : first + SLICE])
            if number % SLICES_A_BATCH == 0:
                dirty.clear()
        dirty.clear()
        return done, time.perf_counter() - started

    def reports(self, seq: int, message: Message, done: Execution) -> list[Report]:
        """Return what the benchmark wants to hear of a message, from what its command did."""
        kind, buy, _, quantity, order_id, price = message
        if kind == CANCEL:
            price = self._prices[order_id]
        side = 0 if buy else 1
        said: list[Report] = []
        for event in done.events:
            match event:
                case CommandRejected():
                    said.append((NO_MODIFY if kind == MODIFY else NO_CANCEL, seq, order_id))
                case OrderPlaced():
                    said.append((ACK, seq, side, order_id, price, quantity))
                case OrderAmended():
                    said.append((MODIFIED, seq, side, order_id, price, quantity))
                case TradeExecuted():
                    at = event.yes_price - _SHIFT
                    maker = self._names[event.maker_order_id]
                    said.append((TRADE, seq, at, event.quantity, maker, order_id))
                case OrderCancelled():
                    said.append((CANCELLED, seq, side, order_id, price))
                case _:
                    pass
        return said

    def dismantle(self) -> None:
        """Give up the books, which the collector would come for too rarely."""
        self._engine.state.dismantle()


def run_turn(
    core: CoreOnFlow, part: list[tuple[int, Message]], filled: dict[int, int], said: ReportHash
) -> float:
    """Carry out a part of the flow; return the seconds that the core took."""
    taken = 0.0
    for first in range(0, len(part), AT_A_TIME):
        few = part[first : first + AT_A_TIME]
        done, seconds = core.run([core.command(message, filled.get(seq)) for seq, message in few])
        taken += seconds
        reports: list[Report] = []
        for (seq, message), execution in zip(few, done, strict=True):
            reports += core.reports(seq, message, execution)
        said.add(reports)
    return taken


def measure_scenario(scenario: str) -> list[Figure]:
    """Return the core's rate beside the book's.

    Raises:
        RuntimeError: one of them said something else than was published.
    """
    flow = consensus_flow(scenario)
    ours: list[float] = []
    theirs: list[float] = []
    core, said, they_said = CoreOnFlow(), ReportHash(), ""
    with tempfile.TemporaryDirectory(prefix="probity-bench-") as folder:
        file = Path(folder) / "flow"
        consensus_peer.write_flow(flow, file)
        with consensus_peer.running_peer(file, A_TURN) as peer:
            for first in range(0, len(flow), A_TURN):
                part = list(enumerate(flow[first : first + A_TURN], first))
                turn = peer.take_turn()
                theirs.append(len(part) / turn.seconds)
                they_said = turn.sha256
                ours.append(len(part) / run_turn(core, part, turn.filled, said))
    core.dismantle()
    for name, found in (("the core", said.hexdigest()), (peer.name, they_said)):
        if found != PUBLISHED[scenario]:
            raise RuntimeError(f"{scenario}: {name} says {found}, not {PUBLISHED[scenario]}")
    hashed = f"SHA-256 as published: {PUBLISHED[scenario]}"
    beside = Yardstick(peer.name, theirs, at_least=HELD_TO[peer.name][0 if is_compiled() else 1])
    note = hashed if peer.name == THEIRS else f"{hashed}; {CHECKOUT} names no checkout of {THEIRS}"
    return [Figure(f"consensus, {scenario}", "messages/s", ours, note, beside)]


def measure() -> list[Figure]:
    """Return the figures of both scenarios."""
    garbage.settle()
    return [figure for scenario in PUBLISHED for figure in measure_scenario(scenario)]
