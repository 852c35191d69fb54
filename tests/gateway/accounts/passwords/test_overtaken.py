"""What is replaced or added while somebody is being let in: nothing comes of what held before."""

from collections.abc import Awaitable, Callable

import bcrypt
import httpx
import pytest

from gateway.accounts.passwords.hashing import Fit, Place
from gateway.accounts.second_factor.challenges import Challenges
from tests.gateway.accounts.second_factor.app import begin_sign_in, set_up, verify
from tests.gateway.conftest import PASSWORD, Person, Web

LOGIN = "/api/v1/auth/login"
CHANGE = "/api/v1/auth/password/change"
ADA = "ada@example.org"
OTHER = "wrong horse battery"
NEW = "another password"


async def login(web: Web, password: str) -> httpx.Response:
    answer = await web.client.post(LOGIN, json={"email": ADA, "password": password})
    web.client.cookies.clear()
    return answer


async def reset(web: Web, ada: Person) -> str:
    """Do what a reset by mail does, and what an operator's word does."""
    hashed = await web.accounts.passwords.hash(NEW)
    await web.accounts.users.replace_password(ada.id, hashed, 1)
    return hashed


Meanwhile = Callable[[Callable[[], Awaitable[object]]], None]


@pytest.fixture
def behind_the_look(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Have something done once, when a password was found right and nothing was done about it."""

    def meanwhile(do: Callable[[], Awaitable[object]]) -> None:
        check = Place.check

        async def checked(place: Place, stored: str | None, password: str) -> Fit:
            fit = await check(place, stored, password)
            monkeypatch.setattr(Place, "check", check)
            await do()
            return fit

        monkeypatch.setattr(Place, "check", checked)

    return meanwhile


async def standing(web: Web, who: Person) -> int:
    found: int = await web.parts.pool.fetchval(
        "SELECT (SELECT count(*) FROM sessions WHERE user_id = $1 AND revoked_at IS NULL)"
        " + (SELECT count(*) FROM sign_in_challenges WHERE user_id = $1)",
        who.id,
    )
    return found


async def told(web: Web) -> list[tuple[str, str]]:
    entries, _ = await web.accounts.audit.page(1)
    return [(entry.action, entry.outcome) for entry in entries]


@pytest.mark.parametrize("has_factor", [False, True])
async def test_it_opens_no_session_and_no_way_to_one(
    web: Web, behind_the_look: Meanwhile, has_factor: bool
) -> None:
    ada = await web.register(ADA)
    if has_factor:
        await set_up(web, ada)
    wrong = await login(web, OTHER)
    behind_the_look(lambda: reset(web, ada))
    answer = await login(web, PASSWORD)
    assert answer.status_code == 401
    errors = [one.json()["error"] for one in (answer, wrong)]
    assert errors[0]["message"] == errors[1]["message"]
    assert await standing(web, ada) == 0
    assert await told(web) == [("auth.login", "overtaken")]
    assert (await login(web, NEW)).status_code == (401 if has_factor else 200)


async def test_nor_is_one_opened_behind_the_second_factor(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await web.register(ADA)
    app = await set_up(web, ada)
    challenge = (await begin_sign_in(web, ada))["challenge"]
    finish = Challenges.finish

    async def finished(self: Challenges, token: str, way: str) -> str | None:
        found = await finish(self, token, way)
        await reset(web, ada)
        return found

    monkeypatch.setattr(Challenges, "finish", finished)
    answer = await verify(web, challenge, code=app.code(1))
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHORIZED")
    assert await told(web) == [("auth.login", "overtaken")]
    assert await standing(web, ada) == 0


async def test_nobody_comes_in_past_a_second_factor_that_is_being_set_up(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else who knows the password would have a session that no factor was asked for."""
    ada = await web.register(ADA)
    require_none = Challenges.require_none

    async def looked(self: Challenges, user_id: int, way: str, hashed: str | None = None) -> None:
        await require_none(self, user_id, way, hashed)
        monkeypatch.setattr(Challenges, "require_none", require_none)
        await set_up(web, ada)

    monkeypatch.setattr(Challenges, "require_none", looked)
    answer = await login(web, PASSWORD)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHORIZED")
    assert await told(web) == [("auth.login", "overtaken")]
    assert await standing(web, ada) == 1, "the one that set it up"
    answer = await login(web, PASSWORD)
    assert answer.json()["error"]["code"] == "SECOND_FACTOR_REQUIRED"


async def test_it_does_not_come_back_by_being_hashed_anew(
    web: Web, behind_the_look: Meanwhile
) -> None:
    ada = await web.register(ADA)
    brought = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    await web.accounts.users.replace_password(ada.id, brought, 1)
    behind_the_look(lambda: reset(web, ada))
    assert (await login(web, PASSWORD)).status_code == 401
    assert await standing(web, ada) == 0
    assert (await login(web, PASSWORD)).status_code == 401
    assert (await login(web, NEW)).status_code == 200


@pytest.mark.parametrize("has_factor", [False, True])
async def test_two_who_sign_in_at_once_with_one_that_is_hashed_anew_both_get_in(
    web: Web, behind_the_look: Meanwhile, has_factor: bool
) -> None:
    ada = await web.register(ADA)
    if has_factor:
        await set_up(web, ada)
    brought = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    await web.accounts.users.replace_password(ada.id, brought, 1)
    first: list[httpx.Response] = []

    async def sign_in() -> None:
        first.append(await login(web, PASSWORD))

    behind_the_look(sign_in)
    second = await login(web, PASSWORD)
    expected = 401 if has_factor else 200
    assert [one.status_code for one in (*first, second)] == [expected, expected]
    assert await standing(web, ada) == 2


async def test_it_is_not_changed_by_who_knew_it(web: Web, behind_the_look: Meanwhile) -> None:
    ada = await web.register(ADA)
    behind_the_look(lambda: reset(web, ada))
    body = {"currentPassword": PASSWORD, "newPassword": "a thief's password"}
    answer = await web.client.post(CHANGE, headers=ada.bearer, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONFLICT")
    assert await told(web) == [("user.password", "overtaken")]
    assert (await login(web, "a thief's password")).status_code == 401
    assert (await login(web, NEW)).status_code == 200


async def test_nor_by_a_session_that_was_ended(web: Web, behind_the_look: Meanwhile) -> None:
    ada = await web.register(ADA)
    behind_the_look(lambda: web.accounts.sessions.end_all(ada.id))
    body = {"currentPassword": PASSWORD, "newPassword": "a thief's password"}
    answer = await web.client.post(CHANGE, headers=ada.bearer, json=body)
    assert answer.status_code == 409
    assert (await login(web, PASSWORD)).status_code == 200
