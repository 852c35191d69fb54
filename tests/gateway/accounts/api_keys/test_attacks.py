"""What must not get in by an API key: one test for each way to try."""

import asyncio
import base64
import json
from typing import Any

import pytest

from exchange.messages.commands import SuspendAccount
from tests.gateway.accounts.api_keys.signer import (
    KEYS,
    Signer,
    hmac_signer,
    make_key,
    now_ms,
    send,
)
from tests.gateway.conftest import MakeWeb, Person, Web
from tests.gateway.trading_desk import order

BALANCE = "/api/v1/user/balance"
PLACE = "/api/v1/orders/rain"
L = 2**252 + 27742317777372353535851937790883648493


def fields(answer: Any) -> list[str]:
    return [detail["field"] for detail in answer.json()["error"]["details"]]


def count(web: Web, reason: str) -> float:
    registry = web.parts.metrics.registry
    return registry.get_sample_value("api_key_refusals_total", {"reason": reason}) or 0


async def audited(web: Web) -> list[tuple[str, str | None, str]]:
    entries, _ = await web.accounts.audit.page(100)
    return [(e.action, e.target, e.outcome) for e in entries if e.action.startswith("api_key")]


@pytest.mark.parametrize("algorithm", ["ed25519", "hmac-sha256"])
async def test_a_signed_call_is_its_owners(web: Web, owner: Person, algorithm: str) -> None:
    key = await make_key(web, owner, algorithm)
    answer = await key.call(web.client, "GET", "/user/balance")
    assert answer.status_code == 200, answer.text
    bearer = await web.client.get(BALANCE, headers=owner.bearer)
    assert answer.json()["data"] == bearer.json()["data"]
    placed = await key.call(web.client, "POST", "/orders/rain", order("BUY YES 10 @ 0.55"))
    assert placed.status_code == 201, placed.text
    asked = await key.call(web.client, "GET", "/orders", query="market=rain&limit=1")
    assert [one["id"] for one in asked.json()["data"]] == [placed.json()["data"]["order"]["id"]]
    swept = await key.call(web.client, "DELETE", "/orders", query="market=rain")
    assert swept.json()["data"]["cancelled"] == 1


async def test_a_call_is_taken_once(web: Web, hmac: Signer) -> None:
    body = json.dumps(order("BUY YES 1 @ 0.55")).encode()
    headers = hmac.headers("POST", PLACE, body=body)
    first, second = [await send(web.client, "POST", PLACE, headers, body) for _ in range(2)]
    assert (first.status_code, second.status_code) == (201, 401)
    assert fields(second) == ["nonce"]
    # Another call under the same nonce, and the same call under another time stamp.
    again = {"nonce": headers["probity-nonce"]}
    for parts in (again, again | {"timestamp": now_ms() - 1}):
        answer = await hmac.call(web.client, "GET", "/user/balance", **parts)
        assert (answer.status_code, fields(answer)) == (401, ["nonce"])
    assert count(web, "replayed") == 3
    # A line a minute, whatever comes.
    lines = [line for line in await audited(web) if line[2] == "replayed"]
    assert lines == [("api_key.use", f"api-key:{hmac.id}", "replayed")]


async def test_of_a_call_sent_many_times_at_once_one_is_taken(web: Web, ed25519: Signer) -> None:
    headers = ed25519.headers("GET", BALANCE)
    answers = await asyncio.gather(*(send(web.client, "GET", BALANCE, headers) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7


async def test_a_call_that_a_limit_refused_may_be_sent_as_it_is(make_web: MakeWeb) -> None:
    web = await make_web(RATE_LIMIT_USER_MAX_REQUESTS=2, RATE_LIMIT_USER_WINDOW_MS=2000)
    key = await make_key(web, await web.register(), "hmac-sha256")
    headers = key.headers("GET", KEYS)
    seen = [(await key.call(web.client, "GET", "/user/limits")).status_code for _ in range(3)]
    assert seen == [200, 200, 429]
    headers = key.headers("GET", "/api/v1/user/limits")
    answer = await send(web.client, "GET", "/api/v1/user/limits", headers)
    while answer.status_code == 429:
        await asyncio.sleep(0.2)
        answer = await send(web.client, "GET", "/api/v1/user/limits", headers)
    assert answer.status_code == 200


CHANGES: dict[str, dict[str, Any]] = {
    "method": {"method": "PUT"},
    "path": {"path": "/api/v1/orders/snow"},
    "the other prefix": {"path": "/api/orders/rain"},
    "an encoded path": {"path": "/api/v1/orders/ra%69n"},
    "a trailing slash": {"path": "/api/v1/orders/rain/"},
    "query": {"query": "a=1"},
    "query re-ordered": {"signed_query": "a=1&b=2", "query": "b=2&a=1"},
    "query encoded": {"signed_query": "a=%20", "query": "a=+"},
    "body": {"body": b'{"side":"SELL"}'},
    "no body": {"body": b""},
    "blanks in the body": {"body": b" {}"},
    "time stamp": {"header": ("probity-timestamp", str(now_ms() + 1))},
    "window": {"header": ("probity-window", "20000")},
    "nonce": {"header": ("probity-nonce", "another-nonce")},
}


async def test_whatever_is_changed_breaks_the_signature(
    web: Web, hmac: Signer, ed25519: Signer
) -> None:
    for name, change in CHANGES.items():
        for key in (hmac, ed25519):
            headers = key.headers("POST", PLACE, change.get("signed_query", ""), b"{}")
            if "header" in change:
                headers |= dict([change["header"]])
            answer = await send(
                web.client,
                change.get("method", "POST"),
                change.get("path", PLACE),
                headers,
                change.get("body", b"{}"),
                change.get("query", ""),
            )
            # What no route has is refused before anybody is asked for.
            expected = {"method": 405, "a trailing slash": 404}.get(name, 401)
            assert answer.status_code == expected, (name, answer.text)
    assert web.engine.view.orders == {}
    assert (await hmac.call(web.client, "POST", "/orders/rain", {})).status_code == 400


async def test_a_signature_says_nothing_for_another_key(web: Web, owner: Person) -> None:
    mine, other = await make_key(web, owner), await make_key(web, await web.register())
    headers = mine.headers("GET", BALANCE) | {"probity-key": other.name}
    assert (await send(web.client, "GET", BALANCE, headers)).status_code == 401
    # Signed for the other's name by one's own key.
    headers = mine.headers("GET", BALANCE, name=other.name)
    assert (await send(web.client, "GET", BALANCE, headers)).status_code == 401
    assert count(web, "signature") == 2


async def test_nobody_learns_which_keys_there_are(web: Web, hmac: Signer) -> None:
    unknown = hmac.headers("GET", BALANCE, name="pk_" + "x" * 22)
    wrong = hmac.headers("GET", BALANCE, nonce="some-nonce") | {"probity-nonce": "other-nonce"}
    bodies = []
    for headers in (unknown, wrong):
        answer = await send(web.client, "GET", BALANCE, headers)
        assert answer.status_code == 401
        bodies.append(answer.json()["error"])
    assert bodies[0] == bodies[1]


async def test_a_public_key_is_no_secret(web: Web, ed25519: Signer, hmac: Signer) -> None:
    """An HMAC made with the public key, and texts that name the other algorithm."""
    raw = base64.b64decode(ed25519.answer["publicKey"])
    for secret in (ed25519.answer["publicKey"], raw.decode("latin-1")):
        forger = Signer(0, ed25519.name, "hmac-sha256", hmac_signer(secret), ed25519.person)
        for algorithm in ("hmac-sha256", "ed25519"):
            answer = await forger.call(web.client, "GET", "/user/balance", algorithm=algorithm)
            assert answer.status_code == 401
    for key, named in ((ed25519, "hmac-sha256"), (hmac, "ed25519"), (hmac, "none")):
        answer = await key.call(web.client, "GET", "/user/balance", algorithm=named)
        assert answer.status_code == 401


async def test_a_signature_has_one_form(web: Web, ed25519: Signer) -> None:
    """S + L verifies where S isn't looked at; R may not be written in a second way either."""
    headers = ed25519.headers("GET", BALANCE)
    raw = base64.b64decode(headers["probity-signature"])
    s = int.from_bytes(raw[32:], "little")
    forms = [
        raw[:32] + (s + L).to_bytes(32, "little"),
        bytes(64),
        raw[:32] + bytes(32),
        (1).to_bytes(32, "little") + bytes(32),
        raw + b"\0",
        raw[:63],
    ]
    for form in forms:
        changed = headers | {"probity-signature": base64.b64encode(form).decode()}
        assert (await send(web.client, "GET", BALANCE, changed)).status_code == 401
    assert (await send(web.client, "GET", BALANCE, headers)).status_code == 200


async def test_a_time_outside_its_window_is_told_the_servers(web: Web, hmac: Signer) -> None:
    for ahead_ms in (-5_500, 3_000, -60_000, 60_000):
        answer = await hmac.call(web.client, "GET", "/user/balance", timestamp=now_ms() + ahead_ms)
        assert answer.status_code == 401
        assert fields(answer) == ["timestamp", "serverTime"]
        told = int(answer.json()["error"]["details"][1]["message"])
        assert abs(told - now_ms()) < 5_000


async def test_a_window_is_the_callers_within_bounds(web: Web, hmac: Signer) -> None:
    web.parts.keys.gate._book.floor = 0  # as after some time
    late, named = now_ms() - 8_000, []
    for window, status in ((10_000, 200), (7_000, 401), (30_001, 401)):
        answer = await hmac.call(web.client, "GET", "/user/balance", timestamp=late, window=window)
        assert answer.status_code == status, answer.text
        named.append("error" in answer.json() and fields(answer)[0])
    assert named == [False, "timestamp", "window"]


async def test_a_process_takes_nothing_that_was_signed_before_it_began(
    web: Web, hmac: Signer
) -> None:
    """The one before it may have taken it, and what it remembered is gone."""
    web.parts.keys.gate._book.floor = now_ms()
    answer = await hmac.call(web.client, "GET", "/user/balance", timestamp=now_ms() - 1_000)
    assert (answer.status_code, fields(answer)[0]) == (401, "timestamp")
    assert "sign it anew" in answer.json()["error"]["message"]


MALFORMED = [
    ("probity-key", "pk_short"),
    ("probity-key", "pk_" + "x" * 5_000),
    ("probity-timestamp", "soon"),
    ("probity-timestamp", "1e12"),
    ("probity-timestamp", "-1767225600000"),
    ("probity-timestamp", "１７６７２２５６０００００".encode().decode("latin-1")),
    ("probity-window", "0"),
    ("probity-window", "05000"),
    ("probity-nonce", "short"),
    ("probity-nonce", "n" * 65),
    ("probity-nonce", "with a blank"),
    ("probity-signature", "!!!!"),
    ("probity-signature", "AAA"),
    ("probity-signature", "A" * 8_000),
    ("probity-signature", "-_-_" * 16),
    ("probity-signature", "AB=="),
]


async def test_what_is_malformed_is_named(web: Web, hmac: Signer) -> None:
    for name, value in MALFORMED:
        headers = hmac.headers("GET", BALANCE) | {name: value}
        raw = [(k.encode(), v.encode("latin-1")) for k, v in headers.items()]
        answer = await send(web.client, "GET", BALANCE, raw)
        assert answer.status_code == 401
        assert [field.lower() for field in fields(answer)] == [name]


async def test_each_header_comes_once_in_any_case_and_alone(web: Web, hmac: Signer) -> None:
    upper = {name.upper(): value for name, value in hmac.headers("GET", BALANCE).items()}
    assert (await send(web.client, "GET", BALANCE, upper)).status_code == 200
    for name in ("Probity-Key", "Probity-Timestamp", "Probity-Nonce", "Probity-Signature"):
        headers = hmac.headers("GET", BALANCE)
        twice = [*headers.items(), (name, headers[name.lower()])]
        answer = await send(web.client, "GET", BALANCE, twice)
        assert (answer.status_code, fields(answer)) == (401, [name])
        missing = {k: v for k, v in headers.items() if k != name.lower()}
        answer = await send(web.client, "GET", BALANCE, missing)
        assert answer.status_code == 401
    both = hmac.headers("GET", BALANCE) | hmac.person.bearer
    answer = await send(web.client, "GET", BALANCE, both)
    assert (answer.status_code, fields(answer)) == (401, ["Authorization"])


async def test_an_allow_list_holds_and_changes_at_once(web: Web, owner: Person) -> None:
    key = await make_key(web, owner, "hmac-sha256", allowList=["192.0.2.0/24", "2001:db8:1::/48"])
    inside, outside = web.from_address("192.0.2.77"), web.from_address("198.51.100.7")
    six, other_six = web.from_address("2001:db8:1:2::9"), web.from_address("2001:db8:2::9")
    for client, status in ((inside, 200), (outside, 403), (six, 200), (other_six, 403)):
        answer = await key.call(client, "GET", "/user/balance")
        assert answer.status_code == status, answer.text
    body = {"allowList": ["198.51.100.7"]}
    changed = await web.client.patch(f"{KEYS}/{key.id}", json=body, headers=owner.bearer)
    assert changed.json()["data"]["allowList"] == ["198.51.100.7/32"]
    for client, status in ((inside, 403), (outside, 200)):
        assert (await key.call(client, "GET", "/user/balance")).status_code == status
    for client in (inside, outside, six, other_six):
        await client.aclose()
    # No address is in the log, nor in the audit log.
    assert "198.51.100.7" not in web.log.getvalue()
    assert ("api_key.use", f"api-key:{key.id}", "address") in await audited(web)


async def test_a_key_that_expires_or_is_revoked_is_refused(web: Web, owner: Person) -> None:
    key = await make_key(web, owner, "hmac-sha256", expiresAt="2099-01-01T00:00:00Z")
    assert (await key.call(web.client, "GET", "/user/balance")).status_code == 200
    known = web.parts.keys.service.remembered(key.name)
    assert known is not None
    known.standing.expires_at = 1
    answer = await key.call(web.client, "GET", "/user/balance")
    assert (answer.status_code, answer.json()["error"]["message"]) == (
        401,
        "The API key has expired",
    )
    known.standing.expires_at = None
    gone = await web.client.delete(f"{KEYS}/{key.id}", headers=owner.bearer)
    assert gone.status_code == 200
    assert (await key.call(web.client, "GET", "/user/balance")).status_code == 401
    lines = {(action, outcome) for action, _, outcome in await audited(web)}
    assert {("api_key.create", "ok"), ("api_key.use", "expired"), ("api_key.revoke", "ok")} <= lines


async def test_a_key_that_is_deleted_elsewhere_ends_with_the_next_look(
    web: Web, hmac: Signer
) -> None:
    assert (await hmac.call(web.client, "GET", "/user/balance")).status_code == 200
    await web.parts.pool.execute("DELETE FROM api_keys WHERE id = $1", hmac.id)
    told: list[int] = []
    service = web.parts.keys.service
    service.on_changed.append(told.append)
    await service.recheck()
    assert told == [hmac.person.id]
    assert (await hmac.call(web.client, "GET", "/user/balance")).status_code == 401


async def test_a_suspended_account_sends_no_order_and_may_still_cancel(
    web: Web, hmac: Signer
) -> None:
    placed = await hmac.call(web.client, "POST", "/orders/rain", order("BUY YES 1 @ 0.55"))
    assert placed.status_code == 201
    web.engine.run(SuspendAccount(hmac.person.id, suspended=True))
    answer = await hmac.call(web.client, "POST", "/orders/rain", order("BUY YES 1 @ 0.55"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "ACCOUNT_SUSPENDED")
    assert (await hmac.call(web.client, "DELETE", "/orders")).status_code == 200
    assert (await hmac.call(web.client, "GET", "/user/balance")).status_code == 200


async def test_an_admins_key_is_no_admin_and_no_owner(web: Web) -> None:
    admin = await web.register(admin=True)
    key = await make_key(web, admin, "hmac-sha256")
    for method, path, body in (
        ("GET", "/admin/users", None),
        ("POST", "/admin/exchange/mode", {"mode": "halted"}),
        ("GET", "/users/me/api-keys", None),
        ("POST", "/users/me/api-keys", {}),
        ("PATCH", f"/users/me/api-keys/{key.id}", {"allowList": []}),
        ("DELETE", f"/users/me/api-keys/{key.id}", None),
        ("GET", "/auth/me", None),
        ("POST", "/watchlists", {"name": "x"}),
    ):
        answer = await key.call(web.client, method, path, body)
        assert answer.status_code == 403, (path, answer.text)
    # Nor does it end the owner's session.
    await key.call(web.client, "POST", "/auth/logout")
    assert (await web.client.get("/api/v1/auth/me", headers=admin.bearer)).status_code == 200


async def test_a_key_that_may_only_read_trades_nothing(web: Web, owner: Person) -> None:
    key = await make_key(web, owner, scopes=["read"])
    answer = await key.call(web.client, "POST", "/orders/rain", order("BUY YES 1 @ 0.55"))
    assert answer.status_code == 403
    assert "trade" in answer.json()["error"]["message"]
    assert (await key.call(web.client, "DELETE", "/orders")).status_code == 403
    previewed = await key.call(web.client, "POST", "/orders/preview", {"market": "rain"})
    assert previewed.status_code == 400
    assert (await key.call(web.client, "GET", "/user/balance")).status_code == 200
    assert web.engine.view.orders == {}


async def test_on_a_public_route_a_wrong_signature_is_nobodys(web: Web, hmac: Signer) -> None:
    path = "/api/v1/markets/rain"
    headers = hmac.headers("GET", path) | {"probity-nonce": "another-nonce"}
    assert (await send(web.client, "GET", path, headers)).status_code == 200
    assert (await hmac.call(web.client, "GET", "/markets/rain")).status_code == 200


async def test_who_guesses_signatures_is_slowed_and_the_owner_isnt(make_web: MakeWeb) -> None:
    web = await make_web(RATE_LIMIT_MAX_REQUESTS=5, RATE_LIMIT_SIGN_INS=50)
    key = await make_key(web, await web.register(), "hmac-sha256")
    assert (await key.call(web.client, "GET", "/user/limits")).status_code == 200
    forged = key.headers("GET", "/api/v1/user/limits", name="pk_" + "x" * 22)
    away = web.from_address("198.51.100.8")
    seen = []
    for client in (away, web.client):
        for _ in range(7):
            answer = await send(client, "GET", "/api/v1/user/limits", forged)
            seen.append(answer.status_code)
    assert 429 in seen
    assert count(web, "unknown key") <= 10
    # From where it was right before it goes on; from elsewhere it waits with the rest.
    assert (await key.call(web.client, "GET", "/user/limits")).status_code == 200
    assert (await key.call(away, "GET", "/user/limits")).status_code == 429
    await away.aclose()


async def test_a_key_has_buckets_of_its_own(make_web: MakeWeb) -> None:
    web = await make_web(RATE_LIMIT_USER_MAX_REQUESTS=3, RATE_LIMIT_USER_MAX_WRITES=5)
    owner = await web.register()
    key = await make_key(web, owner, "hmac-sha256")
    web.parts.limits.set_tiers({})
    for _ in range(3):
        assert (await key.call(web.client, "GET", "/user/balance")).status_code == 200
    assert (await key.call(web.client, "GET", "/user/balance")).status_code == 429
    assert (await web.client.get(BALANCE, headers=owner.bearer)).status_code == 200
    # A batch counts as its operations there as well.
    operations = [{"op": "cancel", "orderId": "1"}] * 4
    answer = await key.call(web.client, "POST", "/orders/batch", {"operations": operations})
    assert answer.status_code == 200, answer.text
    answer = await key.call(web.client, "POST", "/orders/batch", {"operations": operations[:2]})
    assert answer.status_code == 429
    level = {p.name: left.remaining for p, left, _ in web.parts.limits.buckets_of(owner.id)}
    assert level["write"] == 5 - 1
