"""Markets as they were live, command by command, and the API of a process that looks back."""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, NamedTuple, cast

import httpx

from exchange.messages.commands import Command
from exchange.messages.events import OrderAmended
from exchange.messages.execution import Execution
from exchange.messages.terms import Outcome
from exchange.model.state import State
from gateway.bootstrap.application import build_application
from gateway.bootstrap.routes import route_tables
from gateway.bootstrap.settings import load_settings
from gateway.engine_side.progress import Progress
from gateway.engine_side.readiness import ViewFeed
from gateway.engine_side.replays import ReplayPool
from gateway.engine_side.running import EngineSide
from gateway.markets.views import book_levels, checksum, wire_changes, wire_levels
from gateway.observability.error_reports import ErrorReports
from gateway.streaming.book_messages import changed_levels
from gateway.wire.scalars import iso_millis
from persistence.postgres.database import DeadlinePool, connect
from persistence.projection.process import projections
from persistence.projection.projector import Projector
from persistence.repositories.history import History
from tests.gateway.made_of import UNUSED, made_of, people_of
from tests.gateway.trading_desk import AuthFake
from tests.persistence.running import Running

EVERY_LEVEL = 10_000


class Moment(NamedTuple):
    """A market right after a command that moved its seq: what the socket told of each outcome."""

    seq: int
    at: int
    books: dict[Outcome, tuple[Any, Any]]
    changes: dict[Outcome, tuple[Any, Any]]
    checksums: dict[Outcome, int]
    orders: list[tuple[bool, int, int]]
    """(is it a bid, YES price, what remains), best first, oldest first at a price."""


class Recording:
    """A listener that writes down every market whenever its seq moves, or where `keeps` says so."""

    def __init__(self, keeps: Callable[[], bool] = lambda: True) -> None:
        self._keeps = keeps
        self.markets: dict[int, list[Moment]] = {}
        self.commands = 0

    def on_execution(self, execution: Execution, view: State) -> None:
        self.commands += 1
        for market in view.dirty.markets:
            if market.published != view.seq or not self._keeps():
                continue
            amends = [event for event in execution.events if isinstance(event, OrderAmended)]
            changes = changed_levels(market, view.dirty.orders, view.seq, amends)
            books = {o: book_levels(market, o, EVERY_LEVEL) for o in Outcome}
            self.markets.setdefault(market.id, []).append(
                Moment(
                    market.seq,
                    execution.at,
                    {o: (wire_levels(b), wire_levels(a)) for o, (b, a) in books.items()},
                    {o: wire_changes(o, *changes) for o in Outcome},
                    {o: checksum(b, a) for o, (b, a) in books.items()},
                    [
                        (side is market.book.bids, order.yes_price, order.remaining)
                        for side in (market.book.bids, market.book.asks)
                        for order in side.orders()
                    ],
                )
            )


def shown(moment: Moment, outcome: Outcome, depth: int) -> dict[str, Any]:
    """What `?atSeq=` has to show of a moment."""
    bids, asks = moment.books[outcome]
    return {
        "seq": moment.seq,
        "at": iso_millis(moment.at),
        "bids": [list(level) for level in bids[:depth]],
        "asks": [list(level) for level in asks[:depth]],
        "checksum": moment.checksums[outcome],
    }


async def run_all(engine: Running, commands: Sequence[Command]) -> None:
    """Send commands in small groups, the clock going on by steps of all sizes."""
    for number, command in enumerate(commands):
        await engine.send(command)
        if engine.clock.fixed is not None:
            engine.clock.fixed += (0, 300, 1_000, 70_000, 1_000_000)[number % 5]


async def project_all(url: str, steps: int = 1_000_000) -> int:
    """Let the projector come to the end, or go some steps; return how far it is."""
    connection = await connect(url)
    try:
        projector = Projector(connection, projections())
        assert await projector.lead()
        while steps and await projector.step():
            steps -= 1
        return projector.last_seq
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def looking_back(
    view: State, pool: DeadlinePool, replays: ReplayPool, **venues: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """Serve the API over a view and a store."""
    settings = load_settings(
        {"RATE_LIMIT_MAX_REQUESTS": "1000000", "RATE_LIMIT_USER_MAX_REQUESTS": "1000000"}
    )
    auth = cast("Any", AuthFake())
    side = EngineSide(UNUSED, view, History(pool), ViewFeed(7), Progress(view, 0.05))
    people = people_of(sessions=auth)
    parts = made_of(settings, side, pool=pool, people=people, replays=replays, **venues)
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
    )
    transport = httpx.ASGITransport(application, client=("192.0.2.1", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://exchange/api/v1") as client:
        yield client
