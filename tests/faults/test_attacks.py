"""What a stranger or ten accounts can do to everybody else's trading: nothing that one feels.

Each attack runs against a real server with its default limits while 200 orders and cancels a second
are traded by others; what their acknowledgements take, and what the server's memory grows by, is
bounded and printed.
"""

from collections.abc import Iterator

import pytest

from tests.faults.attacks.arena import HEADER, MEMORY_MB, WAIT_MS, Arena, Outcome
from tests.faults.attacks.attacker import ATTACKS
from tests.faults.attacks.on_http import LATE
from tests.lengths import IS_LONG, length
from tests.measured import tries

SECONDS = length(5, long=150) / 10
EVERYDAY = (
    "quadratic_cookie_64k",
    "unread_answers",
    "pipelined_reads",
    "connections_without_end",
    "guesses_with_own_token",
    "crowd_of_guesses",
    "sessions_of_a_stranger",
    "flood_of_empty_pings",
    "flood_of_connects",
    "flood_of_fragments",
    "subscriptions_at_the_limit",
    "deaf_subscribers",
)
"""One of each kind; the others take their turn in a long run."""

LATE_MAX = 0.01
"""Which part of the event loop's turns may be over 50 ms late while two hundred sign in."""
BESIDE_OTHERS = 1 if IS_LONG else 3
"""Every day, other tests have half of the machine meanwhile."""
SLOWER = {
    # Two hundred connections come at once: accepting them is not shared.
    "bodies_behind_unread_answers": 2,
}
"""What is known to take longer than it should, as a multiple of what is allowed."""


SIGN_INS = "parallel_sign_ins"
FELT_MS = 25.0
"""Below that, twice as long is the machine's own unrest."""


@pytest.fixture(scope="module")
def outcomes() -> Iterator[list[Outcome]]:
    """What all attacks did, printed at the end as a table."""
    found: list[Outcome] = []
    yield found
    print("\n".join(["", HEADER, *(outcome.line() for outcome in found)]))


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """A server under load; who has brought it down leaves a new one to the next."""
    made = Arena(tmp_path_factory.mktemp("attacks"))
    yield made
    made.close()


@pytest.mark.parametrize("name", ATTACKS if IS_LONG else EVERYDAY)
def test_others_trade_on(name: str, arena: Arena, outcomes: list[Outcome]) -> None:
    for attempt in tries():
        is_unharmed = False
        try:
            outcome = arena.suffer(name, ATTACKS[name], SECONDS)
            outcomes.append(outcome)
            print(HEADER, outcome.line(), sep="\n")
            during = outcome.during
            assert outcome.grown_mb <= MEMORY_MB, outcome.line()
            assert during.lost == 0, outcome.line()
            assert not during.refused.keys() & {"RATE_LIMITED", "UNAVAILABLE", "INTERNAL_ERROR"}
            assert not outcome.said.get("of them refused"), outcome.said
            assert outcome.said.get(LATE, 0) <= LATE_MAX, outcome.said
            allowed = outcome.allowed_ms * BESIDE_OTHERS * SLOWER.get(name, 1)
            is_unharmed = attempt.takes("p99 of acks, ms", during.p99, allowed)
        finally:
            if not is_unharmed:
                arena.close()


def test_two_hundred_who_sign_in_leave_trading_its_pace(
    arena: Arena, outcomes: list[Outcome]
) -> None:
    for attempt in tries():
        seconds = max(2.0, SECONDS)
        outcome = arena.suffer(SIGN_INS, ATTACKS[SIGN_INS], seconds, calm_s=seconds)
        outcomes.append(outcome)
        print(HEADER, outcome.line(), sep="\n")
        p99, calm = outcome.during.p99, outcome.before.p99
        assert outcome.grown_mb <= MEMORY_MB, outcome.line()
        assert not outcome.during.lost, outcome.line()
        attempt.holds("turns of the loop over 50 ms late", outcome.said[LATE], LATE_MAX)
        attempt.holds("p99 of acks, of what is felt or twice the calm", p99, max(FELT_MS, 2 * calm))
        attempt.takes("p99 of acks, ms", p99, WAIT_MS)
