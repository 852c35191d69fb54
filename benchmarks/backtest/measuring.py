"""How many commands a second does a backtest get through the core, with a maker among the tape?

The market maker with its defaults on a made-up tape (`trades`, 50 ms from sending to arrival): each
event of the tape becomes commands of those who stand for the world, each of the maker's orders and
cancels one more, and all are matched, reserved, netted and charged by the engine. The yardstick is
the core alone, without a tape, on its own flow (`core.py`), in turn with it: the ratio says what
books, callbacks, figures and valuation leave of its rate. How much the maker sends is told beside:
one that sleeps would be quick.

Beside it, in turn with it, the same maker on the same tape in `hftbacktest`, where that is
installed (make bench): what it models, and what not, is in `hftbacktest_peer.py`. Its maker
is compiled and nobody's money is kept there: other questions are answered, so it is only told.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from benchmarks.core import command_for
from benchmarks.core import one_round as core_round
from benchmarks.harness.report import Figure, Yardstick
from benchmarks.loads.flow import order_flow
from benchmarks.peers.peer_process import ROOT
from gateway.bootstrap import garbage
from gateway.research.backtest.prints import PrintsModel
from gateway.research.backtest.result import CASH, Result, Setup, backtest
from gateway.research.strategies.market_maker import MarketMaker
from gateway.research.tape.events import TapeEvent
from gateway.research.tape.synthetic import synthetic_tape

STEPS: Final = 20_000
ROUNDS: Final = 3
CORE_STEPS: Final = 100_000
AT_LEAST: Final = 0.3
SENT_AT_LEAST: Final = 200
PACKAGES: Final = ROOT / "build" / "backtest_peer" / "python"
PEER: Final = "hftbacktest"


class Round(msgspec.Struct):
    """What the peer says of one round."""

    seconds: float
    sent: int
    trades: int
    version: str


def one_round(tape: list[TapeEvent]) -> tuple[float, Result]:
    """Return how many seconds a run took, and what came of it."""
    model = PrintsModel(CASH)
    started = time.perf_counter()
    result = backtest(MarketMaker, {}, model, tape, Setup())
    elapsed = time.perf_counter() - started
    model.ground.engine.state.dismantle()
    return elapsed, result


@contextmanager
def running_peer() -> "Iterator[subprocess.Popen[bytes] | None]":
    """Start the peer, if it is installed, and end it again."""
    if not (PACKAGES / PEER).is_dir():
        yield None
        return
    path = [str(PACKAGES), *filter(None, [os.environ.get("PYTHONPATH")])]
    with subprocess.Popen(
        [sys.executable, "-m", f"benchmarks.backtest.{PEER}_peer", str(STEPS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
        cwd=ROOT,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def peer_round(process: "subprocess.Popen[bytes]") -> Round:
    """Let the peer run the tape once more; raises RuntimeError if it ended."""
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("a peer needs its pipes")
    process.stdin.write(b"\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        raise RuntimeError(f"{PEER} ended in the middle of a round")
    return msgspec.json.decode(answer, type=Round)


def measure() -> list[Figure]:
    """Return commands/s and events/s of a backtest, what its maker sends, and the peer's rate."""
    tape = list(synthetic_tape(1, steps=STEPS))
    batch = [command_for(step) for step in order_flow()[:CORE_STEPS]]
    commands: list[float] = []
    events: list[float] = []
    core: list[float] = []
    theirs: list[Round] = []
    sent = fills = 0.0
    with running_peer() as peer:
        garbage.settle()
        for _ in range(ROUNDS):
            core.append(core_round(batch, with_ledger=False))
            seconds, result = one_round(tape)
            commands.append(result.commands / seconds)
            events.append(result.events / seconds)
            sent, fills = 1_000 * result.sent / result.events, result.figures.fills
            if peer is not None:
                theirs.append(peer_round(peer))
    name = "backtest: the market maker, `trades`"
    told = f"{fills:,.0f} fills on {len(tape):,} events"
    figures = [
        Figure(
            name,
            "commands/s",
            commands,
            told,
            Yardstick("core: escrow and events", core, at_least=AT_LEAST),
        ),
        Figure(
            "backtest: orders and cancels of the maker",
            "a 1 000 events",
            [sent],
            yardstick=Yardstick(f"{SENT_AT_LEAST}", [SENT_AT_LEAST], at_least=1),
        ),
    ]
    if not theirs:
        absent = f"not installed, so not beside it: {PEER} (make bench)"
        return [*figures, Figure(f"{name}, its tape", "events/s", events, absent)]
    last = theirs[-1]
    note = (
        f"{PEER} {last.version}: {1_000 * last.sent / len(tape):,.0f} sent a 1 000 events,"
        f" {last.trades:,} trades; one asset without accounts, netting, fees or ends, its maker"
        " compiled"
    )
    rates = [len(tape) / one.seconds for one in theirs]
    beside = Yardstick(f"peer: {PEER}", rates)
    return [*figures, Figure(f"{name}, its tape", "events/s", events, note, beside)]
