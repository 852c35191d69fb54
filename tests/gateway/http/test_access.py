"""The access test: walks the table and refuses, row by row, whoever a row doesn't admit."""

import re

import pytest

from exchange.messages.commands import OpenAccount, SuspendAccount
from gateway.access.api_keys.standing import Scope
from gateway.access.principals import Principal, Role
from gateway.http.routing import Access, Route
from tests.gateway.conftest import PASSWORD, MakeWeb, Web
from tests.persistence.running import listing

OWN_SIGN_IN = {
    "POST /auth/logout",
    "POST /auth/password/change",
    "POST /auth/step-up",
    "POST /auth/step-up/options",
    "POST /auth/wallet/step-up",
    "POST /auth/email/send",
    "POST /auth/2fa/totp",
    "POST /auth/2fa/totp/confirm",
    "DELETE /auth/2fa/totp",
    "POST /auth/2fa/recovery",
    "POST /auth/2fa/passkeys",
    "POST /auth/2fa/passkeys/options",
    "PATCH /auth/2fa/passkeys/{id}",
    "DELETE /auth/2fa/passkeys/{id}",
    "DELETE /users/me/sessions",
    "DELETE /users/me/sessions/{id}",
}
"""What changes nothing but by what, and where, one is signed in."""
AUDITORS_MAY = {
    *OWN_SIGN_IN,
    "PATCH /users/me",
    "PUT /users/me/preferences",
    "POST /orders/preview",
}
"""All that auditors may call beside reads; whatever else comes is refused to them."""
SUSPENDED_MAY = {*OWN_SIGN_IN, "POST /orders/preview"}
"""All that whoever is suspended may call beside reads and trading, which is the engine's to judge.
"""
ENDS_WHO_CALLS = {"POST /auth/logout", "DELETE /users/me", "DELETE /users/me/sessions/{id}"}


async def status(web: Web, prefix: str, route: Route, token: str | None) -> int:
    """Call a row with nothing sensible in it; who may call is decided before that matters."""
    path = prefix + re.sub(r"\{\w+\}", "1", route.path)
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    answer = await web.client.request(route.method, path, headers=headers)
    if answer.status_code in {401, 403}:
        codes = {401: {"UNAUTHORIZED"}, 403: {"FORBIDDEN", "ACCOUNT_SUSPENDED"}}
        assert answer.json()["error"]["code"] in codes[answer.status_code]
    return answer.status_code


async def test_every_row_admits_exactly_whom_it_declares(web: Web) -> None:
    user = await web.register()
    admin = await web.register(admin=True)
    gone = Principal(user.id, Role.USER, 999, 1)
    cache = web.accounts.sessions._cache
    cache.store(b"expired", gone, cache.revision)
    api, root = web.tables
    rows = [*(("/api/v1", r) for r in api.routes), *(("", r) for r in root.routes)]
    for prefix, route in rows:
        row = f"{route.method} {route.path}"
        if row in ENDS_WHO_CALLS:
            continue
        refused = {
            "nobody": await status(web, prefix, route, None) in {401, 403},
            "forged": await status(web, prefix, route, user.token[:-4] + "AAAA") in {401, 403},
            "expired": await status(web, prefix, route, "expired") in {401, 403},
            "user": await status(web, prefix, route, user.token) in {401, 403},
            "admin": await status(web, prefix, route, admin.token) in {401, 403},
        }
        closed = route.access is not Access.PUBLIC
        # Refreshing asks for the cookie, which nobody here has.
        expected = dict.fromkeys(refused, closed or route.path == "/auth/refresh")
        if closed:
            expected |= {"user": route.access is Access.ADMIN, "admin": False}
        assert refused == expected, row


def closed_rows(web: Web) -> list[Route]:
    rows = [*web.tables[0].routes, *web.tables[1].routes]
    rows = [row for row in rows if row.access is not Access.PUBLIC]
    return [row for row in rows if f"{row.method} {row.path}" not in ENDS_WHO_CALLS]


async def test_auditors_read_what_admins_read_and_change_nothing(web: Web) -> None:
    auditor, maker = await web.register(), await web.register()
    await web.accounts.users.set_role(auditor.id, "AUDITOR")
    await web.accounts.users.set_role(maker.id, "MARKET_MAKER")
    refused = set()
    for route in closed_rows(web):
        name = f"{route.method} {route.path}"
        if await status(web, "/api/v1", route, auditor.token) == 403:
            refused.add(name)
        is_refused = await status(web, "/api/v1", route, maker.token) == 403
        assert is_refused is (route.access is Access.ADMIN), name
    changes = {f"{row.method} {row.path}" for row in closed_rows(web) if row.method != "GET"}
    assert refused == changes - AUDITORS_MAY
    assert (await web.client.delete("/api/v1/users/me", headers=auditor.bearer)).status_code == 403
    draft = listing("secret", draft=True)
    web.engine.run(draft)
    for person, expected in ((auditor, 200), (maker, 404)):
        answer = await web.client.get(f"/api/v1/markets/{draft.slug}", headers=person.bearer)
        assert answer.status_code == expected


def suspend(web: Web, user_id: int) -> None:
    web.engine.run(OpenAccount(user_id, 1_000_000))
    web.engine.run(SuspendAccount(user_id, True))


async def test_who_is_suspended_reads_and_changes_nothing(web: Web) -> None:
    person, admin = await web.register(), await web.register(admin=True)
    suspend(web, person.id)
    refused = set()
    for route in closed_rows(web):
        if route.access is Access.USER and route.scope is not Scope.TRADE:
            path = "/api/v1" + re.sub(r"\{\w+\}", "1", route.path)
            answer = await web.client.request(route.method, path, headers=person.bearer)
            if answer.status_code == 403:
                assert answer.json()["error"]["code"] == "ACCOUNT_SUSPENDED"
                refused.add(f"{route.method} {route.path}")
    changes = {
        f"{row.method} {row.path}"
        for row in closed_rows(web)
        if row.method != "GET" and row.access is Access.USER and row.scope is not Scope.TRADE
    }
    assert refused == changes - SUSPENDED_MAY
    leaves = await web.client.delete("/api/v1/users/me", headers=person.bearer)
    assert (leaves.status_code, leaves.json()["error"]["code"]) == (403, "ACCOUNT_SUSPENDED")
    body = {"email": person.email, "password": PASSWORD}
    answer = await web.client.post("/api/v1/auth/login", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "ACCOUNT_SUSPENDED")
    wrong = await web.client.post("/api/v1/auth/login", json=body | {"password": "wrong " * 3})
    assert wrong.status_code == 401
    entries, _ = await web.accounts.audit.page(2)
    assert [(e.action, e.outcome) for e in entries] == [
        ("auth.login", "refused"),
        ("auth.login", "suspended"),
    ]
    suspend(web, admin.id)
    answer = await web.client.post("/api/v1/admin/exchange/mode", headers=admin.bearer)
    assert answer.json()["error"]["code"] == "ACCOUNT_SUSPENDED"
    web.engine.run(SuspendAccount(person.id, False))
    assert (await web.client.post("/api/v1/auth/login", json=body)).status_code == 200


async def test_a_body_is_not_looked_at_before_the_role(web: Web) -> None:
    user = await web.register()
    path = "/api/v1/admin/users/1/role"
    answer = await web.client.patch(path, headers=user.bearer, content=b"[" * 1000)
    assert answer.status_code == 403


@pytest.mark.parametrize("scheme", ["Basic", "bearer:", "Token", ""])
async def test_other_schemes_are_nobody(web: Web, scheme: str) -> None:
    user = await web.register()
    headers = {"authorization": f"{scheme} {user.token}"}
    answer = await web.client.get("/api/v1/auth/me", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer", "BEARER   "])
async def test_a_token_is_known_after_any_blanks(web: Web, scheme: str) -> None:
    """RFC 6750: "Bearer" 1*SP b64token, and the scheme's case means nothing."""
    user = await web.register()
    headers = {"authorization": f"{scheme} {user.token}"}
    for _ in ("new", "remembered"):
        answer = await web.client.get("/api/v1/auth/me", headers=headers)
        assert answer.status_code == 200


async def test_a_token_just_issued_is_taken_where_others_forge(make_web: MakeWeb) -> None:
    web = await make_web(RATE_LIMIT_MAX_REQUESTS=3, RATE_LIMIT_SIGN_INS=9)
    user = await web.register()
    forged = {"authorization": f"Bearer {user.token[:-4]}AAAA"}
    seen = [await web.client.get("/api/v1/time", headers=forged) for _ in range(4)]
    assert [answer.status_code for answer in seen] == [200, 200, 200, 429]
    assert (await web.client.get("/api/v1/auth/me", headers=user.bearer)).status_code == 200


async def test_a_row_that_asks_for_nobody_looks_at_no_token(make_web: MakeWeb) -> None:
    web = await make_web(RATE_LIMIT_MAX_REQUESTS=1)
    forged = {"authorization": "Bearer forged"}
    for _ in range(3):
        assert (await web.client.get("/health", headers=forged)).status_code == 200
    assert (await web.client.get("/api/v1/time", headers=forged)).status_code == 200
