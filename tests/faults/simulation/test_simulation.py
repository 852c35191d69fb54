"""The whole exchange on virtual time, under seeded faults, held against an oracle.

What a run is, what it checks and how one is repeated: docs/reference/simulation.md.
"""

import os
import subprocess
import sys
from collections import Counter
from typing import Final

import pytest

from tests.faults.simulation.simulate import told
from tests.faults.simulation.world import run
from tests.lengths import LONG_TIMEOUT_SECONDS, length

_SEEDS: Final = length(120, long=1_000)
"""By the day more than the rarest of the planted bugs needs, which 41 seeds find."""
_PARTS: Final = 2 if _SEEDS < 200 else 4
"""Tests among which workers share the seeds."""
_FIRST: Final = int(os.environ.get("PROBITY_SEED", "0"))
_MET: Final = (
    *("commands", "batches", "reads", "answers to the crowd", "faults", "gaps", "reloads"),
    *("unheard", "not taken", "unknown", "reads refused", "engines", "takeovers", "repeats"),
    *(
        "dead men fired",
        "orders expired",
        "not stored",
        "trades",
        "undecided commits",
        "turns of a standby",
    ),
)
"""What must come in any fifty seeds, or they prove little."""


@pytest.mark.timeout(LONG_TIMEOUT_SECONDS)
@pytest.mark.parametrize("part", range(_PARTS))
def test_nothing_is_lost_doubled_or_told_too_early(part: int) -> None:
    counts: Counter[str] = Counter()
    seeds = range(_FIRST + part, _FIRST + _SEEDS, _PARTS)
    for seed in seeds:
        outcome = run(seed)
        assert not outcome.problems, told(outcome)
        counts += outcome.counts
    figures = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    print(f"{len(seeds)} seeds: {figures}")
    assert [name for name in _MET if not counts[name]] == []


def test_a_seed_gives_the_same_run_again() -> None:
    """Here, and in a process in which texts hash otherwise."""
    seed = _FIRST + 3
    first, again = run(seed), run(seed)
    assert first.lines == again.lines
    assert (first.hash, first.counts) == (again.hash, again.counts)
    program = f"from tests.faults.simulation.world import run; print(run({seed}).hash)"
    for hash_seed in ("1", "2"):
        elsewhere = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert elsewhere.stdout.strip() == first.hash
    assert run(seed + 1).hash != first.hash
