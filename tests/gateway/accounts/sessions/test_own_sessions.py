"""One's sessions: where one is signed in, how that ends, and for how long it is a fresh login."""

from typing import Any

import httpx
import pytest

from gateway.accounts.sessions.fresh import FreshLogin
from gateway.wire.errors import FreshLoginRequired
from persistence.clock import MICROSECONDS
from persistence.repositories.people.sessions import Sessions
from tests.gateway.conftest import PASSWORD, MakeWeb, Person, Web, person_of

SESSIONS = "/api/v1/users/me/sessions"
LOGIN = "/api/v1/auth/login"
CHANGE = "/api/v1/auth/password/change"
STEP_UP = "/api/v1/auth/step-up"
DAY_US = 86_400 * MICROSECONDS


async def call(
    web: Web, who: Person, method: str, path: str = SESSIONS, body: Any = None
) -> httpx.Response:
    return await web.client.request(method, path, headers=who.bearer, json=body)


async def login(
    web: Web, person: Person, password: str = PASSWORD, device: str = "curl/8"
) -> httpx.Response:
    body = {"email": person.email, "password": password}
    answer = await web.client.post(LOGIN, json=body, headers={"user-agent": device})
    web.client.cookies.clear()
    return answer


async def again(web: Web, person: Person, device: str = "curl/8") -> Person:
    return person_of(await login(web, person, device=device))


async def refresh(web: Web, cookie: str, device: str = "curl/8") -> httpx.Response:
    headers = {"cookie": f"probity_refresh={cookie}", "user-agent": device}
    answer = await web.client.post("/api/v1/auth/refresh", headers=headers)
    web.client.cookies.clear()
    return answer


async def me(web: Web, person: Person) -> int:
    return (await call(web, person, "GET", "/api/v1/auth/me")).status_code


def ended_in(web: Web) -> list[tuple[int, int]]:
    """What sockets are told to close."""
    ended: list[tuple[int, int]] = []
    web.accounts.sessions.on_revoked.append(lambda user, session: ended.append((user, session)))
    return ended


async def test_a_session_shows_its_device_and_is_ended_alone(web: Web) -> None:
    ended = ended_in(web)
    ada, ben = await web.register(), await web.register()
    phone = await again(web, ada, device="Phone\t\x01/1 " + "x" * 300)
    listed = (await call(web, ada, "GET")).json()
    assert listed["pagination"]["total"] == 2
    here, there = listed["data"]
    assert (here["current"], there["current"]) == (True, False)
    assert there["address"] == "192.0.2.1"
    assert there["device"].startswith("Phone/1 xxx")
    assert len(there["device"]) <= 200
    assert there["createdAt"] == there["lastSeenAt"] < there["expiresAt"]
    for somebody_elses in (ben, phone):
        answer = await call(web, ben, "DELETE", f"{SESSIONS}/{there['id']}")
        assert answer.status_code == 404, somebody_elses
    assert await me(web, phone) == 200
    assert (await call(web, ada, "DELETE", f"{SESSIONS}/{there['id']}")).status_code == 200
    assert ended == [(ada.id, int(there["id"]))]
    assert [await me(web, one) for one in (ada, phone, ben)] == [200, 401, 200]
    assert (await refresh(web, phone.cookie)).status_code == 401
    for gone in (there["id"], "999", "0", "x"):
        assert (await call(web, ada, "DELETE", f"{SESSIONS}/{gone}")).status_code == 404
    for bad in ("limit=0", "cursor=x", "user=1"):
        assert (await call(web, ada, "GET", f"{SESSIONS}?{bad}")).status_code == 400


async def test_all_other_sessions_are_ended_at_once(web: Web) -> None:
    ended = ended_in(web)
    ada, ben = await web.register(), await web.register()
    others = [await again(web, ada) for _ in range(3)]
    answer = await call(web, others[1], "DELETE")
    assert answer.json()["data"] == {"ended": 3}
    assert len(ended) == 3
    everybody = (ada, *others, ben)
    assert [await me(web, one) for one in everybody] == [401, 401, 200, 401, 200]


async def test_a_renewal_is_seen(web: Web) -> None:
    ada = await web.register()
    pool = web.parts.pool
    await pool.execute("UPDATE sessions SET seen_at = 1000000, device = NULL")
    renewed = person_of(await refresh(web, ada.cookie, device="Phone"))
    [session] = (await call(web, renewed, "GET")).json()["data"]
    assert session["device"] == "Phone"
    assert session["lastSeenAt"] > session["createdAt"]


async def test_whoever_signs_in_too_often_loses_the_session_used_longest_ago(
    make_web: MakeWeb,
) -> None:
    web = await make_web(SESSIONS_MAX=2)
    ada = await web.register()
    second = await again(web, ada)
    ada = person_of(await refresh(web, ada.cookie))
    third = await again(web, ada)
    assert [await me(web, one) for one in (ada, second, third)] == [200, 401, 200]


async def test_no_renewal_makes_a_session_last_longer_than_it_may(make_web: MakeWeb) -> None:
    web = await make_web(SESSION_ENDS_IN="8d", JWT_REFRESH_EXPIRES_IN="7d")
    ada = await web.register()
    pool = web.parts.pool
    await pool.execute("UPDATE sessions SET ends_at = ends_at - $1", 7 * DAY_US + DAY_US // 2)
    answer = await refresh(web, ada.cookie)
    age = int(answer.headers["set-cookie"].partition("Max-Age=")[2].partition(";")[0])
    assert 42_000 < age <= 43_200
    assert answer.json()["data"]["expiresIn"] == 900
    await pool.execute("UPDATE sessions SET ends_at = ends_at - $1", DAY_US // 2 - 60_000_000)
    last = await refresh(web, person_of(answer).cookie)
    assert 0 < last.json()["data"]["expiresIn"] <= 60
    await pool.execute("UPDATE sessions SET ends_at = 1")
    assert (await refresh(web, person_of(last).cookie)).status_code == 401


async def test_a_password_is_changed_by_who_knows_it_and_ends_all_other_sessions(
    web: Web,
) -> None:
    ended = ended_in(web)
    ada = await web.register()
    phone = await again(web, ada)
    new = "a new password"
    for current, status, field in (
        ("wrong password", 403, "currentPassword"),
        (None, 400, "currentPassword"),
    ):
        body = {"newPassword": new} | ({} if current is None else {"currentPassword": current})
        answer = await call(web, ada, "POST", CHANGE, body)
        assert (answer.status_code, answer.json()["error"]["details"][0]["field"]) == (
            status,
            field,
        )
    for bad in ("short", "x" * 129, "nul\0nul\0nul"):
        body = {"newPassword": bad, "currentPassword": PASSWORD}
        answer = await call(web, ada, "POST", CHANGE, body)
        assert answer.status_code == 400
        assert answer.json()["error"]["details"][0]["field"] == "newPassword"
    assert await me(web, phone) == 200
    body = {"newPassword": new, "currentPassword": PASSWORD}
    assert (await call(web, ada, "POST", CHANGE, body)).status_code == 200
    assert [await me(web, one) for one in (ada, phone)] == [200, 401]
    assert len(ended) == 1
    assert (await login(web, ada)).status_code == 401
    assert (await login(web, ada, new)).status_code == 200


async def test_a_stolen_token_guesses_the_password_no_more_often_than_at_the_door(
    make_web: MakeWeb,
) -> None:
    web = await make_web(RATE_LIMIT_SIGN_IN_FAILURES=3)
    ada = await web.register()
    body = {"newPassword": "a new password", "currentPassword": "wrong password"}
    seen = [(await call(web, ada, "POST", CHANGE, body)).status_code for _ in range(4)]
    assert seen == [403, 403, 403, 429]
    answer = await call(web, ada, "POST", STEP_UP, {"password": PASSWORD})
    assert answer.status_code == 429
    assert (await login(web, ada)).status_code == 429


async def test_a_fresh_login_is_one_session_s_and_goes_stale(make_web: MakeWeb) -> None:
    web = await make_web()
    ada = await web.register()
    stale, other = [
        await web.accounts.sessions.verify((await again(web, ada)).token.encode()) for _ in range(2)
    ]
    fresh = FreshLogin(Sessions(web.parts.pool), web.accounts.audit, 600)
    await fresh.require(stale)
    await web.parts.pool.execute("UPDATE sessions SET proved_at = proved_at - 601000000")
    for principal in (stale, other):
        with pytest.raises(FreshLoginRequired):
            await fresh.require(principal)
    wrong = await call(web, ada, "POST", STEP_UP, {"password": "wrong password"})
    assert wrong.status_code == 403
    right = await call(web, ada, "POST", STEP_UP, {"password": PASSWORD})
    assert right.json()["data"]["freshUntil"] > "2026"
    own = await web.accounts.sessions.verify(ada.token.encode())
    await fresh.require(own)
    with pytest.raises(FreshLoginRequired):
        await fresh.require(stale)
