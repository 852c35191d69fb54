"""A projector that dies here and there on its way through a journal."""

from random import Random

from persistence.journal.source import JournalSource
from persistence.postgres.database import Connection, connect
from persistence.projection.process import projections
from persistence.projection.projector import Projector


class Killed(Exception):
    """Stands for a death at this moment."""


class DiesInStore:
    """A projection after all others, whose store doesn't come back now and then."""

    def __init__(self, random: Random) -> None:
        self._random = random

    async def prepare(self, journal: JournalSource, executions: object) -> None:
        pass

    def apply(self, execution: object) -> None:
        pass

    async def store(self, connection: Connection) -> None:
        if self._random.random() < 0.3:
            raise Killed

    def forget(self) -> None:
        pass

    async def erase(self, connection: Connection) -> None:
        pass


async def follow(url: str, random: Random) -> int:
    """Project to the end of the journal, dying here and there; return the deaths."""
    deaths = 0
    while True:
        connection = await connect(url)
        try:
            projector = Projector(connection, (*projections(), DiesInStore(random)))
            assert await projector.lead()
            while await projector.step():
                if random.random() < 0.2:
                    break  # a new process
            else:
                return deaths
        except Killed:
            deaths += 1
        finally:
            await connection.close()
