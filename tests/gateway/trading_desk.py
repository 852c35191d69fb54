"""A whole web application around the fast engine: no database, sign-in by name.

`Bearer ann` is Ann. What a test calls goes through the real edge, dispatcher, route table and
handlers, and the real rules; accounts, history and audit log are hand-written twins in memory.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import httpx
from starlette.types import ASGIApp

from exchange.messages.commands import Command, CreateMarket, CreditAccount, OpenAccount
from exchange.messages.events import CommandRejected
from exchange.messages.terms import FeeModel
from exchange.messages.units import parse_money
from exchange.model.market import Market
from exchange.model.order_book import Order
from gateway.access.principals import Principal, Role
from gateway.bootstrap.application import build_application
from gateway.bootstrap.routes import route_tables
from gateway.bootstrap.settings import load_settings
from gateway.engine_side.ports import suspended_in
from gateway.engine_side.progress import Progress
from gateway.engine_side.readiness import Readiness, ViewFeed
from gateway.engine_side.running import EngineSide
from gateway.feeds.api.queries import LISTED_PLATFORMS
from gateway.feeds.known import KNOWN_PLATFORMS
from gateway.http.routing import RouteTable
from gateway.observability.error_reports import ErrorReports
from gateway.wire.errors import Unauthorized
from tests.gateway.engine_fake import START, EngineFake
from tests.gateway.made_of import made_of, people_of

DAY = 86_400_000_000
CLOSE = START + 30 * DAY
CLOSE_TEXT = "2026-01-31T00:00:00Z"
NEWCOMER = "dan"
"""Somebody whose account isn't open yet."""
PEOPLE = {
    "root": (1, Role.ADMIN),
    "ann": (2, Role.USER),
    "ben": (3, Role.USER),
    "cat": (4, Role.USER),
    NEWCOMER: (5, Role.USER),
}
"""Name -> (user id, role)."""


class AuthFake:
    """Knows people by name."""

    def is_expected(self, _token: bytes) -> bool:
        return False

    def remembered(self, token: bytes) -> Principal | None:
        found = PEOPLE.get(token.decode("latin-1"))
        return None if found is None else Principal(found[0], found[1], 1, 2**40)

    async def verify(self, token: bytes) -> Principal:
        raise Unauthorized


@dataclass
class AuditFake:
    """The lines of the log, without their times."""

    lines: list[tuple[int | None, str, str | None, str]] = field(default_factory=list)
    is_away: bool = False

    async def write(
        self,
        _at: int,
        actor_id: int | None,
        action: str,
        target: str | None,
        outcome: str,
        _request_id: str,
    ) -> None:
        if self.is_away:
            raise ConnectionResetError
        self.lines.append((actor_id, action, target, outcome))


class Reply(NamedTuple):
    """An answer: its status and its JSON."""

    status: int
    body: dict[str, Any]
    headers: httpx.Headers

    @property
    def data(self) -> Any:
        assert self.body["success"], self.body
        return self.body["data"]

    @property
    def error(self) -> dict[str, Any]:
        assert not self.body["success"], self.body
        found: dict[str, Any] = self.body["error"]
        return found

    @property
    def fields(self) -> list[str]:
        return [detail["field"] for detail in self.error["details"]]


@dataclass
class Desk:
    """The application under test, with ways to set up a market and to call it."""

    engine: EngineFake
    audit: AuditFake
    application: ASGIApp
    client: httpx.AsyncClient
    feed: ViewFeed
    readiness: Readiness

    def run(self, *commands: Command) -> None:
        """Run commands past the gateway; none may be refused."""
        for command in commands:
            first = self.engine.run(command).events[0]
            assert not isinstance(first, CommandRejected), first

    def open_accounts(self, credits_each: str = "1000") -> None:
        """Open everybody's account but the newcomer's."""
        money = parse_money(credits_each)
        ids = [user_id for name, (user_id, _) in PEOPLE.items() if name != NEWCOMER]
        self.run(*(OpenAccount(user_id, money) for user_id in ids))

    def list_market(self, slug: str = "rain", **changes: object) -> Market:
        """List a market: ticks of 0.01, no fees."""
        terms: dict[str, Any] = {
            "slug": slug,
            "question": "Will it rain?",
            "description": "",
            "category": "weather",
            "close_time": CLOSE,
            "tick_size": 100,
            "min_quantity": 1,
            "maker_fee": 0,
            "taker_fee": 0,
            "fee_model": FeeModel.FLAT,
            "draft": False,
        }
        self.run(CreateMarket(**(terms | changes)))
        return self.engine.view.market_by_slug[slug]

    def give(self, name: str, credits_more: str) -> None:
        """Issue credits."""
        self.run(CreditAccount(PEOPLE[name][0], parse_money(credits_more), "test"))

    async def call(
        self,
        method: str,
        path: str,
        who: str | None = None,
        body: object = None,
        content: bytes | None = None,
        content_type: str = "application/json",
    ) -> Reply:
        """Call a route below /api/v1 as somebody, with a JSON body or raw content if given."""
        headers = {} if who is None else {"authorization": f"Bearer {who}"}
        if body is not None:
            content = json.dumps(body).encode()
        if content is not None:
            headers["content-type"] = content_type
        answer = await self.client.request(
            method, f"/api/v1{path}", headers=headers, content=content
        )
        return Reply(answer.status_code, answer.json(), answer.headers)

    async def get(self, path: str, who: str | None = None) -> Any:
        """Read something that must be there."""
        reply = await self.call("GET", path, who)
        assert reply.status == 200, reply
        return reply.data

    async def place(self, who: str, text: str, market: str = "rain", **more: object) -> Reply:
        """Place e.g. "BUY YES 10 @ 0.55", or without "@ price" at the market."""
        return await self.call("POST", f"/orders/{market}", who, order(text, **more))

    async def rest(self, who: str, text: str, market: str = "rain", **more: object) -> str:
        """Place an order that must be accepted; return its id."""
        reply = await self.place(who, text, market, **more)
        assert reply.status == 201, reply
        found: str = reply.data["order"]["id"]
        return found

    def open_order(self, order_id: str) -> Order:
        return self.engine.view.orders[int(order_id)]


def order(text: str, **more: object) -> dict[str, Any]:
    """The body of e.g. "BUY YES 10 @ 0.55"."""
    side, outcome, quantity, *price = text.replace("@", " ").split()
    body: dict[str, Any] = {"side": side, "outcome": outcome, "quantity": quantity}
    body |= {"type": "LIMIT", "price": price[0]} if price else {"type": "MARKET"}
    return body | more


CHOICES = {
    LISTED_PLATFORMS: ("exchange", "all"),
    KNOWN_PLATFORMS: ("exchange", "kalshi", "polymarket"),
}
"""The platforms of an application without venues."""


def all_tables() -> tuple[RouteTable, RouteTable]:
    """Every route there is, below /api/v1 and at the root, around things that do nothing."""
    engine = EngineFake()
    side = EngineSide(engine, engine.view, engine.history, ViewFeed(7), Progress(engine.view, 0.05))
    return route_tables(made_of(load_settings({}), side))


@asynccontextmanager
async def open_desk(**changes: object) -> AsyncIterator[Desk]:
    """Put the application together around the fast engine, with other settings if given."""
    environment = {"RATE_LIMIT_MAX_REQUESTS": "1000000", "RATE_LIMIT_USER_MAX_REQUESTS": "1000000"}
    settings = load_settings(environment | {name: str(value) for name, value in changes.items()})
    engine, audit, auth = EngineFake(), AuditFake(), cast("Any", AuthFake())
    side = EngineSide(engine, engine.view, engine.history, ViewFeed(7), Progress(engine.view, 0.05))
    engine.listeners.append(side.progress)
    people = people_of(sessions=auth, audit=audit)
    parts = made_of(settings, side, people=people)
    application = build_application(
        settings,
        route_tables(parts),
        auth,
        parts.limits,
        parts.metrics,
        parts.logger,
        ErrorReports(None),
        {},
        side.progress,
        parts.keys.gate,
        suspended_in(side.view),
    )
    transport = httpx.ASGITransport(application, client=("192.0.2.1", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://exchange") as client:
        try:
            yield Desk(engine, audit, application, client, side.feed, parts.readiness)
        finally:
            parts.replays.close()
