"""`kill -9` before and after each step of what moves money outside the book: once, and accounted
for, whenever the process dies.
"""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.economy.movements.movements import Kind, Point
from tests.faults.economy import dying_server
from tests.server_process import ServerProcess, until

PATH = "/economy/daily-credits"


class DyingServer(ServerProcess):
    """A server that dies at a point, if one is set, at its next start."""

    dies_at = ""

    def launch(self, *arguments: str) -> None:
        if not self.dies_at:
            super().launch(*arguments)
            return
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(dying_server.__file__), self.command, *arguments],
                env=self.environment | {"DIES_AT": self.dies_at},
                cwd=self.data_dir.parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def is_dead(self) -> bool:
        """Whether the process has ended."""
        return self.process is not None and self.process.poll() is not None


@pytest.fixture
def server(home: Path) -> Iterator[DyingServer]:
    """A server, ready, that lives."""
    made = DyingServer(home / "data")
    made.start()
    yield made
    made.clean_up()


def claim(server: ServerProcess, token: str) -> httpx.Response | None:
    """Claim the day's reward; None if nobody answers."""
    with contextlib.suppress(httpx.HTTPError):
        return httpx.post(
            f"{server.url}/api/v1{PATH}",
            headers={"authorization": f"Bearer {token}"},
            timeout=30,
        )
    return None


async def until_settled(server: ServerProcess) -> None:
    """Wait until the sweep has seen everything through."""
    counting = "SELECT count(*) FROM money_intents WHERE status = 'PENDING'"
    async with asyncio.timeout(60), server.database() as connection:
        while await connection.fetchval(counting):  # noqa: ASYNC110 - another process empties it
            await asyncio.sleep(0.05)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_reward_is_given_once_wherever_the_process_dies(server: DyingServer) -> None:
    people = {point: await asyncio.to_thread(server.trader) for point in Point}
    hit = []
    for point, (user_id, token) in people.items():
        assert await asyncio.to_thread(server.end) == 0
        server.dies_at = f"{Kind.REWARD}:{point}"
        await asyncio.to_thread(server.start)
        before = (await asyncio.to_thread(server.call, "GET", "/user/balance", token))["total"]
        assert await asyncio.to_thread(claim, server, token) is None
        await until(server.is_dead)
        hit.append(server.dies_at)
        server.dies_at = ""
        await asyncio.to_thread(server.start)
        async with server.database() as connection:
            # As if the claim of the process that died were over.
            await connection.execute("UPDATE money_intents SET tried_at = 0")
        await until_settled(server)
        again = await asyncio.to_thread(claim, server, token)
        assert again is not None
        # Before the intent is stored nothing was intended.
        assert again.status_code == (200 if point is Point.BEFORE_INTENT else 409)
        after = (await asyncio.to_thread(server.call, "GET", "/user/balance", token))["total"]
        assert float(after) - float(before) == 100, (point, user_id)
    print("died at", *hit)
    assert len(hit) == len(Point)
    assert await asyncio.to_thread(server.end) == 0
    done = await asyncio.to_thread(server.run, "verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"ok    intents     {len(Point)} answers" in done.stdout
