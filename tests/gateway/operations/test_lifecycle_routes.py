"""`GET /markets/{slug}/lifecycle` through the real engine, journal and PostgreSQL."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.trading.test_trading_for_real import MARKET, Call, open_real

LIFE = "/markets/rain/lifecycle"
ADMINISTERED = (
    ("PATCH", "/markets/rain/status", {"status": "OPEN"}),
    ("PUT", "/admin/markets/rain/limits", {"orderQuantity": "5.00", "priceBand": "0.20"}),
    ("PATCH", "/markets/rain/status", {"status": "HALTED"}),
    ("POST", "/markets/rain/resolve", {"outcome": "NO", "source": "https://example.org/dry"}),
)


@pytest.fixture
async def real(database_url: str, tmp_path: Path) -> AsyncIterator[Call]:
    async with open_real(database_url, tmp_path) as call:
        assert (await call("POST", "/markets", "root", MARKET | {"draft": True})).status == 201
        yield call


async def live_on(call: Call) -> None:
    for method, path, body in ADMINISTERED:
        assert (await call(method, path, "root", body)).status == 200, path


async def test_everything_that_happened_is_told_to_everybody(real: Call) -> None:
    await live_on(real)
    reply = await real("GET", LIFE)
    told: list[dict[str, Any]] = reply.body["data"]
    assert [(one["type"], one["status"], one["by"], one["reason"]) for one in told] == [
        ("CREATED", "DRAFT", "ADMIN", None),
        ("STATUS", "OPEN", "ADMIN", None),
        ("LIMITS", None, "ADMIN", None),
        ("STATUS", "HALTED", "ADMIN", None),
        ("STATUS", "CLOSED", "ADMIN", "RESOLUTION"),
        ("RESOLVED", "RESOLVED", "ADMIN", None),
    ]
    limits = told[2]["limits"]
    assert (limits["orderQuantity"], limits["priceBand"]) == ("5.00", "0.2000")
    assert limits["openOrders"] is None
    assert (told[5]["outcome"], told[5]["yesPayout"]) == ("NO", "0.0000")
    assert told[5]["source"] == "https://example.org/dry"
    assert told[4]["seq"] == told[5]["seq"] == reply.body["meta"]["asOfSeq"]
    seqs = [one["seq"] for one in told]
    assert seqs == sorted(seqs)
    assert all(one["marketSeq"] is None for one in told), "no projector works here"
    assert not any("example.org" in str(one) and "@" in str(one) for one in told)


@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_it_is_paged(real: Call, limit: int) -> None:
    await live_on(real)
    whole = (await real("GET", LIFE)).body["data"]
    found: list[Any] = []
    cursor = ""
    while True:
        reply = await real("GET", f"{LIFE}?limit={limit}{cursor}")
        assert len(reply.body["data"]) <= limit
        found += reply.body["data"]
        if reply.body["nextCursor"] is None:
            break
        cursor = f"&cursor={reply.body['nextCursor']}"
    assert found == whole


async def test_a_draft_is_told_to_admins_alone(real: Call) -> None:
    assert (await real("GET", LIFE)).status == 404
    assert (await real("GET", LIFE, "ann")).status == 404
    (created,) = (await real("GET", LIFE, "root")).body["data"]
    assert created["type"] == "CREATED"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=100000", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=5-40000", "cursor"),
        ("from=2026-01-01", "from"),
    ],
)
async def test_what_no_part_can_be_asked_by_is_refused(real: Call, query: str, field: str) -> None:
    reply = await real("GET", f"/markets/1/lifecycle?{query}", "root")
    assert reply.status == 400
    assert reply.body["error"]["details"][0]["field"] == field


@pytest.mark.parametrize("name", ["nothing", "99", "polymarket:0xabc"])
async def test_a_market_that_is_not_ours_has_none(real: Call, name: str) -> None:
    assert (await real("GET", f"/markets/{name}/lifecycle")).status == 404
