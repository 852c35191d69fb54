"""What surrounds the programs of a run: machines, weather, the oracle, and the run's trace.

Laws: all of it is drawn from one seed, in one order; it knows no program and no person, which are
given it and live in it (`programs`, `people`, `faults`); `world` puts them together.
"""

from random import Random
from typing import Final

from persistence.journal.rows import JournalRow
from persistence.loop.lead_watch import STOOD_STILL_S
from persistence.relay.channel import Channel
from persistence.relay.messages import Rows
from tests.faults.simulation.database import Server
from tests.faults.simulation.oracle import Oracle
from tests.faults.simulation.redis import RedisServer
from tests.faults.simulation.stored_tables import Tables
from tests.faults.simulation.virtual_loop import BEGINS_S, Process, VirtualLoop
from tests.faults.simulation.weather import Weather

CHANNEL: Final = "simulated"
SECRET: Final = b"of a run, and of nobody else ..."
UNSTORABLE: Final = 7_777
"""An order of so many shares breaks a constraint of the simulated database."""
_STOOD_STILL_S: Final = STOOD_STILL_S + 0.2
_FINE_EVERY: Final = 10
"""One run in so many has fine weather: where nothing fails, all has to be right at once."""


class Surroundings:
    """One run, as programs and people see it."""

    def __init__(self, seed: int, loop: VirtualLoop) -> None:
        self.dice = dice = Random(seed)
        self.loop = loop
        self.problems: list[str] = []
        self.lines: list[str] = []
        self._is_closing = False
        self.oracle = Oracle(loop.time, self.violated)
        self.weather = Weather() if seed % _FINE_EVERY == 0 else Weather.drawn(dice)
        stored = Tables(lambda order: order["quantity"] == UNSTORABLE)
        self.database = Server(loop, Random(dice.random()), self.weather, stored)
        self.database.on_commit = self._committed
        self.redis = RedisServer(loop, Random(dice.random()), self.weather)
        self.redis.on_publish = self._published
        self.queue_bound = dice.choice((10_000, 10_000, 30))
        self.commit_timeout_s = dice.choice((5.0, 5.0, 1.0))
        self.unstorable = dice.choice((0.0, 0.02, 0.1))
        """How many of the clients' orders can't be stored."""
        self.is_tight = dice.random() < 0.5
        """Whether what is remembered, and taken at once, is so little that bounds are met."""
        self.has_standby = dice.random() < 0.4
        """Whether an engine waits for its turn, so that none is started to lead at once."""
        self.rate = dice.choice((1.0, 3.0, 3.0))
        """How often a client does something, a second."""
        loop.on_fault = self.violated
        self._number = 0
        self._channel = Channel(CHANNEL, SECRET)

    def close(self) -> None:
        """End the day."""
        self._is_closing = True

    def closes(self) -> bool:
        """Say whether the day is over, and nobody begins anything."""
        return self._is_closing

    def number(self) -> int:
        """Return the next number of the run's counter."""
        self._number += 1
        return self._number

    def trace(self, text: str) -> None:
        """Note what happens."""
        self.lines.append(f"{self.loop.time() - BEGINS_S:10.6f}  {text}")

    def violated(self, text: str) -> None:
        """Note what must not be; the run ends with it."""
        self.trace(f"VIOLATED: {text}")
        self.problems.append(text)
        self.close()

    def end(self, process: Process) -> None:
        """Kill a process, and let the others notice."""
        if not process.is_dead:
            self.trace(f"{process.name} is dead")
            process.kill()
            self.database.hang_up(process)

    def _committed(self, row: JournalRow) -> None:
        self.trace(f"durable: {row.first_seq} to {row.last_seq}, epoch {row.epoch}")
        self.oracle.committed(row, self.database.tables.engine["epoch"])

    def _published(self, process: Process, data: bytes) -> None:
        message = self._channel.open(data)
        if message is not None and message.stream != self.database.tables.engine["stream_id"]:
            awake = self.database.led_since < process.went_on_at
            if awake and process.stood_still_s > _STOOD_STILL_S:
                self.violated(f"{process.name} stood still, and publishes though another leads")
        if isinstance(message, Rows):
            self.oracle.published(message.rows, process.name)
