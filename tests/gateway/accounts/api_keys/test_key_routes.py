"""Keys over REST and a real PostgreSQL: made, shown, changed, revoked; bounds, races, others."""

import asyncio
from typing import Any

import pytest

from gateway.accounts.api_keys.key_watch import KeyWatch
from gateway.accounts.api_keys.keys import ApiKeys
from gateway.sealing.seal import Seal
from persistence.repositories.api_keys.keys import ApiKeyRows
from persistence.repositories.api_keys.nonces import ApiKeyNonces
from persistence.repositories.audit import AuditLog
from tests.gateway.accounts.api_keys.signer import KEYS, Signer, make_key, now_ms
from tests.gateway.conftest import MakeWeb, Person, Web
from tests.gateway.economy.stories import lose

BALANCE = "/api/v1/user/balance"
HMAC = {"label": "bot", "algorithm": "hmac-sha256", "scopes": ["read"]}


async def test_a_key_is_made_shown_changed_and_revoked(web: Web, owner: Person) -> None:
    made = await web.client.post(
        KEYS,
        json=HMAC | {"label": " Cafe\u0301", "allowList": ["10.0.0.0/8", "10.0.0.0/8"]},
        headers=owner.bearer,
    )
    assert made.status_code == 201
    data, secret = made.json()["data"]["key"], made.json()["data"]["secret"]
    assert len(secret) == 43
    assert data["label"] == "Caf\u00e9"
    assert data["allowList"] == ["10.0.0.0/8"]
    assert (data["publicKey"], data["lastUsedAt"], data["expiresAt"]) == (None, None, None)
    listed = await web.client.get(KEYS, headers=owner.bearer)
    assert listed.json()["data"] == [data]
    path = f"{KEYS}/{data['id']}"
    changed = await web.client.patch(path, json={"label": "new"}, headers=owner.bearer)
    assert changed.json()["data"] == data | {"label": "new"}
    changed = await web.client.patch(path, json={"allowList": []}, headers=owner.bearer)
    assert changed.json()["data"] == data | {"label": "new", "allowList": []}
    other = await web.register()
    for method in ("PATCH", "DELETE"):
        answer = await web.client.request(method, path, json={}, headers=other.bearer)
        assert answer.status_code == 404
    assert (await web.client.get(KEYS, headers=other.bearer)).json()["data"] == []
    assert (await web.client.delete(path, headers=owner.bearer)).status_code == 200
    assert (await web.client.delete(path, headers=owner.bearer)).status_code == 404
    # The secret was shown once, and is in no row, no line of the log and not in the audit log.
    rows = await web.parts.pool.fetch("SELECT * FROM api_keys")
    lines = await web.accounts.audit.page(100)
    assert secret not in f"{rows} {lines} {web.log.getvalue()}"


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("scopes", {"scopes": ["trade"]}),
    ("scopes", {"scopes": ["read", "read"]}),
    ("scopes[0]", {"scopes": ["admin"]}),
    ("scopes", {"scopes": []}),
    ("algorithm", {"algorithm": "none"}),
    ("publicKey", {"algorithm": "ed25519"}),
    ("publicKey", {"algorithm": "ed25519", "publicKey": "AAAA"}),
    ("publicKey", {"publicKey": "AAAA"}),
    ("label", {"label": " "}),
    ("label", {"label": "x" * 61}),
    ("label", {"label": "a\u200bb"}),
    ("allowList[0]", {"allowList": ["10.0.0.1/8"]}),
    ("allowList", {"allowList": ["10.0.0.1"] * 21}),
    ("expiresAt", {"expiresAt": "2001-01-01T00:00:00Z"}),
    ("expiresAt", {"expiresAt": "soon"}),
    ("secret", {"secret": "mine"}),
]


async def test_the_fields_of_a_wrong_body_are_named(web: Web, owner: Person) -> None:
    for field, change in WRONG:
        answer = await web.client.post(KEYS, json=HMAC | change, headers=owner.bearer)
        assert answer.status_code == 400, (change, answer.text)
        named = [detail["field"] for detail in answer.json()["error"]["details"]]
        assert named == [field], (change, answer.text)


async def test_making_and_changing_a_key_ask_for_a_fresh_login(web: Web, owner: Person) -> None:
    made = await web.client.post(KEYS, json=HMAC, headers=owner.bearer)
    path = f"{KEYS}/{made.json()['data']['key']['id']}"
    await web.parts.pool.execute("UPDATE sessions SET proved_at = 1")
    for method, where, body in (("POST", KEYS, HMAC), ("PATCH", path, {"allowList": []})):
        answer = await web.client.request(method, where, json=body, headers=owner.bearer)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FRESH_LOGIN_REQUIRED")
    assert len((await web.client.get(KEYS, headers=owner.bearer)).json()["data"]) == 1
    # Whoever fears for a key is kept from nothing.
    assert (await web.client.delete(path, headers=owner.bearer)).status_code == 200


async def test_the_bound_holds_for_requests_that_race(make_web: MakeWeb) -> None:
    web = await make_web(API_KEYS_PER_USER=2)
    owner = await web.register()
    answers = await asyncio.gather(
        *(web.client.post(KEYS, json=HMAC, headers=owner.bearer) for _ in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 201, 422, 422, 422, 422]
    pages = await web.client.get(KEYS, params={"limit": 1}, headers=owner.bearer)
    assert (pages.json()["pagination"]["total"], len(pages.json()["data"])) == (2, 1)
    cursor = pages.json()["nextCursor"]
    rest = await web.client.get(KEYS, params={"cursor": cursor}, headers=owner.bearer)
    assert len(rest.json()["data"]) == 1


async def test_the_last_use_is_written_by_and_by(web: Web, hmac: Signer, owner: Person) -> None:
    watch = web.parts.keys.watch
    await watch.tidy()
    assert (await hmac.call(web.client, "GET", "/user/balance")).status_code == 200
    await watch.tidy()
    listed = await web.client.get(KEYS, headers=owner.bearer)
    shown = listed.json()["data"][0]["lastUsedAt"]
    assert shown.endswith(":00.000Z"), "to the minute"
    await web.parts.pool.execute("UPDATE api_keys SET last_used_at = 5")
    await watch.tidy()
    assert await web.parts.pool.fetchval("SELECT last_used_at FROM api_keys") == 5, "once a minute"


async def test_secrets_are_sealed_anew_and_a_lost_key_is_told(web: Web, hmac: Signer) -> None:
    pool, settings = web.parts.pool, web.settings.api_keys
    old, new = bytes(32), b"n" * 32

    def keys_of(*keys: bytes) -> ApiKeys:
        return ApiKeys(ApiKeyRows(pool), web.accounts.audit, Seal(keys), settings)

    assert await keys_of(old).reseal() == (0, 0)
    assert await keys_of(new).reseal() == (0, 1)
    assert await keys_of(new, old).reseal() == (1, 0)
    known = await keys_of(new).look_up(hmac.name)
    assert known is not None
    assert known.verifies(b"text", hmac.sign(b"text"))
    # This process has only the old one: it says that it can't, and nobody is let in.
    answer = await hmac.call(web.client, "GET", "/user/balance")
    assert answer.status_code == 503
    assert "ENCRYPTION_KEY" in answer.json()["error"]["message"]
    watch = KeyWatch(keys_of(old), None, 1_000, web.parts.logger)
    await watch.reseal()
    assert "can't open" in web.log_lines()[-1]["event"]


async def test_nonces_are_one_for_all_processes(web: Web, hmac: Signer) -> None:
    """Two processes behind one database: what one has taken the other refuses."""
    rows = ApiKeyNonces(web.parts.pool)
    at = now_ms()
    taken = await asyncio.gather(
        *(rows.take([hmac.id, 7], [nonce, nonce], [at, at]) for nonce in "aabbcc")
    )
    assert sum(map(len, taken)) == 6
    assert await rows.prune(at, 100) == 0
    assert await rows.prune(at + 1, 4) == 4
    assert await rows.prune(at + 1, 100) == 2


async def test_a_key_revoked_while_it_is_looked_up_is_not_remembered(
    web: Web, owner: Person
) -> None:
    key = await make_key(web, owner)
    service = web.parts.keys.service
    rows = service._rows
    found = rows.by_name

    async def slow(name: str) -> Any:
        row = await found(name)
        if row is not None:
            answer = await web.client.delete(f"{KEYS}/{key.id}", headers=owner.bearer)
            assert answer.status_code == 200
        return row

    rows.by_name = slow  # type: ignore[method-assign]
    assert (await key.call(web.client, "GET", "/user/balance")).status_code == 401
    assert service.remembered(key.name) is None


async def test_keys_of_an_auditor_hold_no_longer_than_the_role_comes(
    web: Web, owner: Person
) -> None:
    """A key has the role USER, and could change what its owner may not."""
    key = await make_key(web, owner)
    keys = web.parts.keys
    for role, status in (("USER", 200), ("AUDITOR", 401), ("ADMIN", 200)):
        await web.accounts.users.set_role(owner.id, role)
        await keys.service.recheck()
        answer = await key.call(web.client, "GET", "/user/balance")
        assert answer.status_code == status, role


async def test_a_line_that_could_not_be_written_silences_none(
    web: Web, hmac: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = hmac.headers("GET", BALANCE)

    async def ask() -> int:
        return (await web.client.get(BALANCE, headers=headers)).status_code

    assert await ask() == 200
    with monkeypatch.context() as away:
        away.setattr(AuditLog, "write", lose)
        assert await ask() == 401

    async def leave(*_: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as gone:
        gone.setattr(AuditLog, "write", leave)
        with pytest.raises(asyncio.CancelledError):
            await ask()
    assert [await ask(), await ask()] == [401, 401]
    entries, _ = await web.accounts.audit.page(100)
    lines = [(entry.target, entry.outcome) for entry in entries if entry.action == "api_key.use"]
    assert lines == [(f"api-key:{hmac.id}", "replayed")]
