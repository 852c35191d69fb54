"""Guesses are counted over all processes, for the account tried, and lock no owner out."""

import asyncio
from collections.abc import Sequence
from typing import cast

import msgspec
import pytest

from gateway.accounts.passwords.attempts import AT_ONCE, WAITING, Attempts
from gateway.bootstrap.settings import load_settings
from gateway.wire.errors import RateLimited
from persistence.repositories.people.sign_in_counts import Hits, SignInCounts
from tests.gateway.conftest import PASSWORD, MakeWeb, Web

LOGIN = "/api/v1/auth/login"
REGISTER = "/api/v1/auth/register"
OWNER = "ada@example.org"
WRONG = "wrong horse battery"
HOME = "192.0.2.1"


async def login(web: Web, address: str, password: str = WRONG, email: str = OWNER) -> int:
    return (await attempt(web, address, password, email))[0]


async def attempt(
    web: Web, address: str, password: str = WRONG, email: str = OWNER
) -> tuple[int, str]:
    """Return the status of a sign-in, and which limit refused it."""
    async with web.from_address(address) as client:
        answer = await client.post(LOGIN, json={"email": email, "password": password})
    details = [] if answer.status_code == 200 else answer.json()["error"]["details"]
    return answer.status_code, details[0]["message"] if details else ""


async def test_guesses_are_counted_over_all_processes(make_web: MakeWeb) -> None:
    settings = {"RATE_LIMIT_SIGN_IN_FAILURES": 6}
    webs = [await make_web(**settings) for _ in range(3)]
    await webs[0].register(OWNER)
    found = [await login(web, "198.51.100.1") for web in webs * 4]
    assert found == [401] * 6 + [429] * 6


async def test_guesses_at_the_same_moment_find_no_more_room(make_web: MakeWeb) -> None:
    webs = [await make_web(RATE_LIMIT_SIGN_IN_FAILURES=6) for _ in range(2)]
    await webs[0].register(OWNER)
    found = await asyncio.gather(*(login(web, "198.51.100.1") for web in webs * 15))
    assert sorted(found) == [401] * 6 + [429] * 24


async def test_attempts_are_counted_over_all_processes(make_web: MakeWeb) -> None:
    webs = [await make_web(RATE_LIMIT_SIGN_INS=5) for _ in range(2)]
    found = [
        await login(web, HOME, email=f"nobody{number}@example.org")
        for number, web in enumerate(webs * 4)
    ]
    assert found == [401] * 5 + [429] * 3
    body = {"email": "bob@example.org", "password": PASSWORD}
    for web in webs:
        answer = await web.client.post(REGISTER, json=body)
        assert answer.status_code == 429
        assert answer.json()["error"]["details"][0] == {"field": "limit", "message": "sign-in"}


async def test_known_and_unknown_accounts_are_told_apart_by_nothing(make_web: MakeWeb) -> None:
    web = await make_web(RATE_LIMIT_SIGN_IN_FAILURES=3)
    await web.register(OWNER)
    told = []
    for address, email in (("198.51.100.1", OWNER), ("198.51.100.2", "bob@example.org")):
        async with web.from_address(address) as client:
            for _ in range(5):
                answer = await client.post(LOGIN, json={"email": email, "password": WRONG})
                names = sorted(answer.headers)
                left = answer.headers.get("ratelimit", "").partition(";t=")[0]
                error = answer.json()["error"]
                told.append((answer.status_code, error["code"], error["details"], names, left))
    assert told[:5] == told[5:]
    assert [status for status, *_ in told] == [401, 401, 401, 429, 429] * 2


async def test_the_owner_is_not_locked_out_by_strangers(make_web: MakeWeb) -> None:
    web = await make_web(RATE_LIMIT_ACCOUNT_FAILURES=8, RATE_LIMIT_SIGN_IN_FAILURES=5)
    ada = await web.register(OWNER)
    assert await login(web, HOME, PASSWORD) == 200
    strangers = [f"198.51.100.{number}" for number in range(1, 5)]
    found = [await attempt(web, address) for address in strangers * 3]
    assert found == [(401, "")] * 8 + [(429, "sign-in-failures-account")] * 4
    assert await login(web, HOME, PASSWORD) == 200, "from where the owner has signed in before"
    assert await login(web, "203.0.113.7", PASSWORD) == 429, "a stranger, for all one knows"
    headers = {"cookie": f"probity_refresh={ada.cookie}"}
    assert (await web.client.post("/api/v1/auth/refresh", headers=headers)).status_code == 200
    # A known address may guess no more often than any other.
    found = [await attempt(web, HOME) for _ in range(6)]
    assert found == [(401, "")] * 5 + [(429, "sign-in-failures")]


async def test_right_passwords_use_nothing_up(make_web: MakeWeb) -> None:
    web = await make_web(RATE_LIMIT_ACCOUNT_FAILURES=3, RATE_LIMIT_SIGN_IN_FAILURES=3)
    await web.register(OWNER)
    assert [await login(web, HOME, PASSWORD) for _ in range(6)] == [200] * 6
    assert [await login(web, HOME) for _ in range(4)] == [401] * 3 + [429]


async def test_who_is_sent_away_before_the_hash_has_not_failed(make_web: MakeWeb) -> None:
    web = await make_web(
        PASSWORD_HASH_WORKERS=1, PASSWORD_HASH_QUEUE=1, RATE_LIMIT_SIGN_IN_FAILURES=12
    )
    found = await asyncio.gather(*(login(web, HOME) for _ in range(12)))
    checked = found.count(401)
    assert checked < 12
    later = [await login(web, HOME) for _ in range(13)]
    assert later == [401] * (12 - checked) + [429] * (checked + 1)


async def test_who_is_sent_away_has_cost_no_query(make_web: MakeWeb) -> None:
    web = await make_web(PASSWORD_HASH_WORKERS=1, PASSWORD_HASH_QUEUE=1)
    emails = [f"p{number}@example.org" for number in range(12)]
    found = await asyncio.gather(*(login(web, HOME, WRONG, email) for email in emails))
    assert set(found) == {401, 429}
    rows = await web.accounts.users._pool.fetch("SELECT hits FROM sign_in_counts")
    # The address, and each account that was looked at, from there and from anywhere.
    assert len(rows) == 1 + 2 * found.count(401)


async def test_windows_end(make_web: MakeWeb) -> None:
    web = await make_web(RATE_LIMIT_SIGN_IN_FAILURES=1)
    assert [await login(web, HOME) for _ in range(3)] == [401, 429, 429]
    await web.accounts.users._pool.execute("UPDATE sign_in_counts SET ends_at = 1")
    assert [await login(web, HOME) for _ in range(2)] == [401, 429]


async def test_windows_move_with_the_clock(make_web: MakeWeb) -> None:
    web = await make_web(RATE_LIMIT_SIGN_IN_FAILURES=6)
    pool = web.accounts.users._pool
    assert [await login(web, HOME) for _ in range(7)] == [401] * 6 + [429]
    # Half of the next window later, three of those of before are still held against the address.
    half = "UPDATE sign_in_counts SET ends_at = ends_at - window_us * 3 / 2"
    await pool.execute(half)
    assert [await login(web, HOME) for _ in range(4)] == [401] * 4
    async with web.from_address(HOME) as client:
        answer = await client.post(LOGIN, json={"email": OWNER, "password": WRONG})
    error = answer.json()["error"]
    assert answer.status_code == 429
    # Until the two that are still held are one.
    assert 90 <= int(answer.headers["retry-after"]) <= 150
    assert "6 in 900 s" in repr(error)
    # Behind a window in which nothing came all is there again.
    await pool.execute("UPDATE sign_in_counts SET ends_at = ends_at - window_us * 2")
    assert [await login(web, HOME) for _ in range(7)] == [401] * 6 + [429]


@pytest.mark.parametrize(
    ("hits", "most", "held", "wait_us"),
    [
        (Hits(3, 500, 0, 1_000), 3, 3, 500),
        (Hits(1, 500, 4, 1_000), 4, 3, 0),
        (Hits(3, 900, 4, 1_000), 4, 6, 650),
        (Hits(3, 900, 4_000, 1_000), 4, 6, 650),
        (Hits(4, 900, 4, 1_000), 4, 7, 900),
        (Hits(1, -5, 4, 1_000), 4, 1, 0),
    ],
)
def test_what_is_held_against_a_key(hits: Hits, most: int, held: int, wait_us: int) -> None:
    assert (hits.held(most), hits.wait_us(most, is_given_back=False)) == (held, wait_us)
    one_less = msgspec.structs.replace(hits, hits=hits.hits - 1)
    assert hits.wait_us(most, is_given_back=True) == one_less.wait_us(most, is_given_back=False)


async def test_no_address_of_anybody_is_kept(web: Web) -> None:
    await web.register(OWNER)
    await login(web, HOME)
    await login(web, HOME, PASSWORD)
    rows = await web.accounts.users._pool.fetch("SELECT * FROM sign_in_counts")
    assert len(rows) == 4
    assert not any(text in repr(rows) for text in (OWNER, "example.org", HOME))


@pytest.mark.parametrize("windows", [1, 2])
async def test_a_crowd_on_the_same_rows_ends(make_web: MakeWeb, windows: int) -> None:
    """Rows are locked in one order: attempts that share some of them can't block one another."""
    webs = [await make_web(RATE_LIMIT_SIGN_IN_FAILURES=10_000) for _ in range(windows)]
    mine = [(web, f"198.51.100.{n % 3}", f"p{n % 4}@example.org") for n in range(8) for web in webs]
    found = await asyncio.gather(*(login(web, at, WRONG, email) for web, at, email in mine))
    assert set(found) == {401}


class Counts:
    """A store whose statements take a while; knows how many ran at once, and in which order."""

    def __init__(self, seconds: float, longest_s: float) -> None:
        self.longest_s = longest_s
        self._seconds = seconds
        self.running = self.most = 0
        self.asked: list[bytes] = []

    async def hit(
        self, keys: Sequence[bytes], _windows: Sequence[int], _looked_at: Sequence[bytes] = ()
    ) -> dict[bytes, Hits]:
        self.running += 1
        self.most = max(self.most, self.running)
        self.asked.append(keys[0])
        try:
            await asyncio.sleep(self._seconds)
        finally:
            self.running -= 1
        return {key: Hits(1, 1) for key in keys}


def attempts_on(counts: Counts) -> Attempts:
    return Attempts(cast("SignInCounts", counts), load_settings({}).limits, b"secret")


async def test_a_crowd_is_counted_few_at_a_time_and_addresses_take_turns() -> None:
    counts = Counts(0.005, 5)
    attempts = attempts_on(counts)
    crowd = [attempts.count_address("192.0.2.1") for _ in range(40)]
    await asyncio.gather(*crowd, attempts.count_address("192.0.2.2"))
    assert counts.most == AT_ONCE
    theirs = attempts._key("sign-in", "192.0.2.2")
    assert counts.asked.index(theirs) <= AT_ONCE + 1


async def test_nobody_waits_longer_for_a_turn_than_a_statement_may_take() -> None:
    attempts = attempts_on(Counts(60, 0.2))
    loop = asyncio.get_running_loop()
    began = loop.time()
    crowd = [attempts.count_address(f"192.0.2.{number}") for number in range(20)]
    ends = await asyncio.gather(*crowd, return_exceptions=True)
    assert loop.time() - began < 2
    assert [type(end) for end in ends] == [TimeoutError] * 20


async def test_places_to_wait_are_bounded() -> None:
    attempts = attempts_on(Counts(0.01, 5))
    crowd = [attempts.count_address("192.0.2.1") for _ in range(AT_ONCE + WAITING + 5)]
    ends = await asyncio.gather(*crowd, return_exceptions=True)
    assert [type(end) for end in ends if end is not None] == [RateLimited] * 5
