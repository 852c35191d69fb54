"""`GET /user/events` and `session:resume`: pages, what is refused, and who may read what."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from exchange.projections import account_segments
from gateway.streaming.resuming import resumption
from persistence.postgres.database import Connection, connect
from persistence.projection.accounts import AccountProjection
from persistence.projection.projector import Projector
from persistence.repositories import account_events
from tests.conftest import SetBound
from tests.gateway.socket_client import socket_client
from tests.gateway.socket_desk import open_socket_desk
from tests.gateway.trading.test_trading_for_real import MARKET, Call, open_real
from tests.gateway.trading_desk import order

PATH = "/user/events"
ANN = 2


@pytest.fixture
async def real(database_url: str, tmp_path: Path) -> AsyncIterator[Call]:
    async with open_real(database_url, tmp_path, PROJECTOR="off") as call:
        assert (await call("POST", "/markets", "root", MARKET)).status == 201
        yield call


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    connection = await connect(database_url)
    yield connection
    await connection.close()


async def project(connection: Connection) -> None:
    """Let the projector come as far as the journal goes."""
    projector = Projector(connection, [AccountProjection()])
    await connection.execute("SELECT pg_advisory_unlock_all()")
    assert await projector.lead()
    while await projector.step():
        pass


async def quote(real: Call, who: str, count: int) -> None:
    for number in range(count):
        body = order(f"BUY YES 1 @ 0.{10 + number % 40}")
        assert (await real("POST", "/orders/rain", who, body)).status == 201


def numbers(events: list[Any]) -> list[int]:
    """The numbers of messages, fills left out."""
    return [one["data"]["accountSeq"] for one in events if one["event"] != "order_filled"]


async def pages(real: Call, who: str, after: int, limit: int) -> list[Any]:
    found: list[Any] = []
    while True:
        page = (await real("GET", f"{PATH}?afterSeq={after}&limit={limit}", who)).data
        assert len(set(numbers(page["events"]))) <= limit
        found += page["events"]
        after = page["accountSeq"]
        if not page["hasMore"]:
            return found


@pytest.mark.parametrize("steps", ["stored", "half stored", "not stored"])
async def test_pages_follow_one_another(real: Call, connection: Connection, steps: str) -> None:
    await quote(real, "ann", 20)
    if steps == "half stored":
        await project(connection)
    await quote(real, "ann", 20)
    if steps == "stored":
        await project(connection)
    reply = await real("GET", f"{PATH}?limit=7", "ann")
    last = reply.body["meta"]["accountSeq"]
    assert last == reply.data["currentSeq"] == 81
    assert (reply.data["accountSeq"], reply.data["hasMore"]) == (7, True)
    assert numbers(reply.data["events"]) == list(range(1, 8))
    assert reply.data["events"][1]["event"] == "order_placed"
    assert reply.data["events"][1]["data"]["slug"] == "rain"
    for limit in (1, 13, 200):
        assert numbers(await pages(real, "ann", 0, limit)) == list(range(1, last + 1))
    assert numbers(await pages(real, "ann", 40, 10)) == list(range(41, last + 1))
    reply = await real("GET", f"{PATH}?afterSeq={last}", "ann")
    expected = {"events": [], "accountSeq": last, "currentSeq": last, "hasMore": False}
    assert reply.data == expected


async def test_an_order_and_its_fills_are_never_parted(real: Call) -> None:
    for price in ("0.51", "0.52", "0.53"):
        sale = order(f"BUY NO 1 @ {1 - float(price):.2f}")
        assert (await real("POST", "/orders/rain", "ben", sale)).status == 201
    taking = order("BUY YES 3 @ 0.60")
    assert (await real("POST", "/orders/rain", "ann", taking)).status == 201
    page = (await real("GET", f"{PATH}?afterSeq=1&limit=1", "ann")).data
    names = [one["event"] for one in page["events"]]
    assert names == ["order_placed", "order_filled", "order_filled", "order_filled"]
    assert {one["data"]["accountSeq"] for one in page["events"]} == {2}
    fills = (await real("GET", "/user/fills", "ann")).data
    told = [one["data"] for one in page["events"][1:]]
    assert [{name: fill[name] for name in fills[0]} for fill in reversed(told)] == fills


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("afterSeq=-1", "afterSeq"),
        ("afterSeq=x", "afterSeq"),
        ("afterSeq=1.5", "afterSeq"),
        ("afterSeq=99999999999999999999", "afterSeq"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=100000", "limit"),
        ("accountSeq=1", "accountSeq"),
        ("afterSeq=1&afterSeq=2", "afterSeq"),
        ("user=2", "user"),
    ],
)
async def test_what_is_wrong_is_named(real: Call, query: str, field: str) -> None:
    reply = await real("GET", f"{PATH}?{query}", "ann")
    assert reply.status == 400
    assert reply.body["error"]["details"][0]["field"] == field


async def test_nobody_reads_what_is_not_theirs(real: Call) -> None:
    assert (await real("GET", PATH)).status == 401
    await quote(real, "ann", 3)
    theirs = (await real("GET", PATH, "ben")).data["events"]
    assert [one["event"] for one in theirs] == ["balance_updated"]


async def test_a_number_ahead_is_told_the_present_one(real: Call) -> None:
    reply = await real("GET", f"{PATH}?afterSeq=5", "ann")
    assert (reply.status, reply.body["error"]["code"]) == (416, "OUT_OF_RANGE")
    details = {one["field"]: one["message"] for one in reply.body["error"]["details"]}
    assert details["currentSeq"] == "1"


async def test_what_is_kept_no_more_is_told_where_to_begin(
    real: Call, connection: Connection, set_bound: SetBound
) -> None:
    set_bound(account_segments, "SEGMENT_MESSAGES", 10)
    await quote(real, "ann", 20)
    await project(connection)
    await connection.execute(
        "DELETE FROM account_segments WHERE account_id = $1 AND account_seq < 20", ANN
    )
    reply = await real("GET", f"{PATH}?afterSeq=5", "ann")
    assert (reply.status, reply.body["error"]["code"]) == (416, "OUT_OF_RANGE")
    details = {one["field"]: one["message"] for one in reply.body["error"]["details"]}
    first = int(details["firstSeq"])
    assert 5 < first < 41
    assert numbers(await pages(real, "ann", first, 200)) == list(range(first + 1, 42))
    assert (await real("GET", f"{PATH}?afterSeq={first - 1}", "ann")).status == 416


async def test_a_past_that_is_stored_too_late_is_not_searched_for_ever(
    real: Call, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_events, "TAIL_COMMANDS", 10)
    await quote(real, "ben", 12)
    await quote(real, "ann", 2)
    reply = await real("GET", f"{PATH}?afterSeq=1", "ann")
    assert (reply.status, reply.body["error"]["code"]) == (503, "UNAVAILABLE")
    assert reply.headers["retry-after"] == "5"
    await project(connection)
    assert numbers(await pages(real, "ann", 1, 200)) == [2, 3, 4, 5]


async def test_a_page_for_which_much_was_read_ends_early(
    real: Call, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_events, "PART_BYTES", 1)
    monkeypatch.setattr(resumption, "PAGE_BYTES", 1)
    await quote(real, "ann", 10)
    await project(connection)
    await quote(real, "ann", 10)
    page = (await real("GET", f"{PATH}?limit=200", "ann")).data
    assert page["hasMore"] is True
    assert 0 < page["accountSeq"] < 10
    assert numbers(page["events"]) == list(range(1, page["accountSeq"] + 1))
    # However much has to be read before it, something comes each time.
    assert numbers(await pages(real, "ann", 0, 200)) == list(range(1, 42))


async def test_a_suspended_account_reads_on(real: Call) -> None:
    await quote(real, "ann", 2)
    body = {"suspended": True, "reason": "asked for"}
    assert (await real("POST", f"/admin/users/{ANN}/suspend", "root", body)).status == 200
    events = (await real("GET", f"{PATH}?afterSeq=5", "ann")).data["events"]
    ended = [one["data"]["cancelReason"] for one in events if one["event"] == "order_cancelled"]
    assert ended == ["SUSPENDED", "SUSPENDED"]


async def test_an_account_has_few_pages_on_the_way(real: Call) -> None:
    await quote(real, "ann", 2)
    replies = await asyncio.gather(*(real("GET", PATH, "ann") for _ in range(8)))
    statuses = {reply.status for reply in replies}
    assert statuses == {200, 429}
    limited = next(reply for reply in replies if reply.status == 429)
    assert limited.body["error"]["code"] == "RATE_LIMITED"
    # The turns are given back.
    assert (await real("GET", PATH, "ann")).status == 200


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({}, "accountSeq"),
        ({"accountSeq": -1}, "accountSeq"),
        ({"accountSeq": "x"}, "accountSeq"),
        ({"accountSeq": None}, "accountSeq"),
        ({"accountSeq": 1, "limit": 0}, "limit"),
        ({"accountSeq": 1, "limit": 201}, "limit"),
        ({"accountSeq": 1, "user": 2}, "user"),
    ],
)
async def test_a_socket_is_told_what_is_wrong(payload: dict[str, Any], field: str) -> None:
    async with open_socket_desk() as desk, socket_client(desk.port, "1") as client:
        refusal = await client.refusal("session:resume", payload)
        assert refusal["code"] == "VALIDATION_ERROR"
        assert refusal["details"][0]["field"] == field


async def test_a_socket_resumes_its_own_account_alone() -> None:
    async with open_socket_desk() as desk:
        async with socket_client(desk.port) as nobody:
            refusal = await nobody.refusal("session:resume", {"accountSeq": 0})
            assert refusal["code"] == "UNAUTHORIZED"
        async with socket_client(desk.port, "1") as client:
            current = desk.engine.view.accounts[1].seq
            page = await client.ok("session:resume", {"accountSeq": current})
            expected = {"events": [], "accountSeq": current, "currentSeq": current}
            assert page == {**expected, "hasMore": False}
            refusal = await client.refusal("session:resume", {"accountSeq": current + 1})
            assert refusal["code"] == "OUT_OF_RANGE"
            details = {one["field"]: one["message"] for one in refusal["details"]}
            assert details["currentSeq"] == str(current)


async def test_a_page_costs_a_socket_as_much_as_a_request() -> None:
    front = open_socket_desk(RATE_LIMIT_USER_MAX_REQUESTS=12, RATE_LIMIT_USER_WINDOW_MS=3_600_000)
    async with front as desk, socket_client(desk.port, "1") as client:
        current = desk.engine.view.accounts[1].seq
        for _ in range(2):
            await client.ok("session:resume", {"accountSeq": current})
        refusal = await client.refusal("session:resume", {"accountSeq": current})
        assert refusal["code"] == "RATE_LIMITED"
        await client.ok("ping")
