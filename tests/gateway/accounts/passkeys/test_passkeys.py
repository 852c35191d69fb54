"""Passkeys against a software authenticator: made, used as a factor and as sign-in, removed."""

import asyncio
from typing import Any

import pytest

from persistence.errors import LastWayIn
from persistence.repositories.people.ways_in import WaysIn
from tests.gateway.accounts.passkeys.authenticator import (
    BE,
    BS,
    EDDSA,
    ES256,
    RS256,
    UP,
    UV,
    Authenticator,
    decoded,
)
from tests.gateway.accounts.passkeys.holder import (
    PAGE,
    PASSKEYS,
    SIGN_IN,
    add,
    creation_options,
    sign_in,
    sign_in_options,
)
from tests.gateway.accounts.second_factor.app import (
    API,
    LOGIN,
    STEP_UP,
    TOTP,
    audited,
    begin_sign_in,
    call,
    data,
    refused,
    set_up,
    verify,
)
from tests.gateway.conftest import PASSWORD, MakeWeb, Web, person_of

STATE = f"{API}/auth/2fa"
ME = f"{API}/auth/me"
MINE = f"{API}/users/me"


@pytest.fixture
async def web(make_web: MakeWeb) -> Web:
    return await make_web(**PAGE)


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
async def test_a_passkey_signs_in_alone(web: Web, algorithm: int) -> None:
    ada = await web.register("ada@example.org")
    device = Authenticator(algorithm, flags=UP | UV | BE | BS)
    options = await creation_options(web, ada)
    assert options["rp"] == {"id": "app.example.org", "name": "Probity"}
    assert options["user"]["name"] == "ada@example.org"
    assert str(ada.id).encode() not in decoded(options["user"]["id"])
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["attestation"] == "none"
    body = {"label": " phone ", "passkey": device.create(options)}
    made = await data(web, "POST", PASSKEYS, ada, body)
    assert len(made["recoveryCodes"]) == 10
    passkey = made["passkey"]
    assert (passkey["label"], passkey["synced"], passkey["lastUsedAt"]) == ("phone", True, None)
    assert passkey["transports"] == ["hybrid", "internal"]

    options = await sign_in_options(web)
    assert options["allowCredentials"] == []
    assert (options["rpId"], options["userVerification"]) == ("app.example.org", "required")
    answer = await call(web, "POST", SIGN_IN, body={"passkey": device.get(options)})
    assert answer.status_code == 200, answer.text
    me = person_of(answer)
    assert me.id == ada.id
    assert (await call(web, "GET", ME, me)).status_code == 200
    [listed] = await data(web, "GET", PASSKEYS, me)
    assert listed["lastUsedAt"] is not None
    assert (await data(web, "GET", MINE, me))["waysIn"] == ["password", "passkey"]
    target = f"user:{ada.id} passkey"
    assert await audited(web, "auth.login") == [(ada.id, target, "ok")]
    added = [(ada.id, f"user:{ada.id} passkey:{passkey['id']}", "ok")]
    assert await audited(web, "user.passkey.add") == added


async def test_a_passkey_is_a_second_factor(web: Web) -> None:
    ada = await web.register()
    phone = person_of(
        await call(web, "POST", LOGIN, body={"email": ada.email, "password": PASSWORD})
    )
    # As a second factor possession is enough: the password is the other one.
    device = Authenticator()
    await add(web, ada, device)
    assert (await call(web, "GET", ME, phone)).status_code == 401
    asked = await begin_sign_in(web, ada)
    assert asked["methods"] == ["passkey", "recovery"]
    path = f"{STATE}/options"
    body = {"challenge": asked["challenge"]}
    options = (await data(web, "POST", path, body=body))["publicKey"]
    [allowed] = options["allowCredentials"]
    assert decoded(allowed["id"]) == device.credential_id
    device.flags = UP
    answer = await verify(web, asked["challenge"], passkey=device.get(options))
    assert person_of(answer).id == ada.id
    assert (await call(web, "POST", path, body=body)).status_code == 401
    assert await audited(web, "auth.2fa") == [(ada.id, f"user:{ada.id} passkey", "ok")]


async def test_a_passkey_makes_a_login_fresh(web: Web) -> None:
    ada = await web.register()
    device = Authenticator()
    await add(web, ada, device)
    await web.parts.pool.execute("UPDATE sessions SET proved_at = 1")
    assert (await call(web, "DELETE", f"{PASSKEYS}/1", ada)).status_code == 403
    options = (await data(web, "POST", f"{STEP_UP}/options", ada))["publicKey"]
    body = {"passkey": device.get(options)}
    assert (await call(web, "POST", STEP_UP, ada, body)).status_code == 200
    again = await call(web, "POST", STEP_UP, ada, body)
    assert refused(again) == (403, "FORBIDDEN", "passkey")
    assert (await call(web, "DELETE", f"{PASSKEYS}/1", ada)).status_code == 200
    assert (await call(web, "POST", f"{STEP_UP}/options", ada)).status_code == 409


async def test_authenticators_that_do_not_count_are_taken(web: Web) -> None:
    ada = await web.register()
    device = Authenticator(EDDSA, counts=False)
    await add(web, ada, device)
    for _ in range(3):
        assert (await sign_in(web, device)).status_code == 200


async def test_they_are_renamed_and_taken_away_by_their_owner_alone(web: Web) -> None:
    ada, ben = await web.register(), await web.register()
    devices = [Authenticator(), Authenticator(EDDSA)]
    first = await add(web, ada, devices[0], "phone")
    second = await add(web, ada, devices[1], "key")
    assert (len(first["recoveryCodes"]), second["recoveryCodes"]) == (10, [])
    known = (await creation_options(web, ada))["excludeCredentials"]
    assert [decoded(one["id"]) for one in known] == [one.credential_id for one in devices]
    path = f"{PASSKEYS}/{first['passkey']['id']}"
    for method, body in (("PATCH", {"label": "mine"}), ("DELETE", None)):
        assert (await call(web, method, path, ben, body)).status_code == 404
    assert (await data(web, "PATCH", path, ada, {"label": "old phone"}))["label"] == "old phone"
    answer = await call(web, "PATCH", path, ada, {"label": "\u200b"})
    assert refused(answer) == (400, "VALIDATION_ERROR", "label")
    page = (await call(web, "GET", f"{PASSKEYS}?limit=1", ada)).json()
    assert (page["pagination"]["total"], page["pagination"]["hasMore"]) == (2, True)
    assert [one["label"] for one in page["data"]] == ["old phone"]
    assert (await call(web, "DELETE", path, ada)).status_code == 200
    assert (await sign_in(web, devices[0])).status_code == 401
    assert (await sign_in(web, devices[1])).status_code == 200
    assert (await data(web, "GET", STATE, ada))["recoveryCodesLeft"] == 10
    assert (await call(web, "DELETE", path, ada)).status_code == 404
    assert len(await audited(web, "user.passkey.remove")) == 1


async def test_the_last_way_in_stays(web: Web) -> None:
    ada = await web.register()
    devices = [Authenticator(), Authenticator()]
    numbers = [(await add(web, ada, device))["passkey"]["id"] for device in devices]
    await web.parts.pool.execute("UPDATE users SET password_hash = NULL WHERE id = $1", ada.id)
    assert (await data(web, "GET", MINE, ada))["waysIn"] == ["passkey"]
    answers = await asyncio.gather(
        *(call(web, "DELETE", f"{PASSKEYS}/{number}", ada) for number in numbers)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert len(await data(web, "GET", PASSKEYS, ada)) == 1
    codes = (await data(web, "GET", STATE, ada))["recoveryCodesLeft"]
    assert codes == 10, "what was refused has taken nothing away"


async def test_an_operator_takes_no_last_way_in_away(web: Web) -> None:
    ada = await web.register()
    await add(web, ada, Authenticator())
    pool = web.parts.pool
    await pool.execute("UPDATE users SET password_hash = NULL WHERE id = $1", ada.id)
    with pytest.raises(LastWayIn):
        await web.parts.factors.rows.remove_all(WaysIn(pool), ada.id)
    assert len(await data(web, "GET", PASSKEYS, ada)) == 1
    await pool.execute("UPDATE users SET password_hash = '!' WHERE id = $1", ada.id)
    await web.parts.factors.rows.remove_all(WaysIn(pool), ada.id)
    assert (await data(web, "GET", STATE, ada))["methods"] == []


async def test_challenges_of_strangers_go_when_their_time_is_over(web: Web) -> None:
    for _ in range(5):
        await sign_in_options(web)
    await web.parts.pool.execute("UPDATE passkey_challenges SET expires_at = 1")
    await sign_in_options(web)
    assert await web.parts.pool.fetchval("SELECT count(*) FROM passkey_challenges") == 1


async def test_an_app_and_a_passkey_stand_in_for_each_other(web: Web) -> None:
    ada = await web.register()
    app = await set_up(web, ada)
    device = Authenticator()
    made = await add(web, ada, device)
    assert made["recoveryCodes"] == []
    asked = await begin_sign_in(web, ada)
    assert asked["methods"] == ["totp", "passkey", "recovery"]
    assert (await verify(web, asked["challenge"], code=app.code(1))).status_code == 200
    assert (await call(web, "DELETE", TOTP, ada)).status_code == 200
    assert (await data(web, "GET", STATE, ada))["methods"] == ["passkey", "recovery"]


async def test_one_has_so_many(make_web: MakeWeb) -> None:
    web = await make_web(PASSKEYS_PER_USER=2, **PAGE)
    ada = await web.register()
    answers = [Authenticator().create(await creation_options(web, ada)) for _ in range(4)]
    bodies = [{"label": "phone", "passkey": answer} for answer in answers]
    found = await asyncio.gather(*(call(web, "POST", PASSKEYS, ada, body) for body in bodies))
    assert sorted(answer.status_code for answer in found) == [201, 201, 422, 422]
    answer = await call(web, "POST", f"{PASSKEYS}/options", ada)
    assert refused(answer) == (422, "LIMIT_REACHED", "passkeys")


@pytest.mark.parametrize("page", ["", "http://app.example.org", "http://192.0.2.1:3000"])
async def test_without_a_page_they_are_refused_and_why(make_web: MakeWeb, page: str) -> None:
    web = await make_web(FRONTEND_URL=page)
    ada = await web.register()
    device = Authenticator()
    device.handle = b"x"
    options: dict[str, Any] = {"challenge": "AAAA", "user": {"id": "AAAA"}}
    calls = [
        ("POST", f"{PASSKEYS}/options", ada, None),
        ("POST", PASSKEYS, ada, {"label": "phone", "passkey": device.create(options)}),
        ("POST", f"{SIGN_IN}/options", None, None),
        ("POST", SIGN_IN, None, {"passkey": device.get(options)}),
        ("POST", f"{STEP_UP}/options", ada, None),
    ]
    for method, path, who, body in calls:
        answer = await call(web, method, path, who, body)
        assert answer.status_code == 503, path
        assert "PASSKEY_RP_ID" in answer.json()["error"]["message"]
        assert int(answer.headers["retry-after"]) >= 60
    assert await data(web, "GET", PASSKEYS, ada) == []


@pytest.mark.parametrize(
    ("settings", "domain", "origin"),
    [
        ({"FRONTEND_URL": "http://localhost:3000"}, "localhost", "http://localhost:3000"),
        (
            {
                "FRONTEND_URL": "https://app.example.org",
                "PASSKEY_RP_ID": "example.org",
                "PASSKEY_ORIGINS": "https://app.example.org,https://example.org:8443",
            },
            "example.org",
            "https://example.org:8443",
        ),
    ],
)
async def test_settings_say_for_which_pages(
    make_web: MakeWeb, settings: dict[str, str], domain: str, origin: str
) -> None:
    web = await make_web(**settings)
    ada = await web.register()
    device = Authenticator(domain=domain, origin=origin)
    assert (await creation_options(web, ada))["rp"]["id"] == domain
    await add(web, ada, device)
    assert (await sign_in(web, device)).status_code == 200
