"""Admins who need a second factor: without one they are refused whatever admins do."""

import asyncio

from gateway.http.routing import Access
from persistence.repositories.people.ways_in import WaysIn
from persistence.repositories.second_factor.factors import FactorRows
from tests.gateway.accounts.second_factor.app import API, TOTP, call, data, refused, set_up
from tests.gateway.conftest import MakeWeb, Person, Web
from tests.persistence.running import listing

USERS = f"{API}/admin/users"
STATE = f"{API}/auth/2fa"
MARKET = {"slug": "snow", "question": "Will it snow?", "closeTime": "2099-01-31T00:00:00Z"}


async def strict(make_web: MakeWeb) -> Web:
    return await make_web(SECOND_FACTOR_REQUIRED_FOR_ADMINS="true")


async def users(web: Web, who: Person) -> tuple[int, str]:
    answer = await call(web, "GET", USERS, who)
    return answer.status_code, answer.json().get("error", {}).get("code", "")


async def test_no_factor_is_asked_of_admins_by_default(web: Web) -> None:
    root = await web.register(admin=True)
    assert await users(web, root) == (200, "")
    assert (await data(web, "GET", STATE, root))["required"] is False
    await set_up(web, root)
    assert (await call(web, "DELETE", TOTP, root)).status_code == 200


async def test_without_one_every_row_of_admins_is_refused(make_web: MakeWeb) -> None:
    web = await strict(make_web)
    root, ada = await web.register(admin=True), await web.register()
    assert (await data(web, "GET", STATE, root))["required"] is True
    assert (await data(web, "GET", STATE, ada))["required"] is False
    rows = [row for row in web.tables[0].routes if row.access is Access.ADMIN]
    assert len(rows) > 15
    for row in rows:
        path = API + row.path.replace("{id}", "1").replace("{slug}", "rain")
        answer = await call(web, row.method, path, root)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (403, "SECOND_FACTOR_MISSING"), row.path
        assert "/auth/2fa" in error["message"]
        answer = await call(web, row.method, path, ada)
        assert answer.json()["error"]["code"] == "FORBIDDEN", row.path
    assert (await call(web, "POST", f"{API}/markets", root, MARKET)).status_code == 403
    # Nor does a public row show them what it shows to admins.
    web.engine.run(listing("secret", draft=True))
    draft = f"{API}/markets/secret"
    assert (await call(web, "GET", draft, root)).status_code == 404
    # What everybody may do admins may, too: there they set one up.
    assert (await call(web, "GET", f"{API}/users/me", root)).status_code == 200
    await set_up(web, root)
    assert await users(web, root) == (200, "")
    assert (await call(web, "GET", draft, root)).status_code == 200


async def test_the_last_factor_stays(make_web: MakeWeb) -> None:
    web = await strict(make_web)
    root = await web.register(admin=True)
    await set_up(web, root)
    answer = await call(web, "DELETE", TOTP, root)
    assert refused(answer)[:2] == (409, "CONFLICT")
    shown = await data(web, "GET", STATE, root)
    assert (shown["methods"], shown["recoveryCodesLeft"]) == (["totp", "recovery"], 10)
    assert await users(web, root) == (200, "")
    # Whoever is no admin any more may.
    other = await web.register(admin=True)
    await web.accounts.users.set_role(root.id, "USER")
    assert (await call(web, "DELETE", TOTP, root)).status_code == 200
    assert await users(web, other) == (403, "SECOND_FACTOR_MISSING")


async def test_whoever_becomes_an_admin_needs_one(make_web: MakeWeb) -> None:
    web = await strict(make_web)
    root, ada = await web.register(admin=True), await web.register()
    await set_up(web, root)
    assert await users(web, ada) == (403, "FORBIDDEN")
    path = f"{USERS}/{ada.id}/role"
    assert (await call(web, "PATCH", path, root, {"role": "ADMIN"})).status_code == 200
    assert await users(web, ada) == (403, "SECOND_FACTOR_MISSING")


async def test_other_processes_hear_of_it(make_web: MakeWeb) -> None:
    here, there = await strict(make_web), await strict(make_web)
    root = await here.register(admin=True)
    assert await users(there, root) == (403, "SECOND_FACTOR_MISSING")
    await set_up(here, root)
    assert await users(here, root) == (200, "")
    await there.accounts.sessions.recheck()
    assert await users(there, root) == (200, "")
    await FactorRows(here.parts.pool).remove_all(WaysIn(here.parts.pool), root.id)
    await there.accounts.sessions.recheck()
    assert await users(there, root) == (403, "SECOND_FACTOR_MISSING")


async def test_of_two_removals_at_the_same_moment_one_factor_is_left(make_web: MakeWeb) -> None:
    web = await strict(make_web)
    root = await web.register(admin=True)
    await set_up(web, root)
    rows = FactorRows(web.parts.pool)
    insert = (
        "INSERT INTO passkeys (user_id, credential_id, public_key, sign_count, label, transports,"
        " is_synced, created_at) VALUES ($1, '\\x01', '\\x01', 0, 'key', '{}', false, 1)"
        " RETURNING id"
    )
    number = await web.parts.pool.fetchval(insert, root.id)
    answers = await asyncio.gather(
        call(web, "DELETE", TOTP, root),
        call(web, "DELETE", f"{API}/auth/2fa/passkeys/{number}", root),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert await rows.has(root.id)
