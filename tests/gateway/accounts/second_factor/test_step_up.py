"""A fresh login of an account with a second factor means that factor, for whatever asks for one."""

from typing import Any

import pytest

from tests.gateway.accounts.second_factor.app import (
    API,
    STEP_UP,
    audited,
    call,
    data,
    forget_steps,
    refused,
    set_up,
)
from tests.gateway.conftest import PASSWORD, MakeWeb, Person, Web

CHANGE = f"{API}/auth/password/change"
NEW = "another password"


async def grow_old(web: Web) -> None:
    """Let every sign-in lie longer ago than a fresh login may."""
    await web.parts.pool.execute("UPDATE sessions SET proved_at = 1")


async def is_fresh(web: Web, person: Person) -> bool:
    answer = await call(web, "GET", f"{API}/users/me/export", person)
    return answer.status_code == 200


async def test_the_password_alone_is_no_fresh_login_any_more(web: Web) -> None:
    ada = await web.register()
    assert (await call(web, "POST", STEP_UP, ada, {"password": PASSWORD})).status_code == 200
    app = await set_up(web, ada)
    await grow_old(web)
    answer = await call(web, "POST", STEP_UP, ada, {"password": PASSWORD})
    assert refused(answer) == (400, "VALIDATION_ERROR", "code")
    assert "second factor" in answer.json()["error"]["message"]
    answer = await call(web, "POST", STEP_UP, ada, {"code": app.wrong_code()})
    assert refused(answer) == (403, "FORBIDDEN", "code")
    wrong = {"password": "wrong horse battery", "code": app.code(1)}
    assert refused(await call(web, "POST", STEP_UP, ada, wrong)) == (403, "FORBIDDEN", "password")
    assert not await is_fresh(web, ada)
    code = app.code(1)
    assert (await call(web, "POST", STEP_UP, ada, {"code": code})).status_code == 200
    assert await is_fresh(web, ada)
    await grow_old(web)
    # It isn't taken twice here either.
    assert (await call(web, "POST", STEP_UP, ada, {"code": code})).status_code == 403
    both = {"password": PASSWORD, "recoveryCode": app.recovery_codes[0]}
    assert (await call(web, "POST", STEP_UP, ada, both)).status_code == 200
    assert await is_fresh(web, ada)
    assert (await call(web, "POST", STEP_UP, ada, both)).status_code == 403
    assert [outcome for _, _, outcome in await audited(web, "auth.2fa")] == [
        "refused",
        "ok",
        "used before",
        "ok",
        "refused",
    ]
    assert len(await audited(web, "auth.step-up")) == 3


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "password"), ({"code": "123456"}, "code"), ({"recoveryCode": "x"}, "code")],
)
async def test_without_a_second_factor_the_password_is_asked_for(
    web: Web, body: Any, field: str
) -> None:
    ada = await web.register()
    answer = await call(web, "POST", STEP_UP, ada, body)
    assert refused(answer) == (400, "VALIDATION_ERROR", field)


async def test_two_factors_at_once_are_refused(web: Web) -> None:
    ada = await web.register()
    app = await set_up(web, ada)
    both = {"code": app.code(1), "recoveryCode": app.recovery_codes[0]}
    answer = await call(web, "POST", STEP_UP, ada, both)
    assert refused(answer) == (400, "VALIDATION_ERROR", "code")
    assert (await call(web, "POST", STEP_UP, ada, {"code": app.code(1)})).status_code == 200


async def test_a_stolen_token_guesses_no_more_often_than_a_stranger(make_web: MakeWeb) -> None:
    web = await make_web(RATE_LIMIT_CODE_FAILURES=3)
    ada = await web.register()
    app = await set_up(web, ada)
    wrong = {"code": app.wrong_code()}
    found = [(await call(web, "POST", STEP_UP, ada, wrong)).status_code for _ in range(5)]
    assert found == [403, 403, 403, 429, 429]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", f"{API}/users/me", {"forfeitCredits": True}),
        ("PATCH", f"{API}/users/me", {"email": None}),
        (
            "POST",
            f"{API}/users/me/api-keys",
            {"label": "bot", "algorithm": "hmac-sha256", "scopes": ["read"]},
        ),
        ("POST", CHANGE, {"currentPassword": PASSWORD, "newPassword": NEW}),
    ],
)
async def test_what_is_dear_asks_for_the_factor(
    web: Web, method: str, path: str, body: Any
) -> None:
    ada = await web.register()
    app = await set_up(web, ada)
    await grow_old(web)
    answer = await call(web, method, path, ada, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FRESH_LOGIN_REQUIRED")
    assert (await call(web, "POST", STEP_UP, ada, {"code": app.code(1)})).status_code == 200
    answer = await call(web, method, path, ada, body)
    assert answer.json().get("error", {}).get("code") != "FRESH_LOGIN_REQUIRED"


async def test_a_password_is_changed_with_a_fresh_login_only(web: Web) -> None:
    ada = await web.register()
    body = {"currentPassword": PASSWORD, "newPassword": NEW}
    await grow_old(web)
    # Without a second factor the password is proof enough.
    assert (await call(web, "POST", CHANGE, ada, body)).status_code == 200
    await data(web, "POST", STEP_UP, ada, {"password": NEW})
    app = await set_up(web, ada)
    await grow_old(web)
    back = {"currentPassword": NEW, "newPassword": PASSWORD}
    assert (await call(web, "POST", CHANGE, ada, back)).status_code == 403
    await forget_steps(web)
    await data(web, "POST", STEP_UP, ada, {"code": app.code()})
    assert (await call(web, "POST", CHANGE, ada, back)).status_code == 200
