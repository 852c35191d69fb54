"""Passwords that are tried first, and those made of a name, are refused wherever one is chosen."""

from typing import Any

import httpx
import pytest

from gateway.accounts.passwords import tried_first
from gateway.accounts.passwords.choice import COMMON, TOO_NEAR, TOO_PLAIN, PasswordChoice
from gateway.bootstrap.identity.people import ensure_admin
from gateway.cli.users import create_user
from gateway.settings.reader import SettingsError
from gateway.wire.errors import ValidationFailed
from tests.gateway.accounts.mail.post_office import PostOffice, delivering
from tests.gateway.conftest import PASSWORD, MakeWeb, Person, Web

API = "/api/v1"
REGISTER = f"{API}/auth/register"
CHANGE = f"{API}/auth/password/change"
RESET = f"{API}/auth/password/reset"
GOOD = "a long enough one"
ADA = "ada.lovelace@example.org"
LEAST = 3_000
"""Of passwords of an allowed length, as ASVS 5.0, 6.2.4, has it."""


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("password", COMMON),
        ("PassWord", COMMON),
        ("12345678", COMMON),
        ("qwertyuiop", COMMON),
        ("trustno1", COMMON),
        ("ｐａｓｓｗｏｒｄ", COMMON),
        ("hahahahahaha", TOO_PLAIN),
        ("!!!!!!!!!!!!!!!", TOO_PLAIN),
        ("lmnopqrstuvw", TOO_PLAIN),
        ("zyxwvutsrqpon", TOO_PLAIN),
        ("probity2026", TOO_NEAR),
        ("The Market!", TOO_NEAR),
        ("TheMarket99", TOO_NEAR),
        ("ada.lovelace@example.org", TOO_NEAR),
        ("ada.Lovelace1", TOO_NEAR),
        ("ecalevol.ada", TOO_NEAR),
        ("CountessA1", TOO_NEAR),
        ("xx countess", TOO_NEAR),
        (PASSWORD, None),
        (GOOD, None),
        ("probity in all that we do", None),
        ("countess of the north", None),
        ("ada12345!x", None),
        ("\ud800" * 9, TOO_PLAIN),
    ],
)
def test_which_may_be(password: str, why: str | None) -> None:
    choice = PasswordChoice("The Market")
    assert choice.refusal(password, (ADA, "Ada", "countess", None)) == why


def test_the_list_is_long_enough_in_order_and_read_when_it_is_needed() -> None:
    marks = tried_first._marks()
    count = len(marks) // 5
    assert count > LEAST
    assert len(marks) == 5 * count
    every = [marks[5 * number : 5 * number + 5] for number in range(count)]
    assert every == sorted(set(every))
    some = ["password", "iloveyou", "11111111"]
    assert set(every) >= {tried_first.packed([one]) for one in some}
    assert tried_first.packed([*some, *some]) == b"".join(sorted(map(tried_first._mark, some)))


def test_it_takes_linear_time() -> None:
    choice = PasswordChoice("Probity")
    for password in ("ab" * 63 + "ac", "a" * 127 + "b", "abcd" * 32):
        choice.refusal(password, ("a" * 254, "b" * 50, "c" * 40))


async def post(web: Web, path: str, body: Any, who: Person | None = None) -> httpx.Response:
    headers = {} if who is None else who.bearer
    answer = await web.client.post(path, json=body, headers=headers)
    web.client.cookies.clear()
    return answer


def refused(answer: httpx.Response, field: str, why: str) -> None:
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "VALIDATION_ERROR")
    assert error["details"] == [{"field": field, "message": why}]


async def test_at_registration(make_web: MakeWeb) -> None:
    web = await make_web(SECOND_FACTOR_NAME="The Market")
    for password, why in (
        ("iloveyou", COMMON),
        ("aaaaaaaaaa", TOO_PLAIN),
        ("themarket1", TOO_NEAR),
        ("ada.lovelace", TOO_NEAR),
        ("my countess", TOO_NEAR),
    ):
        body = {"email": ADA, "password": password, "displayName": "Countess"}
        refused(await post(web, REGISTER, body), "password", why)
    assert (await web.accounts.users.page(10, 0))[1] == 0
    assert "ecalevol" not in web.log.getvalue()
    body = {"email": ADA, "password": GOOD, "displayName": "Countess"}
    assert (await post(web, REGISTER, body)).status_code == 201


async def test_at_a_change_and_a_reset(make_web: MakeWeb) -> None:
    office = PostOffice()
    web = await make_web(mailer=office)
    async with delivering(web):
        ada = await web.register(ADA)
        await web.parts.pool.execute("UPDATE users SET username = 'bernoulli'")
        for password, why in (("sunshine", COMMON), ("bernoulli_1", TOO_NEAR)):
            body = {"newPassword": password, "currentPassword": PASSWORD}
            refused(await post(web, CHANGE, body, ada), "newPassword", why)
        await office.next("verify-email")
        await post(web, f"{API}/auth/password/forgot", {"email": ADA})
        token = await office.token("reset-password", ADA)
        for password, why in (("sunshine", COMMON), ("bernoulli_1", TOO_NEAR)):
            refused(await post(web, RESET, {"token": token, "password": password}), "password", why)
        # What was refused has used nothing up.
        assert (await post(web, RESET, {"token": token, "password": GOOD})).status_code == 200


async def test_of_an_operator(web: Web) -> None:
    for password in ("iloveyou", "admin.of.us"):
        with pytest.raises(ValidationFailed):
            await create_user(web.settings, "admin.of.us@example.org", password, "ADMIN")


async def test_of_the_first_admin(web: Web) -> None:
    for password in ("sunshine", "root*123"):
        with pytest.raises(SettingsError, match=r"^PROBITY_ADMIN_PASSWORD: is "):
            await ensure_admin(web.accounts, "root@example.org", password)
    assert not await web.accounts.users.has_admin()
    assert await ensure_admin(web.accounts, "root@example.org", GOOD) is not None
    # It counts once: what a setting is later is nobody's password.
    assert await ensure_admin(web.accounts, "root@example.org", "sunshine") is None


async def test_one_of_before_goes_on(web: Web) -> None:
    ada = await web.register(ADA)
    hashed = await web.accounts.passwords.hash("sunshine", "192.0.2.1")
    await web.accounts.users.replace_password(ada.id, hashed, 0)
    body = {"email": ADA, "password": "sunshine"}
    assert (await post(web, f"{API}/auth/login", body)).status_code == 200
