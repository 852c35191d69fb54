"""Checkpoints of books are what the journal says at every boundary, wherever the projector was
killed, and the same when everything is made again.
"""

from collections import defaultdict
from random import Random

import pytest

from exchange.messages.execution import Execution
from exchange.model.state import State
from exchange.projections.book_replay import BookReplay
from exchange.projections.books import Books
from exchange.projections.stored_books import dump
from exchange.transitions import transitions
from persistence.journal.reader import rows_between, stream
from persistence.journal.source import JournalSource
from persistence.postgres.database import Connection, connect
from persistence.projection import books, projector
from persistence.projection.books import BookProjection
from persistence.projection.projector import Projector
from persistence.repositories import past_books
from tests.conftest import SetBound
from tests.lengths import length
from tests.persistence.projection.dying import DiesInStore, Killed
from tests.persistence.random_orders import commands, opening
from tests.persistence.running import running

COMMANDS = length(1_200, long=20_000)
EVERY = 50
Checkpoint = tuple[int, int, int, int, bytes]


@pytest.fixture
def often(set_bound: SetBound) -> None:
    """Checkpoints and stores so close to each other that a short day has many of both."""
    set_bound(past_books, "CHECKPOINT_EVERY", EVERY)
    set_bound(projector, "COMMANDS_AT_ONCE", 30)
    set_bound(books, "BOOKS_HELD", 2)


async def executions(connection: Connection) -> list[Execution]:
    async with connection.transaction():
        return [one async for row in stream(connection) for one in row.executions()]


def expected(done: list[Execution]) -> list[Checkpoint]:
    """Work the table out in one go."""
    together, changed = Books(), dict[int, BookReplay]()
    found: list[Checkpoint] = []
    for execution in done:
        changed |= {book.market_id: book for book in together.apply(execution)}
        if execution.seq % EVERY == 0:
            for id_, book in changed.items():
                found.append((id_, execution.seq, book.seq, book.at, dump(book)))
            changed.clear()
    return sorted(found)


async def stored(connection: Connection) -> list[Checkpoint]:
    rows = await connection.fetch(
        "SELECT market_id, seq, market_seq, at, book FROM book_checkpoints ORDER BY 1, 2"
    )
    return [tuple(row.values()) for row in rows]


@pytest.mark.usefixtures("often")
async def test_checkpoints_are_the_same_wherever_the_projector_died(database_url: str) -> None:
    random, deaths = Random(13), 0
    connection = await connect(database_url)
    made = Projector(connection, [BookProjection(), DiesInStore(random)])
    assert await made.lead()
    async with running(database_url) as engine:
        for number, command in enumerate([*opening(), *commands(13, COMMANDS)]):
            await engine.send(command)
            if number % 20 == 0 and random.random() < 0.5:
                try:
                    await made.step()
                except Killed:
                    deaths += 1
                if random.random() < 0.2:
                    # Another process goes on.
                    made = Projector(connection, [BookProjection(), DiesInStore(random)])
                    assert await made.lead()
    made = Projector(connection, [BookProjection()])
    assert await made.lead()
    while await made.step():
        pass
    done = await executions(connection)
    wanted = expected(done)
    assert await stored(connection) == wanted
    assert deaths > 5
    per_market: defaultdict[int, int] = defaultdict(int)
    for id_, *_ in wanted:
        per_market[id_] += 1
    assert len(per_market) == 4
    assert min(per_market.values()) > 3
    await connection.execute("UPDATE projection_state SET version = 0")
    again = Projector(connection, [BookProjection()])
    assert await again.lead()
    assert again.last_seq == 0
    assert await stored(connection) == []
    while await again.step():
        pass
    assert await stored(connection) == wanted
    await connection.close()


class Watches:
    """A projection that builds on the books, as candles do, and knows the whole state beside."""

    def __init__(self, books: BookProjection) -> None:
        self.books = books
        self.state = State()
        self.looks = 0

    async def prepare(self, journal: JournalSource, executions: object) -> None:
        pass

    def apply(self, execution: Execution) -> None:
        transitions.begin(self.state, execution.seq, execution.at)
        for event in execution.events:
            transitions.apply(self.state, event)
            market = self.state.markets.get(getattr(event, "market_id", 0) or 0)
            if market is None:
                continue
            bid, ask = market.book.bids.best, market.book.asks.best
            if event is execution.events[-1]:
                best = (bid.price if bid else 0, ask.price if ask else 0)
                assert self.books.best(market.id) == best
                self.looks += all(best)

    async def store(self, connection: Connection) -> None:
        pass

    def forget(self) -> None:
        pass

    async def erase(self, connection: Connection) -> None:
        pass


@pytest.mark.usefixtures("often")
async def test_the_best_prices_are_those_after_the_command(database_url: str) -> None:
    async with running(database_url) as engine:
        for command in [*opening(), *commands(5, 300)]:
            await engine.send(command)
    connection = await connect(database_url)
    projection = BookProjection()
    watches = Watches(projection)
    made = Projector(connection, [projection, watches])
    assert await made.lead()
    while await made.step():
        pass
    assert watches.looks > 5
    await connection.close()


async def test_a_stretch_of_the_journal_is_read_without_what_lies_outside(
    database_url: str,
) -> None:
    async with running(database_url) as engine:
        await engine.send_all(*opening())
        for command in commands(3, 60):
            await engine.send(command)
    connection = await connect(database_url)
    done = await executions(connection)
    for after, to in ((0, 3), (2, 2), (2, 3), (4, 40), (0, 10_000), (len(done), 10_000)):
        rows = await rows_between(JournalSource(connection), after, to)
        assert [one for row in rows for one in row.within(after, to)] == done[after:to]
        assert all(row.last_seq > after and row.first_seq <= to for row in rows)
    await connection.close()
