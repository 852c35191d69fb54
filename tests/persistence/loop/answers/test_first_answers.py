"""Repeats when the store fails: each client hears that its outcome is unknown, and life goes on."""

import asyncio
from typing import Any

import pytest

from exchange.messages.commands import OpenAccount
from persistence.errors import HistoryMismatch, OutcomeUnknown
from persistence.journal.source import JournalSource
from persistence.loop.first_answers import Asked, Repeats, refuse
from persistence.loop.ports import Answer
from persistence.postgres.database import create_pool
from tests.persistence.running import ANN, CASH, running


class FailsOnce:
    """A store that loses its connection at the first question."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.asked = 0

    async def fetchrow(self, query: str, /, *arguments: Any) -> Any:
        return await self._real.fetchrow(query, *arguments)

    async def fetch(self, query: str, /, *arguments: Any) -> Any:
        self.asked += 1
        if self.asked == 1:
            raise ConnectionResetError("gone")
        return await self._real.fetch(query, *arguments)

    async def fetchval(self, query: str, /, *arguments: Any) -> Any:
        return await self._real.fetchval(query, *arguments)


def future() -> asyncio.Future[Answer]:
    return asyncio.get_running_loop().create_future()


async def test_a_lost_store_is_unknown_to_its_askers_and_not_to_the_next(
    database_url: str,
) -> None:
    async with running(database_url) as engine:
        opened = (await engine.send(OpenAccount(ANN, CASH))).seq
    pool = await create_pool(database_url, size=1)
    repeats = Repeats(JournalSource(FailsOnce(pool)))
    first, second, gone = future(), future(), future()
    gone.cancel()
    for waiting in (first, second, gone):
        repeats.add(Asked(opened, ANN), waiting)
    await repeats.close()
    for waiting in (first, second):
        with pytest.raises(OutcomeUnknown, match="ask again under the same id: ConnectionResetErr"):
            await waiting
    late, too_late = future(), future()
    too_late.cancel()
    repeats.add(Asked(opened, ANN), late)
    repeats.add(Asked(opened, ANN), too_late)
    await repeats.close()
    answer = await late
    assert (answer.seq, answer.available, answer.replayed) == (opened, CASH, True)
    await pool.close()


async def test_a_reason_of_ours_is_told_and_an_answer_is_never_taken_back() -> None:
    refused = future()
    refuse(refused, HistoryMismatch("the journal doesn't hold command 7"))
    with pytest.raises(OutcomeUnknown, match="doesn't hold command 7"):
        await refused
    answered = future()
    given = Answer(1, 1, [], 0, 0)
    answered.set_result(given)
    refuse(answered, OSError())
    assert await answered is given
