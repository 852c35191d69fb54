"""The access test: walks the table and refuses, row by row, whoever a row doesn't admit."""

import re

import pytest

from gateway.access.principals import Principal, Role
from gateway.http.routing import Access, Route
from tests.gateway.conftest import MakeWeb, Web

ENDS_WHO_CALLS = {"POST /auth/logout", "DELETE /users/me", "DELETE /users/me/sessions/{id}"}


async def status(web: Web, prefix: str, route: Route, token: str | None) -> int:
    """Call a row with nothing sensible in it; who may call is decided before that matters."""
    path = prefix + re.sub(r"\{\w+\}", "1", route.path)
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    answer = await web.client.request(route.method, path, headers=headers)
    if answer.status_code in {401, 403}:
        code = {401: "UNAUTHORIZED", 403: "FORBIDDEN"}[answer.status_code]
        assert answer.json()["error"]["code"] == code
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
