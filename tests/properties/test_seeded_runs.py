"""Long seeded runs of the engine beside its twin: fast enough to be the same in every test round,
and measured, so that nobody mistakes a boring run for a passed one.
"""

import os
import time
from collections import Counter

import pytest

from exchange import engine
from exchange.messages.commands import SetExchangeMode
from exchange.messages.events import MarketStatusChanged
from exchange.messages.reasons import Reason
from exchange.messages.terms import ExchangeMode, MarketStatus
from exchange.rules import funding, placing, settlement
from exchange.rules.groups import administering
from exchange.rules.waiting import entering, oco
from tests.conftest import SetBound
from tests.lengths import length
from tests.properties.choosing import Dice
from tests.properties.market_day import MarketDay
from tests.properties.outcomes import REQUIRED, outcomes
from tests.properties.pair import Pair
from tests.properties.twin import Twin

SEED = int(os.environ.get("PROBITY_SEED", "20261127"))
OPEN_ORDERS_MAX = 6
ISSUANCE_MAX = 6 * 10**10
PAYOUT_HOLDERS = 1
HALTS = (MarketStatus.HALTED, MarketStatus.FULL_HALT)
FIGURES = {
    "DeadManFired": 400,
    "EndLease cancels DISCONNECTED": 1_000,
    "HALTED": 1_000,
}
"""How often something must come: once in so many commands."""
UNDONE_ONCE_IN = 300
"""At least one command in so many is a batch that had traded and was undone."""
TRIGGERS_BETWEEN = 1
A_HUNDRED_THOUSAND = 100_000
"""Commands; of so many at least these are triggers, and these ends of one order by another."""
TRIGGERS, OCO_ENDS = 1_000, 334
GROUPS_MAX = 3
GROUP_LIMITS, MID_WALK = 167, 34
"""Of so many commands also: groups that came to a limit, and those in the middle of a walk."""


@pytest.fixture
def tight_bounds(set_bound: SetBound) -> Twin:
    """Bounds so low that a market day runs into them, and a twin that knows them."""
    for module in (placing, entering, oco):
        set_bound(module, "OPEN_ORDERS_PER_ACCOUNT", OPEN_ORDERS_MAX)
    set_bound(engine, "TRIGGERS_BETWEEN", TRIGGERS_BETWEEN)
    set_bound(funding, "ISSUANCE_MAX", ISSUANCE_MAX)
    set_bound(settlement, "PAYOUT_HOLDERS", PAYOUT_HOLDERS)
    set_bound(administering, "GROUPS_PER_ACCOUNT", GROUPS_MAX)
    return Twin(
        open_orders_max=OPEN_ORDERS_MAX,
        issuance_max=ISSUANCE_MAX,
        payout_holders=PAYOUT_HOLDERS,
        triggers_between=TRIGGERS_BETWEEN,
        groups_max=GROUPS_MAX,
    )


@pytest.mark.timeout(300)
def test_a_long_day_agrees_with_the_twin_and_leaves_nothing_untried(tight_bounds: Twin) -> None:
    """Events after every command; the whole state after every fourth, in a long run after each."""
    commands, between = length(36_000, long=500_000), length(4, long=1)
    print(f"seed {SEED}, {commands} commands")
    pair, dice = Pair(tight_bounds), Dice(SEED)
    day = MarketDay(pair.twin)
    counts: Counter[str] = Counter()
    for number in range(commands):
        command, compare = day.any_command(dice), number % between == 0
        for execution in pair.run(day.next_time(dice), command, compare=compare):
            counts.update(outcomes(execution, pair.state))
            counts["HALTED"] += any(
                isinstance(event, MarketStatusChanged) and event.status in HALTS
                for event in execution.events
            )
    pair.check_replay()
    print(f"{len(counts)} distinct outcomes, {len(REQUIRED)} required")
    print("\n".join(f"{count:6} {name}" for name, count in sorted(counts.items())))
    for name, part in FIGURES.items():
        # A night has 300 000 of its commands for these.
        print(f"{name}: {counts[name]}, {commands // part} wanted")
        assert counts[name] >= commands // part
    print(f"{pair.twin.undone} batches undone, {pair.twin.undone_after_trades} that had traded")
    triggers = sum(n for name, n in counts.items() if name.startswith("triggered "))
    ends = sum(n for name, n in counts.items() if name.endswith("cancels OCO"))
    print(f"{triggers} triggers, {ends} orders ended by the other of their pair")
    assert triggers >= TRIGGERS * commands // A_HUNDRED_THOUSAND
    assert ends >= OCO_ENDS * commands // A_HUNDRED_THOUSAND
    limits, mid_walk = counts["GroupTriggered"], counts["group triggered mid-walk"]
    print(f"{limits} groups came to a limit, {mid_walk} of them mid-walk")
    assert limits >= GROUP_LIMITS * commands // A_HUNDRED_THOUSAND
    assert mid_walk >= MID_WALK * commands // A_HUNDRED_THOUSAND
    assert REQUIRED - counts.keys() == frozenset()
    assert pair.twin.undone_after_trades >= commands // UNDONE_ONCE_IN
    refused = {name.rsplit(" ", 1)[1] for name in counts if " refused " in name}
    assert refused == {reason.name for reason in Reason}


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
