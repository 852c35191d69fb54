"""What is shed, and what never is: held against the route table, and over real connections."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from gateway.access.budgets import Budget
from gateway.access.turns import Turns
from gateway.http.reading.connection import HttpConnection
from gateway.http.reading.shedding import is_spared
from gateway.http.routing import Route
from tests.gateway.connections.wire import GET, HEAD, SLOW, Front, open_front, raw
from tests.gateway.socket_desk import SocketDesk
from tests.gateway.trading_desk import all_tables
from tests.gateway.waiting import eventually

ROWS = [
    pytest.param(prefix, row, id=f"{row.method} {row.path}")
    for prefix, table in zip(("/api/v1", ""), all_tables(), strict=True)
    for row in table.routes
]
LOOKS = {"/health", "/ready", "/metrics"}
ENDS = {"POST /auth/logout", "DELETE /users/me/sessions", "DELETE /users/me/sessions/{id}"}
ADMINS = {"DELETE /admin/orders/{id}"}
"""Cancels, too, of somebody else's."""


@pytest.mark.parametrize(("prefix", "row"), ROWS)
def test_what_takes_risk_away_is_spared_and_nothing_else(prefix: str, row: Route) -> None:
    path = prefix + row.path.replace("{", "").replace("}", "")
    is_end = f"{row.method} {row.path}" in ENDS | ADMINS
    spared = row.budget in {Budget.CANCEL, Budget.CANCEL_ALL} or row.path in LOOKS or is_end
    assert is_spared(row.method, path) is spared
    # A page of another origin asks before it cancels, and doesn't cancel without an answer.
    assert is_spared("OPTIONS", path) or not spared or row.path in LOOKS


@pytest.mark.parametrize("path", ["/api/v1/markets", "/api/v1/auth/login", "/health"])
def test_what_a_page_asks_before_anything_else_is_shed(path: str) -> None:
    assert not is_spared("OPTIONS", path)


class Overloaded(Turns):
    """Turns that shed whatever happens."""

    @property
    def sheds(self) -> bool:
        return True

    @sheds.setter
    def sheds(self, _value: bool) -> None:
        pass


@asynccontextmanager
async def overloaded(**changes: str) -> AsyncIterator[tuple[SocketDesk, Front]]:
    async with open_front(**changes) as (desk, front):
        limits = cast("type[HttpConnection]", desk.server.config.http).limits
        object.__setattr__(limits, "turns", Overloaded())
        yield desk, front


def body_of(answer: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return found


async def test_it_is_told_to_come_back_by_its_head_alone_and_the_connection_is_kept() -> None:
    async with overloaded() as (desk, front), raw(desk.port) as peer:
        for number in (1, 2):
            # The body is still to come, and is not waited for.
            await peer.send(
                b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n"
                if number == 1
                else b"body" + GET
            )
            answer = await peer.until(b"}}")
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b"\r\nretry-after: 1\r\n" in answer
            assert body_of(answer)["error"]["code"] == "UNAVAILABLE"
            assert body_of(answer)["error"]["retryAfter"] == 1
            assert desk.metric("requests_shed_total") == number
        assert front.seen == []
        await peer.send(b"DELETE /orders HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await peer.until(b"ok")).startswith(b"HTTP/1.1 200")
        assert front.seen == ["/orders"]


async def test_whoever_wants_no_body_or_no_more_is_told_so_as_well() -> None:
    async with overloaded() as (desk, _), raw(desk.port) as peer:
        await peer.send(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await peer.until(b"\r\n\r\n")).endswith(b"\r\n\r\n")
        await peer.send(HEAD + b"Connection: close\r\n\r\n")
        rest = await peer.rest()
        assert rest.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nconnection: close\r\n" in rest
        assert rest.count(b"HTTP/1.1") == 1


PAGE = "https://terminal.example"


@pytest.mark.parametrize(
    ("origins", "page", "shown"),
    [
        ("", PAGE, {}),
        (PAGE, None, {"vary": "Origin"}),
        (PAGE, "https://other.example", {"vary": "Origin"}),
        (
            f"https://first.example,{PAGE}",
            PAGE,
            {
                "access-control-allow-origin": PAGE,
                "access-control-allow-credentials": "true",
                "access-control-expose-headers": "retry-after",
                "vary": "Origin",
            },
        ),
        (
            "*",
            PAGE,
            {"access-control-allow-origin": "*", "access-control-expose-headers": "retry-after"},
        ),
    ],
)
async def test_a_page_of_another_origin_that_may_call_may_read_why_it_is_refused(
    origins: str, page: str | None, shown: dict[str, str]
) -> None:
    """By the same headers as any answer that is made (starlette's)."""
    origin = b"" if page is None else f"Origin: {page}\r\n".encode()
    async with overloaded(CORS_ORIGIN=origins) as (desk, _), raw(desk.port) as peer:
        await peer.send(HEAD + origin + b"\r\n")
        head = (await peer.until(b"}}")).partition(b"\r\n\r\n")[0].decode()
    assert head.startswith("HTTP/1.1 503 ")
    lines = dict(line.split(": ", 1) for line in head.splitlines()[1:])
    names = ("access-control-", "vary")
    assert {name: told for name, told in lines.items() if name.startswith(names)} == shown


async def test_what_lies_behind_an_answer_that_is_made_is_refused_behind_it() -> None:
    async with open_front() as (desk, front), raw(desk.port) as peer:
        await peer.send(SLOW)
        while front.seen != ["/slow"]:  # noqa: ASYNC110
            await asyncio.sleep(0)
        limits = cast("type[HttpConnection]", desk.server.config.http).limits
        object.__setattr__(limits, "turns", Overloaded())
        await peer.send(GET * 3)
        front.gate.set()
        answers = await peer.until(b"late")
        while answers.count(b"}}") < 3:
            answers += await peer.until(b"}}")
        kinds = [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]]
        assert kinds == [b"200", b"503", b"503", b"503"]


async def test_whoever_reads_nothing_is_shed_no_further() -> None:
    """What isn't read waits here: there would be no end of it."""
    async with overloaded() as (desk, front), raw(desk.port) as peer:
        peer.run(peer.send(GET * 100_000))
        # Its answer waits until what was sent is read.
        await eventually(lambda: front.seen == ["/"])
        shed = desk.metric("requests_shed_total")
        assert shed < 50_000, "the kernel takes some MB"
        await asyncio.sleep(0.2)
        assert desk.metric("requests_shed_total") == shed
