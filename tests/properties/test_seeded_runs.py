"""Long seeded runs of the engine beside its twin: fast enough to be the same in every test round,
and measured, so that nobody mistakes a boring run for a passed one.
"""

import os
import time
from collections import Counter
from collections.abc import Callable

import pytest

from exchange import engine
from exchange.messages.commands import SetExchangeMode
from exchange.messages.events import MarketStatusChanged
from exchange.messages.execution import Execution
from exchange.messages.reasons import Reason
from exchange.messages.terms import ExchangeMode, MarketStatus
from exchange.model.state import State
from exchange.rules import settlement
from exchange.rules.accounts import funding
from exchange.rules.groups import administering
from exchange.rules.limits import judging
from tests.conftest import SetBound
from tests.lengths import length
from tests.properties.choosing import Dice
from tests.properties.market_day import MarketDay
from tests.properties.outcomes import REQUIRED, outcomes
from tests.properties.pair import Pair
from tests.properties.twin import Twin

SEED = int(os.environ.get("PROBITY_SEED", "20261155"))
OPEN_ORDERS_MAX = 6
ISSUANCE_MAX = 6 * 10**11
PAYOUT_HOLDERS = 1
HALTS = (MarketStatus.HALTED, MarketStatus.FULL_HALT)
DAY_COMMANDS = 12_000
"""Fees eat a day's money: a longer one would only trade less."""
TRIGGERS_BETWEEN = 1
GROUPS_MAX = 3
AT_LEAST = {
    "triggers": 3_000,
    "orders ended by the other of their pair": 1_000,
    "undone batches that had traded": 1_000,
    "halts": 300,
    "halts by themselves": 300,
    "dead-man ends": 500,
    "groups at a limit": 500,
    "groups at a limit mid-walk": 100,
    "ends of sessions by their lease": 300,
}
"""How often what is rare must come among so many commands as `AMONG` says."""
AMONG = 300_000


@pytest.fixture
def tight_twin(set_bound: SetBound) -> Callable[[], Twin]:
    return tighten(set_bound)


def tighten(set_bound: SetBound) -> Callable[[], Twin]:
    """Bounds so low that a market day runs into them, and twins that know them."""
    set_bound(judging, "OPEN_ORDERS_PER_ACCOUNT", OPEN_ORDERS_MAX)
    set_bound(engine, "TRIGGERS_BETWEEN", TRIGGERS_BETWEEN)
    set_bound(funding, "ISSUANCE_MAX", ISSUANCE_MAX)
    set_bound(settlement, "PAYOUT_HOLDERS", PAYOUT_HOLDERS)
    set_bound(administering, "GROUPS_PER_ACCOUNT", GROUPS_MAX)
    return lambda: Twin(
        open_orders_max=OPEN_ORDERS_MAX,
        issuance_max=ISSUANCE_MAX,
        payout_holders=PAYOUT_HOLDERS,
        triggers_between=TRIGGERS_BETWEEN,
        groups_max=GROUPS_MAX,
    )


@pytest.mark.timeout(300)
def test_long_days_agree_with_the_twin_and_leave_nothing_untried(
    tight_twin: Callable[[], Twin],
) -> None:
    """Events after every command; the whole state after every eighth, in a long run after each.

    What a recovered engine does is `tests/persistence/journal/test_every_reload.py`'s to ask.
    """
    days, between = length(3, long=42), length(8, long=1)
    counts: Counter[str] = Counter()
    for seed in range(SEED, SEED + days):
        print(f"seed {seed}")
        counts += a_day(Pair(tight_twin()), Dice(seed), between)
    print(f"{len(counts)} distinct outcomes, {len(REQUIRED)} required")
    print("\n".join(f"{count:6} {name}" for name, count in sorted(counts.items())))
    figures = figures_of(counts)
    for name, wanted in AT_LEAST.items():
        least = wanted * days * DAY_COMMANDS // AMONG
        print(f"{name}: {figures[name]}, {least} wanted")
        assert figures[name] >= least
    assert REQUIRED - counts.keys() == frozenset()
    refused = {name.rsplit(" ", 1)[1] for name in counts if " refused " in name}
    assert refused == {reason.name for reason in Reason}


def a_day(pair: Pair, dice: Dice, between: int) -> Counter[str]:
    """Run a day, the whole state compared after every command in so many; count what happened."""
    day = MarketDay(pair.twin)
    counts: Counter[str] = Counter()
    for number in range(DAY_COMMANDS):
        command, compare = day.any_command(dice), number % between == 0
        for execution in pair.run(day.next_time(dice), command, compare=compare):
            count(counts, execution, pair.state)
    pair.check_replay()
    counts["UNDONE AFTER TRADES"] = pair.twin.undone_after_trades
    return counts


def count(counts: Counter[str], execution: Execution, state: State) -> None:
    """Count what a command did."""
    counts.update(outcomes(execution, state))
    counts["HALTED"] += any(
        isinstance(event, MarketStatusChanged) and event.status in HALTS
        for event in execution.events
    )


def figures_of(counts: Counter[str]) -> dict[str, int]:
    """Return how often what is rare has come, by its name in `AT_LEAST`."""
    figures = {
        "triggers": sum(n for name, n in counts.items() if name.startswith("triggered ")),
        "orders ended by the other of their pair": sum(
            n for name, n in counts.items() if name.endswith("cancels OCO")
        ),
        "undone batches that had traded": counts["UNDONE AFTER TRADES"],
        "halts": counts["HALTED"],
        "halts by themselves": counts["HaltMarket makes HALTED"],
        "dead-man ends": counts["DeadManFired"],
        "groups at a limit": counts["GroupTriggered"],
        "groups at a limit mid-walk": counts["group triggered mid-walk"],
        "ends of sessions by their lease": counts["EndLease cancels DISCONNECTED"],
    }
    assert figures.keys() == AT_LEAST.keys()
    return figures


@pytest.mark.timeout(300)
def test_as_many_commands_as_fit_into_some_seconds_agree_with_the_twin() -> None:
    """Events after every command, the whole state now and then."""
    seed = SEED + 1
    pair, dice = Pair(), Dice(seed)
    day = MarketDay(pair.twin)
    deadline = time.monotonic() + length(6, long=1_800)
    done = 0
    while time.monotonic() < deadline:
        done += 1
        command = day.any_command(dice)
        pair.run(day.next_time(dice), command, compare=done % 500 == 0)
    pair.run(pair.twin.now, SetExchangeMode(ExchangeMode.OPEN))
    pair.check_replay()
    print(f"seed {seed}: {done} commands, {pair.state.next_order_id - 1} orders")
    assert done > 1_000
