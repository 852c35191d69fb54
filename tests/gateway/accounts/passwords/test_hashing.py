"""Passwords over a real database: the same on every keyboard, and fair places before the hash."""

import asyncio
import unicodedata

import bcrypt
import pytest
from argon2 import PasswordHasher
from starlette.types import Message, Receive, Scope, Send

from gateway.accounts.passwords import hashing
from gateway.wire.errors import RateLimited
from tests.gateway.conftest import PASSWORD, MakeWeb, Web
from tests.gateway.waiting import eventually

LOGIN = "/api/v1/auth/login"
REGISTER = "/api/v1/auth/register"
NFC, NFD, WIDE = "pässwörter ﬁ", "pa\u0308sswo\u0308rter ﬁ", "ｐässwörter fi"


@pytest.mark.parametrize("kept", [NFC, NFD, WIDE])
@pytest.mark.parametrize("typed", [NFC, NFD, WIDE])
async def test_a_password_is_the_same_on_every_keyboard(web: Web, kept: str, typed: str) -> None:
    body = {"email": "ada@example.org", "password": kept}
    assert (await web.client.post(REGISTER, json=body)).status_code == 201
    answer = await web.client.post(LOGIN, json={**body, "password": typed})
    assert answer.status_code == 200
    wrong = await web.client.post(LOGIN, json={**body, "password": typed.replace("w", "v")})
    assert wrong.status_code == 401


@pytest.mark.parametrize("kept", [NFC, NFD, WIDE, PASSWORD])
async def test_a_hash_of_the_text_as_it_was_sent_works_on_and_is_made_anew(
    web: Web, kept: str
) -> None:
    ada = await web.register("ada@example.org")
    old = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1).hash(kept)
    await web.accounts.users.replace_password(ada.id, old, 0)
    body = {"email": "ada@example.org", "password": kept}
    assert (await web.client.post(LOGIN, json=body)).status_code == 200
    found = await web.accounts.users.credentials("ada@example.org")
    assert found is not None
    assert (found.password_hash == old) is (unicodedata.normalize("NFKC", kept) == kept)
    if kept != PASSWORD:
        assert (await web.client.post(LOGIN, json={**body, "password": NFC})).status_code == 200


@pytest.mark.parametrize("kept", [PASSWORD, NFC, NFD, "long " * 16])
@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
async def test_a_hash_of_bcrypt_is_checked_and_made_anew(web: Web, kept: str, prefix: str) -> None:
    ada = await web.register("ada@example.org")
    made = bcrypt.hashpw(kept.encode()[:72], bcrypt.gensalt(4)).decode()
    await web.accounts.users.replace_password(ada.id, prefix + made[4:], 0)
    body = {"email": "ada@example.org", "password": kept}
    wrong = await web.client.post(LOGIN, json={**body, "password": f"x{kept}"})
    assert wrong.status_code == 401
    assert (await web.client.post(LOGIN, json=body)).status_code == 200
    found = await web.accounts.users.credentials("ada@example.org")
    assert found is not None
    assert found.password_hash is not None
    assert found.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert (await web.client.post(LOGIN, json=body)).status_code == 200


@pytest.mark.parametrize(
    "stored",
    ["$2b$31$" + "a" * 53, "$2b$12$short", "$2x$12$" + "a" * 53, "$2b$12$" + "a" * 53, "", "$2b$"],
)
async def test_what_is_no_hash_of_ours_or_costs_too_much_fits_nothing(
    web: Web, stored: str
) -> None:
    ada = await web.register("ada@example.org")
    await web.accounts.users.replace_password(ada.id, stored, 0)
    body = {"email": "ada@example.org", "password": PASSWORD}
    assert (await web.client.post(LOGIN, json=body)).status_code == 401


async def test_a_password_has_its_length_after_its_accents_are_joined(web: Web) -> None:
    body = {"email": "ada@example.org", "password": "a\u0308" * 7}
    answer = await web.client.post(REGISTER, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["details"] == [
        {"field": "password", "message": "must have 8 to 128 characters"}
    ]
    # What was registered in one form has to fit in the other.
    body["password"] = "äöüëïáóí" * 16
    assert (await web.client.post(REGISTER, json=body)).status_code == 201
    body["password"] = unicodedata.normalize("NFD", body["password"])
    assert (await web.client.post(LOGIN, json=body)).status_code == 200


async def test_nobody_waits_for_a_place_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "LONGEST_S", 0.05)
    passwords = hashing.Passwords(1, 2)
    try:
        async with passwords.place(), passwords.place():
            with pytest.raises(RateLimited):
                await passwords.hash(PASSWORD)
        assert await passwords.hash(PASSWORD)
    finally:
        passwords.close()


async def test_a_place_is_taken_until_the_thread_is_done() -> None:
    passwords = hashing.Passwords(1, 1)
    free = passwords._queue._free
    try:
        hashed = asyncio.create_task(passwords.hash(PASSWORD))
        await asyncio.sleep(0)
        hashed.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hashed
        assert passwords._queue._free == free - 1
        await eventually(lambda: passwords._queue._free == free)
    finally:
        passwords.close()


async def test_whoever_hangs_up_takes_no_place_and_nothing_is_done_for_them(
    make_web: MakeWeb,
) -> None:
    web = await make_web(PASSWORD_HASH_WORKERS=1, PASSWORD_HASH_QUEUE=1)
    queue, hung_up, answers = web.accounts.passwords._queue, asyncio.Event(), list[Message]()
    body = b'{"email": "ada@example.org", "password": "wrong horse battery"}'
    came: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if came:
            return came.pop()
        await hung_up.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answers.append(message)

    headers = [(b"host", b"exchange"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": LOGIN, "query_string": b"", "scheme": "http"}
    scope |= {"headers": headers, "client": ("192.0.2.9", 5000), "root_path": ""}
    async with web.accounts.passwords.place(), web.accounts.passwords.place():
        asked = asyncio.create_task(_ran(web, scope, receive, send))
        await eventually(lambda: len(queue) == 1)
        hung_up.set()
        await asked
        assert len(queue) == 0
    assert answers == []
    assert await web.parts.pool.fetchval("SELECT count(*) FROM sign_in_counts") == 0
    assert "request failed" not in web.log.getvalue()


async def _ran(web: Web, scope: Scope, receive: Receive, send: Send) -> None:
    await web.application(scope, receive, send)


async def test_a_crowd_from_one_address_keeps_nobody_else_out(make_web: MakeWeb) -> None:
    web = await make_web(
        PASSWORD_HASH_WORKERS=1, PASSWORD_HASH_QUEUE=16, RATE_LIMIT_SIGN_IN_FAILURES=1000
    )
    await web.register("ada@example.org")
    wrong = {"email": "bob@example.org", "password": "wrong horse battery"}
    crowd = [asyncio.create_task(web.client.post(LOGIN, json=wrong)) for _ in range(45)]
    try:
        # The first that are answered are refused: all places are taken.
        await asyncio.wait(crowd, return_when=asyncio.FIRST_COMPLETED)
        async with web.from_address("192.0.2.2") as other:
            for _ in range(3):
                body = {"email": "ada@example.org", "password": PASSWORD}
                assert (await other.post(LOGIN, json=body)).status_code == 200
                # Answered next or next but one, not behind those who were there before.
                assert sum(not answer.done() for answer in crowd) >= 6
    finally:
        answers = await asyncio.gather(*crowd)
    assert {answer.status_code for answer in answers} == {401, 429}
