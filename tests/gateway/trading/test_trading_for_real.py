"""Trading over REST through the real engine, journal and PostgreSQL, and the fast double beside it.

The double is only worth something while it answers as the real one does, so the same calls are
made to both and everything they say is compared, the times apart.
"""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from gateway.bootstrap import compose
from gateway.bootstrap.settings import load_settings
from gateway.observability.logs import configure_logs
from tests.gateway.trading_desk import Desk, Reply, open_desk, order

CLOSE: Final = "2099-01-01T00:00:00Z"
PASSWORD: Final = "correct horse battery"
MARKET: Final = {"slug": "rain", "question": "Will it rain?", "closeTime": CLOSE}
TIMES: Final = {"createdAt", "updatedAt", "timestamp", "requestId", "time", "resolvedAt"}
NAMES: Final = ("root", "ann", "ben", "cat")
Call = Callable[..., Awaitable[Reply]]


@asynccontextmanager
async def open_real(database_url: str, folder: Path, **more: str) -> AsyncIterator[Call]:
    """Everything as `probity serve` puts it together, but for the socket it listens on."""
    settings = load_settings(
        {
            "DATABASE_URL": database_url,
            "DATA_DIR": str(folder),
            "FEED_PLATFORMS": "none",
            "PROJECTOR": "off",
            "RATE_LIMIT_MAX_REQUESTS": "1000000",
            "RATE_LIMIT_USER_MAX_REQUESTS": "1000000",
            **more,
        }
    )
    with (folder / "log").open("w") as log:
        logger = configure_logs("error", log)
        async with compose.open_exchange(settings, logger) as running:
            transport = httpx.ASGITransport(running.application, client=("192.0.2.1", 5000))
            async with httpx.AsyncClient(transport=transport, base_url="http://exchange") as client:
                tokens = await sign_in(client, running)

                async def call(
                    method: str, path: str, who: str | None = None, body: object = None
                ) -> Reply:
                    headers = {} if who is None else {"authorization": f"Bearer {tokens[who]}"}
                    answer = await client.request(
                        method, f"/api/v1{path}", headers=headers, json=body
                    )
                    return Reply(answer.status_code, answer.json(), answer.headers)

                yield call


async def sign_in(client: httpx.AsyncClient, running: compose.Running) -> dict[str, str]:
    """Register everybody, in the order of the double's ids; the first is the admin."""
    tokens = {}
    for number, name in enumerate(NAMES, start=1):
        body = {"email": f"{name}@example.org", "password": PASSWORD}
        data = (await client.post("/api/v1/auth/register", json=body)).json()["data"]
        assert data["user"]["id"] == str(number)
        tokens[name] = data["accessToken"]
        client.cookies.clear()
    await running.people.users.set_role(1, "ADMIN")
    return tokens


@pytest.fixture
async def real(database_url: str, tmp_path: Path) -> AsyncIterator[Call]:
    async with open_real(database_url, tmp_path) as call:
        assert (await call("POST", "/markets", "root", MARKET)).status == 201
        yield call


@pytest.fixture
async def double() -> AsyncIterator[Desk]:
    async with open_desk() as desk:
        desk.open_accounts()
        assert (await desk.call("POST", "/markets", "root", MARKET)).status == 201
        yield desk


def timeless(value: object) -> object:
    """A JSON value without what depends on the clock and the process."""
    if isinstance(value, dict):
        return {k: timeless(v) for k, v in value.items() if k not in TIMES | {"epoch"}}
    if isinstance(value, list):
        return [timeless(item) for item in value]
    return value


READS: Final = (
    "/markets",
    "/markets/rain/orderbook",
    "/markets/rain/orderbook?outcome=NO&depth=3",
    "/markets/rain/trades",
    "/markets/rain/trades?limit=3",
    "/markets/rain/trades?limit=3&afterSeq=9",
    "/markets/rain/trades?afterSeq=9&cursor=4",
    "/markets/rain/trades?afterSeq=100000",
    "/orders",
    "/orders?limit=5&cursor=20",
    "/orders?status=OPEN,PARTIAL",
    "/orders?status=FILLED",
    "/orders?status=CANCELLED,OPEN&market=rain&limit=7",
    "/orders?market=2",
    "/orders/17",
    "/orders/by-client-id/c-3",
    "/orders/by-client-id/never",
    "/user/balance",
    "/user/positions",
    "/user/portfolio",
    "/user/escrow",
    "/user/ledger",
    "/user/ledger?limit=5",
    "/user/ledger?limit=5&cursor=20-2",
    f"/user/ledger?limit=5&cursor=20-{2**31 - 1}",
)


def random_calls(draw: random.Random) -> list[tuple[str, str, str, Any]]:
    """Orders near the middle, some repeated under their ids, and cancels of whatever id."""
    calls: list[tuple[str, str, str, Any]] = []
    for number in range(120):
        who = draw.choice(NAMES[1:])
        if draw.random() < 0.15:
            calls.append(("DELETE", f"/orders/{draw.randint(1, 60)}", who, None))
            continue
        side = draw.choice(["BUY", "BUY", "SELL"])
        price = f" @ 0.{draw.randint(45, 55)}" if draw.random() < 0.8 else ""
        text = f"{side} {draw.choice(['YES', 'NO'])} {draw.randint(1, 20)}{price}"
        body = order(text, clientOrderId=f"c-{number}")
        calls.append(("POST", "/orders/rain", who, body))
        if draw.random() < 0.1:
            calls.append(calls[draw.randrange(len(calls))])
    calls.append(("DELETE", "/orders?market=rain", "cat", None))
    return calls


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_double_answers_as_the_real_one(real: Call, double: Desk, seed: int) -> None:
    print(f"seed {seed}")
    statuses = set()
    for call in random_calls(random.Random(seed)):
        told, expected = await real(*call), await double.call(*call)
        assert (told.status, timeless(told.body)) == (expected.status, timeless(expected.body)), (
            call
        )
        statuses.add(told.status)
    assert statuses >= {200, 201, 403, 404, 422}, statuses
    for who in NAMES[1:]:
        for path in READS:
            told, expected = await real("GET", path, who), await double.call("GET", path, who)
            shown = (told.status, timeless(told.body))
            assert shown == (expected.status, timeless(expected.body)), (who, path)
    for method, path, body in (
        ("GET", "/admin/stats", None),
        ("POST", "/markets/rain/resolve", {"outcome": "SPLIT", "yesPayout": "0.37"}),
        ("GET", "/admin/stats", None),
    ):
        told, expected = (
            await real(method, path, "root", body),
            await double.call(method, path, "root", body),
        )
        assert (told.status, timeless(told.body)) == (expected.status, timeless(expected.body))


async def test_commands_of_admins_are_in_the_audit_log(real: Call) -> None:
    credit = {"amount": "5", "reason": "prize", "requestId": "p"}
    for method, path, body in (
        ("POST", "/admin/users/2/credit", credit),
        ("POST", "/admin/users/2/credit", credit),
        ("POST", "/admin/users/2/credit", credit | {"amount": "6"}),
        ("POST", "/admin/exchange/mode", {"mode": "cancel-only"}),
        ("PATCH", "/markets/rain/status", {"status": "HALTED"}),
        ("POST", "/markets/rain/resolve", {"outcome": "VOID"}),
    ):
        await real(method, path, "root", body)
    lines = (await real("GET", "/admin/audit", "root")).data
    found = [(line["action"], line["target"], line["outcome"]) for line in lines]
    assert found[:7] == [
        ("market.resolve", "market:1 VOID", "ok"),
        ("market.status", "market:1 HALTED", "ok"),
        ("exchange.mode", "exchange cancel-only", "ok"),
        ("user.credit", "user:2 6.000000", "CONFLICT"),
        ("user.credit", "user:2 5.000000", "replayed"),
        ("user.credit", "user:2 5.000000", "ok"),
        ("market.create", "market:rain", "ok"),
    ]
    assert {line["actorId"] for line in lines[:7]} == {"1"}


async def test_no_public_answer_shows_an_e_mail_address(real: Call) -> None:
    await real("POST", "/orders/rain", "ann", order("BUY YES 5 @ 0.5"))
    await real("POST", "/orders/rain", "ben", order("BUY NO 5 @ 0.5"))
    for path in (path for path in READS if path.startswith("/markets")):
        reply = await real("GET", path)
        assert reply.status == 200
        assert "@" not in str(reply.body)
        assert "example.org" not in str(reply.body)
