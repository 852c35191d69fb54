"""Profiles and preferences: one's own is changed by oneself alone, others see what is shown."""

import json
from typing import Any

import httpx
import msgspec
import pytest

from gateway.accounts.fields import avatar_url, username
from gateway.accounts.profile.preferences import (
    Preferences,
    Shown,
    Theme,
    storable,
    stored_preferences,
)
from gateway.wire.errors import ValidationFailed
from persistence.errors import LastWayIn
from persistence.repositories.people.ways_in import WaysIn
from tests.gateway.conftest import Person, Web

USERS = "/api/v1/users"
MINE = f"{USERS}/me"


async def call(
    web: Web, who: Person | None, method: str, path: str, body: Any = None
) -> httpx.Response:
    headers = {} if who is None else who.bearer
    return await web.client.request(method, path, headers=headers, json=body)


async def data(web: Web, who: Person | None, method: str, path: str, body: Any = None) -> Any:
    answer = await call(web, who, method, path, body)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_a_profile_is_changed_field_by_field_and_taken_away_by_null(web: Web) -> None:
    ada = await web.register("ada@example.org")
    shown = await data(web, ada, "GET", MINE)
    assert shown == {
        "id": str(ada.id),
        "email": "ada@example.org",
        "displayName": f"Trader-{ada.id}",
        "role": "USER",
        "createdAt": shown["createdAt"],
        "username": None,
        "avatarUrl": None,
        "emailVerified": False,
        "waysIn": ["password"],
        "pendingEmail": None,
    }
    names = {"displayName": "Ada", "username": "Ada_1", "avatarUrl": "https://example.org/a.png"}
    assert await data(web, ada, "PATCH", MINE, names) == shown | names
    assert await data(web, ada, "PATCH", MINE, {"displayName": "A"}) == shown | names | {
        "displayName": "A"
    }
    gone = dict.fromkeys(names)
    assert await data(web, ada, "PATCH", MINE, gone) == shown
    assert await data(web, ada, "PATCH", MINE, {}) == shown
    ben = await data(web, await web.register(), "GET", MINE)
    assert ben["username"] is None


async def test_a_username_is_unique_whatever_its_case(web: Web) -> None:
    ada, ben = await web.register(), await web.register()
    await data(web, ada, "PATCH", MINE, {"username": "Ada"})
    answer = await call(web, ben, "PATCH", MINE, {"username": "aDA", "displayName": "Ben"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONFLICT")
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == ["username"]
    assert (await data(web, ben, "GET", MINE))["displayName"] == f"Trader-{ben.id}"
    assert (await data(web, ada, "PATCH", MINE, {"username": "ADA"}))["username"] == "ADA"
    entries, _ = await web.accounts.audit.page(10)
    outcomes = [entry.outcome for entry in entries if entry.action == "user.profile"]
    assert outcomes == ["ok", "username taken", "ok"]


@pytest.mark.parametrize("good", ["abc", "a_1", "___", "12a", "Z" * 50])
def test_usernames_that_may_be(good: str) -> None:
    assert username(good) == good


@pytest.mark.parametrize(
    "bad",
    ["", "ab", "a" * 51, "123", "1" * 50, "a b", "a-b", "ada\n", "a.b", "аda", "ａda", "a\0b"],
)
def test_usernames_that_may_not_be(bad: str) -> None:
    with pytest.raises(ValidationFailed, match="username"):
        username(bad)


@pytest.mark.parametrize(
    "good",
    [
        "https://example.org",
        "https://example.org/",
        "https://a.b.example.org:8443/x/y.png?size=1&v=2",
        "https://192.0.2.1/a%20b.jpg",
    ],
)
def test_pictures_that_may_be(good: str) -> None:
    assert avatar_url(good) == good


@pytest.mark.parametrize(
    "bad",
    [
        "http://example.org/a.png",
        "HTTPS://example.org/a.png",
        "//example.org/a.png",
        "javascript:alert(1)",
        "https://",
        "https:///a.png",
        "https://user@example.org/a.png",
        "https://user:word@example.org/a.png",
        "https://example.org/a.png#x",
        "https://example.org/a b.png",
        'https://example.org/"onload=x',
        "https://example.org/<svg>",
        "https://example.org\\@evil.example",
        "https://exämple.org/a.png",
        "https://example.org/a.png\n",
        "https://example.org/" + "a" * 500,
        "data:image/png;base64,AAAA",
    ],
)
def test_pictures_that_may_not_be(bad: str) -> None:
    with pytest.raises(ValidationFailed, match="avatarUrl"):
        avatar_url(bad)


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("PATCH", MINE, {"username": "1234"}, "username"),
        ("PATCH", MINE, {"username": 7}, "username"),
        ("PATCH", MINE, {"avatarUrl": "http://example.org"}, "avatarUrl"),
        ("PATCH", MINE, {"displayName": "a@b.c"}, "displayName"),
        ("PATCH", MINE, {"displayName": ""}, "displayName"),
        ("PATCH", MINE, {"role": "ADMIN"}, "role"),
        ("PATCH", MINE, {"id": "1"}, "id"),
        ("PATCH", MINE, {"emailVerified": True}, "emailVerified"),
        ("PUT", MINE + "/preferences", {"theme": "pink"}, "theme"),
        ("PUT", MINE + "/preferences", {"language": "English"}, "language"),
        ("PUT", MINE + "/preferences", {"timeZone": "../etc/passwd"}, "timeZone"),
        ("PUT", MINE + "/preferences", {"confirmOrders": "yes"}, "confirmOrders"),
        ("PUT", MINE + "/preferences", {"layout": "wide"}, "layout"),
        ("PUT", MINE + "/preferences", {"anything": 1}, "anything"),
        ("PUT", MINE + "/preferences", {"profile": {"email": True}}, "profile.email"),
    ],
)
async def test_bad_input_names_the_field(
    web: Web, method: str, path: str, body: Any, field: str
) -> None:
    ada = await web.register()
    answer = await call(web, ada, method, path, body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "VALIDATION_ERROR"), answer.text
    assert [detail["field"] for detail in error["details"]] == [field]


async def test_preferences_are_replaced_whole(web: Web) -> None:
    ada, ben = await web.register(), await web.register()
    path = MINE + "/preferences"
    default = await data(web, ada, "GET", path)
    assert default == msgspec.to_builtins(Preferences())
    chosen = await data(web, ada, "PUT", path, {"theme": "dark", "timeZone": "Europe/Vienna"})
    assert chosen == default | {"theme": "dark", "timeZone": "Europe/Vienna"}
    assert await data(web, ada, "GET", path) == chosen
    assert await data(web, ben, "GET", path) == default
    assert await data(web, ada, "PUT", path, {}) == default


def test_preferences_of_another_version_are_read_as_far_as_they_are_known() -> None:
    stored = '{"theme": "dark", "retired": [1], "language": "x", "profile": {"gone": true}}'
    assert stored_preferences(stored) == Preferences(theme=Theme.DARK)


def test_only_what_isn_t_as_by_default_is_stored() -> None:
    assert storable(Preferences()) == "{}"
    chosen = Preferences(sounds=True, theme=Theme.SYSTEM, profile=Shown(created_at=True))
    kept = storable(chosen)
    assert json.loads(kept) == {"sounds": True, "profile": {"createdAt": True}}
    assert stored_preferences(kept) == chosen


async def test_others_see_what_the_owner_shows(web: Web) -> None:
    ada, ben = await web.register("ada@example.org"), await web.register()
    await data(web, ada, "PATCH", MINE, {"username": "Ada", "avatarUrl": "https://a.org/"})
    open_ = {
        "id": str(ada.id),
        "displayName": f"Trader-{ada.id}",
        "username": "Ada",
        "avatarUrl": "https://a.org/",
        "createdAt": None,
    }
    for who in (None, ben, ada):
        assert await data(web, who, "GET", f"{USERS}/{ada.id}") == open_
        assert await data(web, who, "GET", f"{USERS}/aDA") == open_
    shown = {"profile": {"username": False, "avatarUrl": False, "createdAt": True}}
    await data(web, ada, "PUT", MINE + "/preferences", shown)
    found = await data(web, ben, "GET", f"{USERS}/{ada.id}")
    assert (found["username"], found["avatarUrl"]) == (None, None)
    assert found["createdAt"] is not None
    for nobody in ("ada", "999", "nobody", "0", "1e3", "x" * 300):
        answer = await call(web, ben, "GET", f"{USERS}/{nobody}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND"), nobody


async def test_the_last_way_in_stays(web: Web) -> None:
    ada = await web.register()
    pool = web.parts.pool
    ways = WaysIn(pool)
    for change in ("email = NULL", "password_hash = NULL"):
        with pytest.raises(LastWayIn):
            async with ways.keeping_one(ada.id) as connection:
                await connection.execute(f"UPDATE users SET {change} WHERE id = $1", ada.id)
        assert await ways.of(ada.id) == ["password"]
    async with ways.keeping_one(ada.id) as connection:
        await connection.execute("UPDATE users SET email = 'b@example.org' WHERE id = $1", ada.id)
    assert await pool.fetchval("SELECT email FROM users") == "b@example.org"
