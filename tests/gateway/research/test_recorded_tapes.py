"""All five strategies on all that was recorded, the books proved after every event."""

from pathlib import Path

import pytest

from gateway.research.backtest.prints import PrintsModel
from gateway.research.backtest.result import CASH, Setup, backtest
from gateway.research.strategies import STRATEGIES
from gateway.research.tape.events import Ended, Printed, Seen, checked
from tests.gateway.research.recorded import TAPES

FILLS_IN_ALL = {
    "kalshi-trades": 50,
    "kalshi-quotes": 50,
    "polymarket-trades": 50,
    "polymarket-snapshots": 5,
    "polymarket-prints": 50,
    "polymarket-daily": 50,
}
"""The least that the five trade together, where there is more than one picture of a market."""
MEMORIES_S = {
    "kalshi-quotes": 86_400.0,
    "polymarket-daily": 1_728_000.0,
    "polymarket-snapshots": 14_400.0,
}
"""A memory that suits how often a tape is seen; one of minutes knows nothing but the last day."""


@pytest.mark.parametrize("tape", sorted(TAPES))
def test_every_recorded_tape_runs_through_all_five(recordings: Path, tape: str) -> None:
    events = list(checked(TAPES[tape](recordings)))
    seen = sum(isinstance(event, Seen | Printed) for event in events)
    ends = sum(isinstance(event, Ended) for event in events)
    fills = 0
    for name, strategy in STRATEGIES.items():
        given = {}
        if "memory_s" in strategy.Parameters.__struct_fields__ and tape in MEMORIES_S:
            given = {"memory_s": MEMORIES_S[tape]}
        result = backtest(strategy, given, PrintsModel(CASH), events, Setup(check=True))
        assert result.events == len(events)
        assert result.figures.resolved == ends
        fills += result.figures.fills
        print(f"{tape}, {name}: {seen} events, {ends} markets, {result.figures.fills} fills")
    assert fills >= FILLS_IN_ALL.get(tape, 0)
