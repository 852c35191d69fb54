"""Sign-in: who gets in, what they are given, and what ends it."""

import asyncio
import statistics
import time
from typing import Any

import httpx
import pytest

from exchange.messages.bounds import ISSUANCE_MAX
from exchange.messages.commands import OpenAccount
from persistence.repositories.people.sessions import RoleNow
from tests.gateway.conftest import PASSWORD, MakeWeb, Web, person_of
from tests.measured import tries

REGISTER = "/api/v1/auth/register"
LOGIN = "/api/v1/auth/login"
REFRESH = "/api/v1/auth/refresh"
LOGOUT = "/api/v1/auth/logout"
ME = "/api/v1/auth/me"
GOOD = {"email": "ada@example.org", "password": PASSWORD}


async def refresh(web: Web, cookie: str, prefix: str = "/api/v1") -> httpx.Response:
    headers = {"cookie": f"probity_refresh={cookie}"}
    answer = await web.client.post(f"{prefix}/auth/refresh", headers=headers)
    web.client.cookies.clear()
    return answer


async def me(web: Web, token: str) -> int:
    answer = await web.client.get(ME, headers={"authorization": f"Bearer {token}"})
    return answer.status_code


async def audit(web: Web) -> list[tuple[int | None, str, str | None, str]]:
    """The audit log, oldest first."""
    entries, _ = await web.accounts.audit.page(100, 0)
    return [(e.actor_id, e.action, e.target, e.outcome) for e in reversed(entries)]


async def test_registration_signs_in_and_opens_the_account(web: Web) -> None:
    body = {"email": "Ada@Example.ORG", "password": PASSWORD}
    answer = await web.client.post(REGISTER, json=body)
    assert answer.status_code == 201
    data = answer.json()["data"]
    assert data["user"] == {
        "id": "1",
        "email": "ada@example.org",
        "displayName": "Trader-1",
        "role": "USER",
        "createdAt": data["user"]["createdAt"],
        "username": None,
        "avatarUrl": None,
        "emailVerified": False,
    }
    assert set(data) == {"user", "accessToken", "expiresIn"}
    assert data["expiresIn"] == 900
    assert web.engine.submitted == [OpenAccount(1, 1_000_000_000)]
    cookie = answer.headers["set-cookie"]
    for attribute in ("HttpOnly", "SameSite=Strict", "Path=/api", "Max-Age=604800"):
        assert attribute in cookie.split("; ")
    assert "Secure" not in cookie
    assert data["accessToken"] not in cookie
    shown = await web.client.get(ME, headers={"authorization": f"Bearer {data['accessToken']}"})
    assert shown.json()["data"]["user"] == data["user"]


async def test_cookie_is_secure_over_https(web: Web) -> None:
    body = {"email": "ada@example.org", "password": PASSWORD}
    answer = await web.client.post("https://exchange" + REGISTER, json=body)
    assert "Secure" in answer.headers["set-cookie"].split("; ")


async def test_email_is_registered_once_whatever_its_case(web: Web) -> None:
    await web.register("ada@example.org")
    body = {"email": "ADA@example.org", "password": PASSWORD}
    answer = await web.client.post(REGISTER, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONFLICT")
    assert web.engine.submitted == [OpenAccount(1, 1_000_000_000)]


async def test_registered_at_the_same_moment_only_one_is(web: Web) -> None:
    body = {"email": "ada@example.org", "password": PASSWORD}
    answers = await asyncio.gather(*(web.client.post(REGISTER, json=body) for _ in range(8)))
    assert sorted(a.status_code for a in answers) == [201] + [409] * 7


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"password": PASSWORD}, "email"),
        ({"email": "ada@example.org"}, "password"),
        ({"email": "ada", "password": PASSWORD}, "email"),
        ({"email": "ada@localhost", "password": PASSWORD}, "email"),
        ({"email": "ada@@example.org", "password": PASSWORD}, "email"),
        ({"email": ".ada@example.org", "password": PASSWORD}, "email"),
        ({"email": "a..da@example.org", "password": PASSWORD}, "email"),
        ({"email": "ada@-example.org", "password": PASSWORD}, "email"),
        ({"email": "ada@example.org\n", "password": PASSWORD}, "email"),
        ({"email": " ada@example.org", "password": PASSWORD}, "email"),
        ({"email": "ad\u0430@example.org", "password": PASSWORD}, "email"),
        ({"email": "ada@ﬁrm.org", "password": PASSWORD}, "email"),
        ({"email": "a" * 65 + "@example.org", "password": PASSWORD}, "email"),
        ({"email": "a@" + "b." * 130 + "org", "password": PASSWORD}, "email"),
        ({"email": "a\x00@example.org", "password": PASSWORD}, "email"),
        ({"email": 7, "password": PASSWORD}, "email"),
        ({"email": None, "password": PASSWORD}, "email"),
        ({"email": "ada@example.org", "password": "short"}, "password"),
        ({"email": "ada@example.org", "password": "x" * 129}, "password"),
        ({"email": "ada@example.org", "password": "nul\x00nul\x00nul"}, "password"),
        ({**GOOD, "role": "ADMIN"}, "role"),
        ({**GOOD, "displayName": ""}, "displayName"),
        ({**GOOD, "displayName": "a@b.c"}, "displayName"),
        ({**GOOD, "displayName": "\u202eada"}, "displayName"),
        ({**GOOD, "displayName": "x" * 41}, "displayName"),
    ],
)  # fmt: skip
async def test_malformed_registration_names_the_field(
    web: Web, body: dict[str, Any], field: str
) -> None:
    answer = await web.client.post(REGISTER, json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in error["details"]] == [field]
    assert (await web.accounts.users.page(10, 0))[1] == 0


async def test_registration_is_refused_while_the_exchange_drains(web: Web) -> None:
    web.readiness.drain()
    answer = await web.client.post(
        REGISTER, json={"email": "ada@example.org", "password": PASSWORD}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "UNAVAILABLE")
    assert (await web.accounts.users.page(10, 0))[1] == 0


async def test_login_opens_an_account_that_is_missing(web: Web) -> None:
    web.engine.is_open = False
    body = {"email": "ada@example.org", "password": PASSWORD}
    assert (await web.client.post(REGISTER, json=body)).status_code == 503
    assert (await web.client.post(LOGIN, json=body)).status_code == 503
    web.engine.is_open = True
    assert (await web.client.post(LOGIN, json=body)).status_code == 200
    assert (await web.client.post(LOGIN, json=body)).status_code == 200
    assert web.engine.submitted == [OpenAccount(1, 1_000_000_000)]


async def test_nobody_is_signed_in_whose_account_the_engine_refuses(make_web: MakeWeb) -> None:
    web = await make_web(STARTING_CREDITS="1000000000")
    web.engine.view.issued = web.engine.live.issued = ISSUANCE_MAX
    body = {"email": "ada@example.org", "password": PASSWORD}
    for path in (REGISTER, LOGIN):
        answer = await web.client.post(path, json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "ISSUANCE_EXHAUSTED")
        assert "set-cookie" not in answer.headers


async def test_unknown_user_and_wrong_password_look_the_same(web: Web) -> None:
    await web.register("ada@example.org")
    wrong = {"email": "ada@example.org", "password": "wrong horse battery"}
    unknown = {"email": "bob@example.org", "password": "wrong horse battery"}
    errors = []
    for attempt in tries():
        times: dict[str, list[float]] = {"wrong": [], "unknown": []}
        for _ in range(7):
            for name, body in (("wrong", wrong), ("unknown", unknown)):
                started = time.perf_counter()
                answer = await web.client.post(LOGIN, json=body)
                times[name].append(time.perf_counter() - started)
                errors.append((answer.status_code, answer.json()["error"]))
        assert all(error == errors[0] for error in errors)
        assert errors[0][0] == 401
        medians = [statistics.median(values) for values in times.values()]
        # A hash takes some 15 ms; without the dummy one the unknown user would take a tenth of it.
        attempt.holds("the slower, of the quicker", max(medians) / min(medians), 3)


async def test_crowd_at_the_door_is_told_to_come_back(make_web: MakeWeb) -> None:
    web = await make_web(PASSWORD_HASH_WORKERS=1, PASSWORD_HASH_QUEUE=2)
    body = {"email": "ada@example.org", "password": PASSWORD}
    answers = await asyncio.gather(*(web.client.post(LOGIN, json=body) for _ in range(12)))
    statuses = sorted(a.status_code for a in answers)
    assert statuses[:3] == [401, 401, 401]
    assert statuses[-1] == 429
    assert all(int(a.headers["retry-after"]) >= 1 for a in answers if a.status_code == 429)
    assert (await web.client.post(LOGIN, json=body)).status_code == 401


async def test_refresh_gives_a_new_pair_under_both_mounts(web: Web) -> None:
    ada = await web.register()
    first = person_of(await refresh(web, ada.cookie))
    second = person_of(await refresh(web, first.cookie, "/api"))
    assert len({ada.cookie, first.cookie, second.cookie}) == 3
    assert len({ada.token, first.token, second.token}) == 3
    assert await me(web, second.token) == 200


async def test_reused_refresh_token_ends_the_whole_session(make_web: MakeWeb) -> None:
    web = await make_web(REFRESH_GRACE_SECONDS=0)
    ended: list[tuple[int, int]] = []
    web.accounts.sessions.on_revoked.append(lambda user, session: ended.append((user, session)))
    ada = await web.register()
    thief = person_of(await refresh(web, ada.cookie))
    assert await me(web, ada.token) == 200
    assert (await refresh(web, ada.cookie)).status_code == 401
    assert (await refresh(web, thief.cookie)).status_code == 401
    assert [await me(web, token) for token in (ada.token, thief.token)] == [401, 401]
    assert ended == [(ada.id, 1)]
    assert (ada.id, "auth.refresh", "session:1", "reused") in await audit(web)


async def test_concurrent_tabs_may_use_one_refresh_token_within_the_grace(web: Web) -> None:
    ada = await web.register()
    answers = await asyncio.gather(*(refresh(web, ada.cookie) for _ in range(4)))
    assert [a.status_code for a in answers] == [200] * 4
    assert len({person_of(a).cookie for a in answers}) == 4
    assert (await refresh(web, person_of(answers[0]).cookie)).status_code == 200


@pytest.mark.parametrize(
    "cookie", ["", "unknown", "a" * 5_000, '"', "\x00", "é", "=;probity_refresh=x"]
)
async def test_refresh_without_a_token_of_ours_is_refused(web: Web, cookie: str) -> None:
    headers = [(b"cookie", b"probity_refresh=" + cookie.encode())]
    answer = await web.client.post(REFRESH, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHORIZED")


async def test_refresh_token_ends_with_its_time(make_web: MakeWeb, database_url: str) -> None:
    web = await make_web()
    ada = await web.register()
    await web.accounts.users._pool.execute("UPDATE refresh_tokens SET expires_at = 1")
    assert (await refresh(web, ada.cookie)).status_code == 401


async def test_logout_ends_the_session_and_no_other(web: Web) -> None:
    ended: list[tuple[int, int]] = []
    web.accounts.sessions.on_revoked.append(lambda user, session: ended.append((user, session)))
    ada = await web.register("ada@example.org")
    body = {"email": "ada@example.org", "password": PASSWORD}
    elsewhere = person_of(await web.client.post(LOGIN, json=body))
    web.client.cookies.clear()
    assert await me(web, ada.token) == 200
    answer = await web.client.post(LOGOUT, headers=ada.bearer)
    assert answer.status_code == 200
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert await me(web, ada.token) == 401
    assert (await refresh(web, ada.cookie)).status_code == 401
    assert await me(web, elsewhere.token) == 200
    assert ended == [(ada.id, 1)]


async def test_logout_by_the_cookie_alone_revokes_the_access_token(web: Web) -> None:
    ada = await web.register()
    assert await me(web, ada.token) == 200
    await web.client.post(LOGOUT, headers={"cookie": f"probity_refresh={ada.cookie}"})
    assert await me(web, ada.token) == 401


async def test_logout_during_a_verification_is_not_forgotten(web: Web) -> None:
    ada = await web.register()
    auth = web.accounts.sessions
    token = ada.token.encode()
    session_ended = asyncio.Event()
    role_in = auth._sessions.role_in

    async def slow_role_in(session_id: int, user_id: int) -> RoleNow | None:
        role = await role_in(session_id, user_id)
        await session_ended.wait()
        return role

    auth._sessions.role_in = slow_role_in  # type: ignore[method-assign]
    verifying = asyncio.create_task(auth.verify(token))
    await asyncio.sleep(0)
    await auth.logout(None, ada.cookie, "test")
    session_ended.set()
    await asyncio.wait([verifying])
    assert auth.remembered(token) is None


async def test_logout_of_nobody_is_no_error(web: Web) -> None:
    assert (await web.client.post(LOGOUT)).status_code == 200
    assert (await web.client.post(LOGOUT, json={})).status_code == 200
    assert (await web.client.post(LOGOUT, json={"all": True})).status_code == 400


async def test_every_event_is_in_the_audit_log_without_addresses(web: Web) -> None:
    ada = await web.register("ada@example.org")
    await web.client.post(LOGIN, json={"email": "ada@example.org", "password": "x" * 8})
    await web.client.post(LOGIN, json={"email": "bob@example.org", "password": "x" * 8})
    await web.client.post(LOGIN, json={"email": "ada@example.org", "password": PASSWORD})
    await web.client.post(REGISTER, json={"email": "ada@example.org", "password": PASSWORD})
    web.client.cookies.clear()
    await refresh(web, ada.cookie)
    await web.client.post(LOGOUT, headers=ada.bearer)
    assert await audit(web) == [
        (1, "auth.register", "user:1", "ok"),
        (None, "auth.login", "user:1", "refused"),
        (None, "auth.login", None, "refused"),
        (1, "auth.login", "user:1 password", "ok"),
        (None, "auth.register", None, "email taken"),
        (1, "auth.refresh", "session:1", "ok"),
        (1, "auth.logout", "session:1", "ok"),
    ]


async def test_passwords_and_refresh_tokens_are_stored_as_hashes(web: Web) -> None:
    ada = await web.register()
    pool = web.accounts.users._pool
    stored = await pool.fetchval("SELECT password_hash FROM users")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    dump = repr(await pool.fetch("SELECT * FROM refresh_tokens"))
    assert ada.cookie not in dump


async def test_log_holds_no_address_token_or_query(web: Web) -> None:
    ada = await web.register("ada@example.org")
    await web.client.post(LOGIN, json={"email": "ada@example.org", "password": "x" * 8})
    await web.client.get(ME + "?secret=swordfish", headers=ada.bearer)
    await web.client.get("/api/v1/auth/ada@example.org")
    await refresh(web, ada.cookie)
    log = web.log.getvalue()
    assert len(web.log_lines()) == 5
    for secret in ("@", "192.0.2.1", ada.token, ada.cookie, PASSWORD, "swordfish"):
        assert secret not in log
