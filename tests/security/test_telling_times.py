"""Nobody learns by an answer, or by how long it takes, whether somebody has an account.

The same for an address that is known and for one that isn't, by turns, so that whatever else the
machine does falls on both: the answers are the same to the letter, their medians lie together, and
a rank test (Mann-Whitney) sees no difference in two runs of three. A short run has wider bounds,
since a machine that does other things at the same time is no proof of anything.
"""

import itertools
import math
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import httpx
import pytest

from tests.gateway.accounts.mail.post_office import PostOffice, delivering
from tests.gateway.conftest import MakeWeb, Web
from tests.gateway.waiting import eventually
from tests.lengths import IS_LONG, length

SAMPLES = length(12, long=200)
FARTHEST: Final = 1.05 if IS_LONG else 3.0
"""How far the medians may lie apart, as a factor."""
LEAST_LIKELY: Final = 1e-3 if IS_LONG else 1e-9
RUNS, NEEDED = 3, 2
KNOWN, UNKNOWN = "known@example.org", "noone@example.org"
WRONG = "wrong horse battery"
CHANGES = {"x-request-id", "date", "ratelimit"}
_NUMBERS = itertools.count(1)
Call = Callable[[Web, str], Awaitable[httpx.Response]]


def mann_whitney(first: list[float], second: list[float]) -> float:
    """Return how likely two samples of one distribution differ as much (normal approximation)."""
    ranked = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    ranks = sum(rank for rank, (_, which) in enumerate(ranked, 1) if which == 0)
    n, m = len(first), len(second)
    u = ranks - n * (n + 1) / 2
    deviation = math.sqrt(n * m * (n + m + 1) / 12)
    return math.erfc(abs(u - n * m / 2) / deviation / math.sqrt(2))


def post(path: str, **body: Any) -> Call:
    async def call(web: Web, email: str) -> httpx.Response:
        sent = {"email": email, **body}
        # Each as long as the others, so that lengths of answers can be compared.
        mark = {"x-request-id": f"asked-{next(_NUMBERS):08d}"}
        return await web.client.post(f"/api/v1/auth/{path}", json=sent, headers=mark)

    return call


CALLS: Final[dict[str, tuple[Call, int]]] = {
    "a wrong password": (post("login", password=WRONG), 401),
    "a forgotten password": (post("password/forgot"), 200),
    # An address that is taken is told at registration; one that was refused before tells nothing.
    "a registration with too short a password": (post("register", password="short"), 400),
    "a registration with a wrong name": (
        post("register", password=WRONG, displayName="a@b"),
        400,
    ),
}


def told(answer: httpx.Response) -> tuple[Any, ...]:
    """Return all that an answer says but for what is another thing each time."""
    body = {name: part for name, part in answer.json().items() if name != "meta"}
    headers = {name: value for name, value in answer.headers.items() if name not in CHANGES}
    return answer.status_code, body, headers, sorted(answer.json()["meta"])


async def timed(web: Web, call: Call, email: str) -> tuple[float, httpx.Response]:
    begun = time.perf_counter()
    answer = await call(web, email)
    took = time.perf_counter() - begun
    # What an answer leaves to be done beside it must not fall on the next one.
    await eventually(web.accounts.outbox._waiting.empty)
    return took, answer


async def looks_alike(web: Web, call: Call, status: int) -> tuple[bool, str]:
    times: dict[str, list[float]] = {KNOWN: [], UNKNOWN: []}
    answers = []
    for number in range(SAMPLES):
        pair = (KNOWN, UNKNOWN) if number % 2 else (UNKNOWN, KNOWN)
        for email in pair:
            took, answer = await timed(web, call, email)
            times[email].append(took)
            answers.append(told(answer))
    for one in answers:
        assert one == answers[0]
    assert answers[0][0] == status
    medians = [statistics.median(values) for values in times.values()]
    likely = mann_whitney(times[KNOWN], times[UNKNOWN])
    apart = max(medians) / min(medians)
    return apart <= FARTHEST and likely > LEAST_LIKELY, f"{apart:.3f} apart, p {likely:.2g}"


@pytest.mark.parametrize("name", CALLS)
async def test_known_and_unknown_addresses_are_answered_alike(make_web: MakeWeb, name: str) -> None:
    wide = dict.fromkeys(
        ("RATE_LIMIT_SIGN_IN_FAILURES", "RATE_LIMIT_ACCOUNT_FAILURES", "RATE_LIMIT_SIGN_INS"), 10**6
    ) | dict.fromkeys(("RATE_LIMIT_MAILS", "RATE_LIMIT_ACCOUNT_MAILS"), 10**6)
    web = await make_web(mailer=PostOffice(), MAIL_QUEUE_SIZE=1_000, **wide)
    async with delivering(web):
        await web.register(KNOWN)
        call, status = CALLS[name]
        await looks_alike(web, call, status)  # what is made once is made
        found = []
        for _ in range(RUNS):
            found.append(await looks_alike(web, call, status))
            if sum(alike for alike, _ in found) == NEEDED:
                break
    print(name, *(words for _, words in found), sep=": ")
    assert sum(alike for alike, _ in found) >= NEEDED, found


def test_the_rank_test_sees_what_there_is_to_see() -> None:
    same = [float(number % 17) for number in range(200)]
    assert mann_whitney(same, [value + 1e-9 for value in reversed(same)]) > 1e-3
    assert mann_whitney(same, [value + 10 for value in same]) < 1e-6
