"""What is kept of accounts' past: for so long, and no longer; and what takes them up again."""

from typing import Any

import pytest

from exchange.engine import Engine
from exchange.messages.commands import Command, CreditAccount, OpenAccount
from exchange.messages.execution import Execution
from exchange.model.state import State
from exchange.projections import account_segments
from persistence.journal.source import JournalSource
from persistence.postgres.database import Connection, connect
from persistence.projection.accounts import SWEEP_US, AccountProjection
from persistence.repositories.account_events import AccountEvents, TooFarBack
from tests.conftest import SetBound

DAY = 86_400_000_000
ANN = 1


class Journaled:
    """A core whose commands are projected by hand."""

    def __init__(self, connection: Connection, kept_us: int) -> None:
        self._engine = Engine(State())
        self._connection = connection
        self.projection = AccountProjection(kept_us=kept_us)

    def run(self, at: int, command: Command) -> list[Execution]:
        return self._engine.run(at, [command])

    async def take(self, executions: list[Execution]) -> None:
        await self.projection.prepare(JournalSource(self._connection), executions)
        for execution in executions:
            self.projection.apply(execution)
        async with self._connection.transaction():
            await self.projection.store(self._connection)

    async def segments(self) -> list[tuple[int, bool]]:
        """The first number of each segment, and whether it is closed."""
        rows: list[Any] = await self._connection.fetch(
            "SELECT account_seq, closed_at > 0 FROM account_segments ORDER BY account_seq"
        )
        return [(row[0], row[1]) for row in rows]


@pytest.mark.parametrize("kept_days", [0, 2])
async def test_closed_segments_are_kept_for_so_many_days(
    database_url: str, set_bound: SetBound, kept_days: int
) -> None:
    set_bound(account_segments, "SEGMENT_MESSAGES", 4)
    connection = await connect(database_url)
    journaled = Journaled(connection, kept_days * DAY)
    await journaled.take(journaled.run(DAY, OpenAccount(ANN, 100)))
    for day in range(1, 5):
        for number in range(4):
            at = day * DAY + number * SWEEP_US
            await journaled.take(journaled.run(at, CreditAccount(ANN, 1, "gift")))
    await journaled.take(journaled.run(5 * DAY, CreditAccount(ANN, 1, "gift")))
    found = await journaled.segments()
    assert found[-1] == (17, False)
    events = AccountEvents(connection)
    if kept_days == 0:
        assert found == [(1, True), (5, True), (9, True), (13, True), (17, False)]
        assert (await events.find(ANN, 1, 3)).image is not None
    else:
        # What was closed three days ago and more is gone.
        assert found == [(9, True), (13, True), (17, False)]
        with pytest.raises(TooFarBack) as refused:
            await events.find(ANN, 8, 20)
        assert refused.value.first == 9
        missed = await events.find(ANN, 9, 20)
        assert missed.seqs == list(range(9, 19))
    await connection.close()


async def test_an_account_that_nobody_knows_has_nothing_before_the_progress(
    database_url: str,
) -> None:
    connection = await connect(database_url)
    missed = await AccountEvents(connection).find(ANN, 1, 5)
    assert (missed.image, missed.seqs, missed.progress) == (None, [], 0)
    await connection.close()


async def test_erasing_leaves_nothing(database_url: str) -> None:
    connection = await connect(database_url)
    journaled = Journaled(connection, 0)
    await journaled.take(journaled.run(DAY, OpenAccount(ANN, 100)))
    assert await journaled.segments() == [(1, False)]
    await journaled.projection.erase(connection)
    assert await journaled.segments() == []
    await connection.close()
