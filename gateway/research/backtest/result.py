"""A whole backtest: from a strategy, its parameters and a tape to what is kept of it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from exchange.messages.bounds import CREDIT_MAX, MONEY_SCALE
from gateway.research.backtest.figures import HOUR_US, Figures, Notes, Outcome
from gateway.research.backtest.run import Backtest, Model, StepT, Stopped
from gateway.research.strategy import Fill, Strategy, parameters_of

CASH: Final = 10_000 * MONEY_SCALE
"""What a run begins with unless something else is said."""
LATENCY_US: Final = 50_000
CASH_MAX: Final = CREDIT_MAX


class Result(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is kept of a run. The same tape, strategy, parameters and seed give the same bytes."""

    strategy: str
    parameters: dict[str, Any]
    model: str
    """`trades` or `book`: what was known of others' orders."""
    seed: int
    latency_us: int
    events: int
    commands: int
    sent: int
    refused: dict[str, int]
    begun_at: int
    ended_at: int
    stopped: str | None
    """Why it ended before its tape did."""
    figures: Figures
    curve: list[tuple[int, int]]
    """(time, equity)."""
    prices: dict[str, list[tuple[int, int]]]
    """(time, YES price) of the first markets that were traded."""
    executions: list[Fill]
    """The first 100 000."""
    outcomes: list[Outcome]
    """What was held when markets ended."""


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is made of, beside its tape and its strategy."""

    latency_us: int = LATENCY_US
    seed: int = 0
    period_us: int = HOUR_US
    most_events: int | None = None
    check: bool = False
    """Whether the books are proved after every event, which takes as long again."""


def backtest(
    strategy: type[Strategy],
    given: Mapping[str, Any],
    model: Model[StepT],
    tape: Iterable[StepT],
    setup: Setup,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Run a strategy on a tape.

    Args:
        strategy: its class.
        given: its parameters; what is missing has its default.
        model: how the tape's others meet the strategy's orders, and with how much cash it begins.
        tape: in the order of time.
        setup: the rest.
        on_progress: called with (events, time) every so many events; what it raises ends the run.

    Raises ParametersRefused, TapeRefused, and whatever the strategy raises.
    """
    parameters = parameters_of(strategy, given)
    notes = Notes(setup.period_us)
    run = Backtest(
        model,
        lambda desk: strategy(desk, parameters),
        notes,
        latency_us=setup.latency_us,
        seed=setup.seed,
        check=setup.check,
    )
    stopped: str | None = None
    try:
        run.run(tape, most=setup.most_events, on_progress=on_progress)
    except Stopped as reason:
        stopped = str(reason)
    run.valuation.prove()
    ground = model.ground
    return Result(
        strategy=strategy.__name__,
        parameters=msgspec.to_builtins(parameters),
        model=model.name,
        seed=setup.seed,
        latency_us=setup.latency_us,
        events=run.events,
        commands=ground.commands,
        sent=run.desk.sent,
        refused=dict(sorted(ground.refused.items())),
        begun_at=run.begun_at,
        ended_at=run.desk.now,
        stopped=stopped,
        figures=notes.figures(
            fees=ground.fees_paid,
            fees_unknown=ground.fees_unknown,
            turnover=ground.turnover,
            ordered=run.desk.ordered,
        ),
        curve=notes.equity.points,
        prices={market: course.points for market, course in notes.prices.items()},
        executions=notes.executions,
        outcomes=notes.outcomes,
    )
