"""The process of one backtest, from inside: told what to run, it runs that, tells, and ends.

    stdin    one frame: the order; its end is this process's end
    stdout   frames: how far it is, and at last what came of it, or why nothing did

Laws: it runs strategies that are built in and nothing else. Its session of the database only reads.
What it may take of processor and memory the system sees to; how long, its parent. It is nice to
everybody else.
"""

import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from gateway.engine_side.replay_process import read_frame, write_frame
from gateway.feeds.known import OURS, MarketRef
from gateway.research.asked.plan import OUR_FAULT, Done, Failed, Going, Limits, Order, Told
from gateway.research.asked.views import result_json
from gateway.research.backtest.desk import TooManyOrders
from gateway.research.backtest.result import Setup, backtest
from gateway.research.playing import Played, Span, play_own, play_tape, play_venue
from gateway.research.strategies import STRATEGIES
from gateway.research.strategy import ParametersRefused
from gateway.research.tape.events import TapeBroken, TapeRefused
from gateway.research.tape.files import TapeFile
from gateway.research.tape.journal import JournalTape
from gateway.research.tape.snapshots import SnapshotTape
from persistence.child import end_with_parent, give_way
from persistence.errors import PersistenceError
from persistence.journal.segments.segments import Segments

FILLS_KEPT: Final = 5_000
PART: Final = 10_000
_NICE: Final = 10
_MIB: Final = 1 << 20
_TELL_EVERY_S: Final = 0.25
_UNREAD: Final = "what it is played on couldn't be read"


def run(order: Order, tell: Callable[[Told], None]) -> Told:
    """Run what is ordered, and return what came of it."""
    plan, limits = order.plan, order.limits
    told_at = time.monotonic()
    setup = Setup(latency_us=plan.latency_us, seed=plan.seed, most_events=limits.events)
    try:
        with _played(order) as played:

            def on_progress(events: int, _at: int) -> None:
                nonlocal told_at
                if time.monotonic() - told_at >= _TELL_EVERY_S:
                    told_at = time.monotonic()
                    tell(Going(events, int(PART * min(played.part(events), 1.0))))

            model, tape = played.begin()
            strategy = STRATEGIES[plan.strategy]
            result = backtest(
                strategy, plan.parameters, model, tape, setup, on_progress=on_progress
            )
    except TapeBroken as error:
        return Failed(_UNREAD, type(error.__cause__ or error).__name__)
    except (TapeRefused, ParametersRefused, TooManyOrders) as refused:
        return Failed(str(refused))
    except MemoryError:
        return Failed(f"it took more than {limits.memory_mib} MiB of memory")
    except (PersistenceError, OSError) as error:
        return Failed(_UNREAD, type(error).__name__)
    except Exception as error:  # noqa: BLE001 - the boundary of the process
        return Failed(OUR_FAULT, type(error).__name__)
    fills = [
        (one.at, one.market, one.order, one.side.value, one.price, one.quantity, one.fee,
         one.is_maker)
        for one in islice(result.executions, FILLS_KEPT)
    ]  # fmt: skip
    return Done(result_json(result), result.events, fills)


@contextmanager
def _played(order: Order) -> Iterator[Played]:
    """Yield what the plan is played on."""
    plan = order.plan
    span, with_fees = Span(plan.first, plan.last), plan.fees == "MARKET"
    refs = [MarketRef(*one) for one in plan.markets]
    if plan.tape is not None:
        source = None if order.tape is None else TapeFile(Path(order.tape))
        yield play_tape(source, plan.cash, span, prints_only=plan.prints_only, with_fees=with_fees)
    elif refs[0].platform == OURS:
        with JournalTape(order.url, Segments(Path(order.segments))) as journal:
            name, most = refs[0].external_id, order.limits.events
            yield play_own(journal, name, plan.cash, span, most)
    else:
        with SnapshotTape(order.url) as tape:
            markets = [tape.market(ref) for ref in refs]
            yield play_venue(tape, markets, plan.cash, span, with_fees=with_fees)


def bind(limits: Limits) -> None:
    """Have the system end what takes more than it may, where it can."""
    bounds = (
        (resource.RLIMIT_CPU, limits.cpu_s, limits.cpu_s + 1),
        (resource.RLIMIT_AS, limits.memory_mib * _MIB, limits.memory_mib * _MIB),
        (resource.RLIMIT_CORE, 0, 0),
    )
    for kind, soft, hard in bounds:
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (soft, hard))


def main() -> None:
    """Run one backtest."""
    give_way(_NICE)
    order = msgspec.msgpack.decode(read_frame(sys.stdin.buffer), type=Order)
    end_with_parent(0)
    bind(order.limits)
    answers = os.fdopen(os.dup(1), "wb")
    # What a library prints is no answer.
    os.dup2(2, 1)

    def tell(told: Told) -> None:
        write_frame(answers, msgspec.msgpack.encode(told))

    tell(run(order, tell))


if __name__ == "__main__":
    main()
