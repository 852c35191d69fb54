"""`kill -9` before and after each step of what moves money outside the book: once, and accounted
for, whenever the process dies.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.economy.movements.movements import Kind, Point
from tests.faults.economy import dying_server
from tests.lengths import some
from tests.server_process import ADMIN_PASSWORD, ServerProcess, until

POINTS = some(list(Point), (1, 3))
"""Where something is half done; a long run dies at all of them."""
CALLS: dict[Kind, tuple[str, dict[str, str] | None, int, int]] = {
    Kind.REWARD: ("/economy/daily-credits", None, 100, 409),
    Kind.PURCHASE: ("/purchases", {"packageId": "starter", "requestId": "r"}, 500, 200),
}
"""Of each kind: what asks for it, how many credits it gives, and what a repeat is answered."""


class DyingServer(ServerProcess):
    """A server that dies at a point, if one is set, at its next start."""

    dies_at = ""

    def launch(self, *arguments: str) -> None:
        if not self.dies_at:
            super().launch(*arguments)
            return
        with self.log.open("ab") as log:
            command = [str(dying_server.__file__), self.command, *arguments]
            self.process = self._started(command, log, DIES_AT=self.dies_at)

    def is_dead(self) -> bool:
        """Whether the process has ended."""
        return self.process is not None and self.process.poll() is not None


@pytest.fixture
def server(home: Path) -> Iterator[DyingServer]:
    """A server, ready, that lives."""
    made = DyingServer(home / "data", {"PURCHASES": "simulated"})
    made.start()
    yield made
    made.clean_up()


def post(server: ServerProcess, token: str, path: str, body: object) -> httpx.Response | None:
    """Ask for something; None if nobody answers."""
    with contextlib.suppress(httpx.HTTPError):
        return httpx.post(
            f"{server.url}/api/v1{path}",
            json=body,
            headers={"authorization": f"Bearer {token}"},
            timeout=30,
        )
    return None


def ask(server: ServerProcess, token: str, kind: Kind) -> httpx.Response | None:
    """Ask for what moves money; None if nobody answers."""
    path, body, _, _ = CALLS[kind]
    return post(server, token, path, body)


async def until_settled(server: ServerProcess) -> None:
    """Wait until the sweep has seen everything through."""
    counting = """
        SELECT (SELECT count(*) FROM money_intents WHERE status = 'PENDING')
             + (SELECT count(*) FROM purchases WHERE status = 'CHARGING')
             + (SELECT count(*) FROM referrals WHERE rewarded_at IS NULL)
    """
    async with asyncio.timeout(60), server.database() as connection:
        while await connection.fetchval(counting):  # noqa: ASYNC110 - another process empties it
            await asyncio.sleep(0.05)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", CALLS)
async def test_it_happens_once_wherever_the_process_dies(server: DyingServer, kind: Kind) -> None:
    _, _, given, repeated = CALLS[kind]
    people = {point: await asyncio.to_thread(server.trader) for point in POINTS}
    hit = []
    for point, (user_id, token) in people.items():
        assert await asyncio.to_thread(server.end) == 0
        server.dies_at = f"{kind}:{point}"
        await asyncio.to_thread(server.start)
        before = (await asyncio.to_thread(server.call, "GET", "/user/balance", token))["total"]
        assert await asyncio.to_thread(ask, server, token, kind) is None
        await until(server.is_dead)
        hit.append(server.dies_at)
        server.dies_at = ""
        await asyncio.to_thread(server.start)
        async with server.database() as connection:
            # As if the claim of the process that died were over.
            await connection.execute("UPDATE money_intents SET tried_at = 0")
            await connection.execute("UPDATE purchases SET tried_at = 0")
        await until_settled(server)
        again = await asyncio.to_thread(ask, server, token, kind)
        assert again is not None
        # Before the intent is stored nothing was intended.
        assert again.status_code == (200 if point is Point.BEFORE_INTENT else repeated)
        after = (await asyncio.to_thread(server.call, "GET", "/user/balance", token))["total"]
        assert float(after) - float(before) == given, (point, user_id)
    print("died at", *hit)
    assert len(hit) == len(POINTS)
    assert await asyncio.to_thread(server.end) == 0
    done = await asyncio.to_thread(server.run, "verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"ok    intents     {len(POINTS)} answers" in done.stdout


def invite(server: ServerProcess, inviter: str) -> tuple[int, str]:
    """Register somebody by another one's code; return who they are, and their token."""
    code = server.call("GET", "/referrals/me", inviter)["code"]
    body = {"email": f"{secrets.token_hex(8)}@example.com", "password": ADMIN_PASSWORD}
    answer = server.call("POST", "/auth/register", body=body | {"referralCode": code})
    return int(answer["user"]["id"]), str(answer["accessToken"])


def place(server: ServerProcess, token: str) -> None:
    """Place a first order, which nobody may answer any more."""
    terms = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": "0.10", "quantity": "1"}
    post(server, token, "/orders/rain", terms)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_both_bonuses_are_given_once_wherever_the_process_dies(server: DyingServer) -> None:
    await asyncio.to_thread(server.market, "rain")
    _, inviter = await asyncio.to_thread(server.trader)
    hit = []
    for count, point in enumerate(POINTS, 1):
        _, token = await asyncio.to_thread(invite, server, inviter)
        assert await asyncio.to_thread(server.end) == 0
        server.dies_at = f"{Kind.REFERRAL}:{point}"
        await asyncio.to_thread(server.start)
        await asyncio.to_thread(place, server, token)
        await until(server.is_dead)
        hit.append(server.dies_at)
        server.dies_at = ""
        await asyncio.to_thread(server.start)
        async with server.database() as connection:
            await connection.execute("UPDATE money_intents SET tried_at = 0")
        await until_settled(server)
        for person, given in ((inviter, 50 * count), (token, 50)):
            told = await asyncio.to_thread(server.call, "GET", "/user/balance", person)
            assert float(told["total"]) == 1_000 + given, point
    print("died at", *hit)
    assert await asyncio.to_thread(server.end) == 0
    done = await asyncio.to_thread(server.run, "verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"ok    intents     {2 * len(POINTS)} answers" in done.stdout
