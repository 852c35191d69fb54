"""Machines whose clocks differ: sessions go by the database's, whoever is asked."""

import time

import httpx
import pytest

from tests.gateway.conftest import MakeWeb, Web, person_of

HOUR_NS = 3_600_000_000_000
REFRESH = "/api/v1/auth/refresh"


async def refresh(web: Web, cookie: str) -> httpx.Response:
    answer = await web.client.post(REFRESH, headers={"cookie": f"probity_refresh={cookie}"})
    web.client.cookies.clear()
    return answer


def set_clock(monkeypatch: pytest.MonkeyPatch, by_ns: int) -> None:
    """Let this machine's clock be off from now on."""
    right = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: right() + by_ns)


async def test_a_machine_that_is_ahead_ends_no_session(
    make_web: MakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = await make_web(REFRESH_GRACE_SECONDS=300)
    ada = await web.register()
    first = person_of(await refresh(web, ada.cookie))
    set_clock(monkeypatch, HOUR_NS)
    # Another tab, within the grace, at another process.
    assert (await refresh(web, ada.cookie)).status_code == 200
    assert (await refresh(web, first.cookie)).status_code == 200


async def test_a_machine_that_is_behind_takes_no_used_token(
    make_web: MakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = await make_web(REFRESH_GRACE_SECONDS=0)
    ada = await web.register()
    thief = person_of(await refresh(web, ada.cookie))
    set_clock(monkeypatch, -HOUR_NS)
    assert (await refresh(web, ada.cookie)).status_code == 401
    assert (await refresh(web, thief.cookie)).status_code == 401


async def test_a_machine_that_is_off_opens_sessions_of_the_right_length(
    make_web: MakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = await make_web()
    set_clock(monkeypatch, 24 * HOUR_NS)
    ada = await web.register()
    pool = web.accounts.users._pool
    seconds = (
        "SELECT expires_at / 1000000 - extract(epoch FROM clock_timestamp())::bigint"
        " FROM sessions WHERE user_id = $1"
    )
    assert abs(await pool.fetchval(seconds, ada.id) - 7 * 24 * 3_600) <= 60
