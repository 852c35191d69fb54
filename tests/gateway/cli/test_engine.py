"""`probity engine`: it trades behind gateways, does what there must be one of, and has no API."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from persistence.postgres.database import connect
from tests.gateway.cli.command_line import run
from tests.redis_process import RedisProcess
from tests.server_process import ADMIN_EMAIL, ServerProcess, until

ONE_OF = ("economy", "purchases", "referrals", "mirrors", "house", "proposals", "audit-tip")
"""What an exchange has one of."""


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Iterator[dict[str, str]]:
    redis = RedisProcess(tmp_path)
    redis.start()
    yield {"DATABASE_URL": database_url, "REDIS_URL": redis.url}
    redis.clean_up()


def figures(process: ServerProcess) -> dict[str, float]:
    lines = httpx.get(f"{process.url}/metrics").text.splitlines()
    return {
        name: float(value)
        for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")
    }


def health_of(process: ServerProcess) -> Any:
    return httpx.get(f"{process.url}/health").json()["data"]


def works(process: ServerProcess) -> set[str]:
    """Return the names of what a process does without end."""
    begin = 'job_failures_total{job="'
    return {
        name.removeprefix(begin).removesuffix('"}')
        for name in figures(process)
        if name.startswith(begin)
    }


async def test_it_trades_behind_gateways_which_have_the_api(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    engine = ServerProcess(tmp_path / "data", settings, "engine")
    gateway = ServerProcess(tmp_path / "data", settings, "gateway")
    gateway.log = tmp_path / "gateway.log"
    try:
        engine.start()
        gateway.start()
        assert not engine.answers("/api/v1/markets")
        assert gateway.answers("/api/v1/markets")
        assert figures(engine)["engine_epoch"] == figures(gateway)["engine_epoch"] == 1
        assert works(engine).issuperset(ONE_OF)
        assert works(engine).isdisjoint({"job-queue", "projector"})
        assert works(gateway).isdisjoint(ONE_OF)
        connection = await connect(settings["DATABASE_URL"])
        assert await connection.fetchval("SELECT email FROM users") == ADMIN_EMAIL
        await connection.close()
        assert gateway.end() == 0
        assert engine.end() == 0
    finally:
        gateway.clean_up()
        engine.clean_up()


async def test_a_standby_says_how_far_it_is_and_leads_when_the_engine_ends(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    engine = ServerProcess(tmp_path / "data", settings, "engine")
    standby = ServerProcess(tmp_path / "data", settings, "engine")
    standby.log = tmp_path / "standby.log"
    try:
        engine.start()
        standby.start("--standby")
        health = health_of(standby)
        silent_ms = health["feed"].pop("silentMs")
        assert health == {"status": "ok", "feed": {"stale": False, "epoch": 1, "seq": 0}}
        assert silent_ms < 2_000
        assert figures(engine)["engine_leads"] == 1
        assert (figures(standby)["engine_leads"], figures(standby)["standby_differs"]) == (0, 0)
        assert figures(standby)["standby_ready"] == 1
        assert figures(standby)["standby_compared_timestamp_seconds"] == 0
        assert works(standby).isdisjoint(ONE_OF)
        assert engine.end() == 0
        await until(lambda: figures(standby)["engine_leads"] == 1)
        await until(lambda: works(standby).issuperset(ONE_OF))
        await until(lambda: health_of(standby) == {"status": "ok"})
        assert standby.is_ready()
        assert (figures(standby)["engine_epoch"], figures(standby)["standby_ready"]) == (2, 1)
        assert standby.end() == 0
    finally:
        standby.clean_up()
        engine.clean_up()


async def test_a_standby_makes_no_keys_and_no_schema(
    tmp_path: Path, empty_database_url: str
) -> None:
    known = {"DATABASE_URL": empty_database_url, "REDIS_URL": "redis://127.0.0.1:1"}
    code, _, err = await run(tmp_path, "engine", "--standby", **known)
    assert (code, err.startswith("probity: JWT_PRIVATE_KEY: ")) == (2, True)
    assert list(tmp_path.iterdir()) == []


async def test_without_redis_nobody_would_reach_it(tmp_path: Path) -> None:
    code, out, err = await run(tmp_path, "engine")
    assert (code, out) == (2, "")
    assert err == ("probity: REDIS_URL: is missing: an engine reaches its gateways through Redis\n")
    assert list(tmp_path.iterdir()) == []
