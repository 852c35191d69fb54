"""Every row of bad input over real connections: a 4xx that names the field, and nothing changed.

After each row all that is shown of two traders and the book is compared with what was shown
before. What the layers do inside is for `tests/gateway`; here is only what a client meets.
"""

import asyncio
import json
import socket
import time
from collections.abc import Iterator

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.accounts.sessions.keys import KeyRing, load_key
from gateway.accounts.sessions.tokens import Tokens
from tests.e2e.conftest import Floor
from tests.gateway.socket_client import SocketClient, socket_client
from tests.server_process import ServerProcess

GOOD = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": "0.55", "quantity": "10"}
PRICES = (
    "0",
    "1",
    "-1",
    '"NaN"',
    "NaN",
    '"1E+1000000"',
    "1E+1000000",
    '"1_0"',
    '"\uff10.\uff15"',
    '"0.5\\n"',
    '"0.' + "5" * 400 + '"',
    "0." + "5" * 400,
    "true",
    "null",
    '"0.5\\u0000"',
    '"\\ud800"',
)
NO_JSON = ("NaN", '"\\ud800"')
"""Over the socket these make the whole frame none."""
OFF_TICK = '"0.555"'
QUANTITIES = ("0", '"0.001"', "0.001", "-1", "true", "null", '"1e3"')
OTHER_TYPES = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "")


def raw(**tokens: str) -> bytes:
    """A good order with some fields replaced by raw JSON tokens, or added."""
    fields = {name: json.dumps(value) for name, value in GOOD.items()} | tokens
    return ("{" + ",".join(f'"{name}":{token}' for name, token in fields.items()) + "}").encode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that doesn't wait long for bodies."""
    folder = tmp_path_factory.mktemp("server") / "data"
    made = ServerProcess(folder, {"REQUEST_BODY_TIMEOUT_SECONDS": "0.5"})
    try:
        made.start()
        yield made
        words = made.words()
        assert '"level":"error"' not in words, words
        assert made.end() == 0
    finally:
        made.clean_up()


def refused(
    floor: Floor, content: bytes, status: int, field: str | None, **headers: str
) -> httpx.Response:
    """Send a body to the market; it must be refused for `field`, and change nothing."""
    before = floor.shown()
    headers = {"content-type": "application/json"} | headers
    answer = floor.ann.client.post(f"/orders/{floor.slug}", content=content, headers=headers)
    check(answer, status, field)
    assert floor.shown() == before
    return answer


def check(answer: httpx.Response, status: int, field: str | None) -> None:
    assert answer.status_code == status, answer.text
    envelope = answer.json()
    assert envelope["success"] is False
    fields = [detail["field"] for detail in envelope["error"]["details"]]
    assert fields == ([] if field is None else [field]), envelope


@pytest.mark.parametrize("token", PRICES)
def test_a_price_that_is_none(floor: Floor, token: str) -> None:
    refused(floor, raw(price=token), 400, "price")


def test_a_price_off_the_tick(floor: Floor) -> None:
    answer = refused(floor, raw(price=OFF_TICK), 422, "price")
    assert answer.json()["error"]["code"] == "OFF_TICK"
    assert "0.5" in answer.json()["error"]["details"][0]["message"], "the nearest valid price"


@pytest.mark.parametrize("token", QUANTITIES)
def test_a_quantity_that_is_none(floor: Floor, token: str) -> None:
    refused(floor, raw(quantity=token), 400, "quantity")


@pytest.mark.parametrize(
    ("content", "status", "field"),
    [
        (raw(surprise="1"), 400, "surprise"),
        (raw(price='"0.5","price":"0.6"'), 400, "price"),
        (raw(clientOrderId='"a\\u0000b"'), 400, "clientOrderId"),
        (raw()[:-1], 400, "body"),
        (raw()[: len(raw()) // 2], 400, "body"),
        (raw().replace(b"BUY", b"B\xffY"), 400, "body"),
        (b"[" * 60_000, 400, "body"),
        (b"[" * 100_000, 413, "body"),
        (b" " * 2_000_000 + raw(), 413, "body"),
        (b"", 400, "body"),
    ],
    ids=["unknown", "twice", "NUL", "cut", "half", "bytes", "nested", "brackets", "2 MB", "empty"],
)
def test_a_body_that_is_none(floor: Floor, content: bytes, status: int, field: str) -> None:
    refused(floor, content, status, field)


@pytest.mark.parametrize("content_type", OTHER_TYPES)
def test_another_content_type(floor: Floor, content_type: str) -> None:
    refused(floor, raw(), 415, "content-type", **{"content-type": content_type})


def test_a_token_that_does_not_hold(floor: Floor) -> None:
    """No token, garbage, somebody's with another signature, another key's, and one of yesterday."""
    server, ann = floor.server, floor.ann
    head, claims, signature = ann.token.split(".")
    bob_claims = floor.bob.token.split(".")[1]
    forged = Tokens(KeyRing.of(Ed25519PrivateKey.generate()), 900).issue(ann.id, 1)
    expired = Tokens(KeyRing.of(load_key(None, server.data_dir)), -10).issue(ann.id, 1)
    endless = Tokens(KeyRing.of(load_key(None, server.data_dir)), 10_000).issue(ann.id, 999_999)
    before = floor.shown()
    for value in (
        None,
        "",
        "Bearer",
        "Basic YW5uOmFubg==",
        "Bearer x.y.z",
        f"Bearer {head}.{bob_claims}.{signature}",
        f"Bearer {head}.{claims}.",
        f"Bearer {forged}",
        f"Bearer {expired}",
        f"Bearer {endless}",
        f"Bearer {'x' * 5_000}",
    ):
        headers = {} if value is None else {"authorization": value}
        for method, path in (("POST", f"/orders/{floor.slug}"), ("GET", "/user/balance")):
            content = raw() if method == "POST" else None
            answer = httpx.request(
                method,
                f"{server.url}/api/v1{path}",
                content=content,
                headers=headers | ({"content-type": "application/json"} if content else {}),
            )
            check(answer, 401, None)
    assert floor.shown() == before


def test_what_is_somebody_else_s_or_nobody_s(floor: Floor) -> None:
    before = floor.shown()
    answer = floor.bob.call("DELETE", f"/orders/{floor.ann_order}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "NOT_ORDER_OWNER")
    assert floor.bob.call("GET", f"/orders/{floor.ann_order}").status_code == 403
    for order_id in ("0", "-1", "999999999", "abc", "1e3", "9" * 30, "%00", "1;2"):
        answer = floor.bob.call("DELETE", f"/orders/{order_id}")
        assert answer.status_code == 404, (order_id, answer.text)
    for market in ("no-such-market", "999999", "%00", "A", "..%2Fadmin"):
        assert floor.ann.call("POST", f"/orders/{market}", GOOD).status_code == 404, market
    assert floor.shown() == before


def test_a_resolved_market(floor: Floor) -> None:
    floor.server.call(
        "POST", f"/markets/{floor.slug}/resolve", floor.server.admin(), {"outcome": "VOID"}
    )
    answer = refused(floor, raw(), 422, "market")
    assert answer.json()["error"]["code"] in {"MARKET_NOT_OPEN", "MARKET_ALREADY_RESOLVED"}


def test_an_ordinary_user_is_no_admin(floor: Floor) -> None:
    before = floor.shown()
    for method, path, body in (
        ("POST", f"/admin/users/{floor.ann.id}/credit", {"amount": "5", "reason": "me"}),
        ("POST", f"/markets/{floor.slug}/resolve", {"outcome": "YES"}),
        ("PATCH", f"/markets/{floor.slug}/status", {"status": "HALTED"}),
        ("GET", "/admin/users", None),
    ):
        assert floor.ann.call(method, path, body).status_code == 403, path
    assert floor.shown() == before


# -- on the wire itself -----------------------------------------------------------------------


def spoken(server: ServerProcess, *chunks: bytes, half_close: bool = False) -> bytes:
    """Send bytes as they are and return all that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        try:
            for chunk in chunks:
                connection.sendall(chunk)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        except ConnectionError:
            pass  # refused and closed before all was sent
        said = b""
        try:
            while part := connection.recv(65_536):
                said += part
        except ConnectionError:
            pass
        return said


def head_of(floor: Floor, *lines: str) -> bytes:
    return "\r\n".join(
        (
            f"POST /api/v1/orders/{floor.slug} HTTP/1.1",
            "host: localhost",
            f"authorization: Bearer {floor.ann.token}",
            "content-type: application/json",
            *lines,
            "",
            "",
        )
    ).encode()


def test_bodies_that_are_not_as_long_as_they_say(floor: Floor) -> None:
    before, body, close = floor.shown(), raw(), "connection: close"
    length = len(body)
    for sent in (
        # Longer than what comes: waited for half a second, then refused.
        (head_of(floor, f"content-length: {length + 5}", close), body),
        # Shorter: cut JSON, and a rest that is no request.
        (head_of(floor, f"content-length: {length - 5}", close), body),
        (head_of(floor, "content-length: -1", close), body),
        (head_of(floor, f"content-length: {length}", "content-length: 3", close), body),
        (head_of(floor, "content-length: 1e2", close), body),
        (head_of(floor, "transfer-encoding: chunked", close), b"zz\r\n", body),
        (head_of(floor, "transfer-encoding: chunked", close), b"5\r\n", body[:5]),
        (head_of(floor, "content-length: 9999999999999999999999", close), body),
    ):
        said = spoken(floor.server, *sent)
        assert said.startswith(b"HTTP/1.1 4"), (sent[0], said[:300])
    assert floor.shown() == before


def test_sockets_that_are_half_closed_in_the_middle(floor: Floor) -> None:
    before, body = floor.shown(), raw()
    whole = head_of(floor, f"content-length: {len(body)}") + body
    started = time.monotonic()
    for cut in (10, len(whole) // 2, len(whole) - len(body), len(whole) - 1):
        said = spoken(floor.server, whole[:cut], half_close=True)
        assert not said.startswith(b"HTTP/1.1 2"), said
    assert time.monotonic() - started < 30, "nobody waits for what can't come"
    assert floor.shown() == before


# -- over the socket --------------------------------------------------------------------------


async def _refusals(client: SocketClient, floor: Floor, frames: list[tuple[str, str]]) -> None:
    for text, field in frames:
        answer = await asyncio.wait_for(client.emit_raw(text), 30)
        assert answer["ok"] is False, text
        fields = [detail["field"] for detail in answer["error"]["details"]]
        assert fields == [field], (text, answer)


async def test_every_row_over_the_socket(floor: Floor) -> None:
    market = json.dumps(floor.slug)

    def event(**tokens: str) -> str:
        return '["order:place",' + raw(market=market, **tokens).decode() + "]"

    frames = [
        (event(price=token), "event" if token in NO_JSON else "price")
        for token in (*PRICES, OFF_TICK)
    ]
    frames += [(event(quantity=token), "quantity") for token in QUANTITIES]
    frames += [
        (event(surprise="1"), "surprise"),
        (event(price='"0.5","price":"0.6"'), "price"),
        (event(clientOrderId='"a\\u0000b"'), "clientOrderId"),
        ('["order:cancel",{"orderId":"999999999"}]', "orderId"),
        (f'["order:cancel",{{"orderId":"{floor.ann_order}"}}]', "orderId"),
        ('["order:place",{"market":"no-such-market"' + event()[event().index(",", 18) :], "market"),
        ('["order:place"', "event"),
        ('["order:place",' + "[" * 8_000, "event"),
        ('["no:such:event",{}]', "event"),
        ('["connect",{}]', "event"),
    ]
    before = await asyncio.to_thread(floor.shown)
    async with socket_client(floor.server.port, floor.bob.token) as bob:
        await _refusals(bob, floor, frames)
        assert await bob.ok("ping")
    assert await asyncio.to_thread(floor.shown) == before


async def test_a_socket_without_a_good_token_trades_nothing(floor: Floor) -> None:
    before = await asyncio.to_thread(floor.shown)
    expired = Tokens(KeyRing.of(load_key(None, floor.server.data_dir)), -10).issue(floor.ann.id, 1)
    async with socket_client(floor.server.port) as nobody:
        refusal = await nobody.refusal("order:place", {"market": floor.slug, **GOOD})
        assert refusal["code"] == "UNAUTHORIZED"
        refusal = await nobody.refusal("session:authenticate", {"token": expired})
        assert refusal["code"] == "UNAUTHORIZED"
        refusal = await nobody.refusal("order:cancel", {"orderId": floor.ann_order})
        assert refusal["code"] == "UNAUTHORIZED"
    async with socket_client(floor.server.port, "x.y.z") as forged:
        assert forged.refused is not None
    assert await asyncio.to_thread(floor.shown) == before


@pytest.mark.parametrize("frame", ["x", "42", '42["order:place"', "42" + "[" * 16_000, "451-", ""])
async def test_broken_frames_are_closed_or_ignored(floor: Floor, frame: str) -> None:
    before = await asyncio.to_thread(floor.shown)
    async with socket_client(floor.server.port, floor.ann.token) as client:
        await client.connection.send(frame)
        ping, closed = client.emit("ping"), asyncio.create_task(client.closed.wait())
        done, _ = await asyncio.wait(
            {ping, closed}, timeout=30, return_when=asyncio.FIRST_COMPLETED
        )
        assert done, "neither answered nor closed"
        closed.cancel()
    assert await asyncio.to_thread(floor.shown) == before


ONE = '{"operations":[{"op":"cancel","orderId":"1"},%s]}'
BATCHES = (
    (ONE % '{"op":"place","market":"rain","side":"BUY"}', "operations[1].outcome"),
    (ONE % '{"op":"cancel","orderId":"0x1"}', "operations[1].orderId"),
    (ONE % '{"op":"amend","orderId":"1","price":1E+1000000}', "operations[1].price"),
    (ONE % '{"op":"cancel","orderId":"1","op":"cancel"}', "op"),
    ('{"operations":[' + '{"op":"cancel","orderId":"1"},' * 50 + '{"op":"cancel"}]}', "operations"),
    ('{"operations":[],"requestId":"a b"}', "operations"),
)


@pytest.mark.parametrize("path", ["/orders/batch", "/orders/preview"])
@pytest.mark.parametrize(("content", "field"), BATCHES, ids=range(len(BATCHES)))
def test_batches(floor: Floor, path: str, content: str, field: str | None) -> None:
    before = floor.shown()
    headers = {"content-type": "application/json"}
    answer = floor.ann.client.post(path, content=content.encode(), headers=headers)
    check(answer, 400, field)
    assert floor.shown() == before


def test_terms_of_orders_that_do_not_rest(floor: Floor) -> None:
    refused(floor, raw(reduceOnly="true"), 400, "reduceOnly")
    refused(floor, raw(reduceOnly="1"), 400, "reduceOnly")
    refused(floor, raw(worstPrice='"0.5"'), 400, "worstPrice")
    market = {"type": '"MARKET"', "price": "null"}
    refused(floor, raw(worstPrice="0.55555", **market), 400, "worstPrice")
    refused(floor, raw(worstPrice="0.555", **market), 422, "worstPrice")
