"""What an account is told of its past is what it was told live: over a stored day, wherever the
projector has come, was killed or forgot, and wherever the client begins.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from exchange.messages.execution import Execution
from exchange.model.idempotency import keys_of, with_priors
from exchange.model.state import State
from exchange.projections import account_segments
from exchange.transitions import transitions
from gateway.observability.tallies import Tally
from gateway.sockets.rooms import Everybody, UserRooms
from gateway.streaming.announcer import Announcer
from gateway.streaming.resuming.past_messages import joined, replay_part
from gateway.streaming.rooms import Rooms
from persistence.loop.recovery import Recovered, recover
from persistence.postgres.database import Connection, connect
from persistence.projection import accounts as stored_accounts
from persistence.projection.accounts import AccountProjection
from persistence.projection.projector import Projector
from persistence.repositories import account_events
from persistence.repositories.account_events import AccountEvents
from tests.conftest import SetBound
from tests.gateway.streaming.test_account_sequence import MESSAGES
from tests.gateway.streaming.test_book_messages import Reader
from tests.lengths import length
from tests.persistence.journal.test_market_day import StoredDay
from tests.properties.choosing import Dice
from tests.properties.market_day import MarketDay
from tests.properties.twin import Twin

Told = list[tuple[str, Any]]


class KeptDay:
    """A market day whose batches are stored, heard by everybody."""

    def __init__(self, recovered: Recovered, dice: Dice) -> None:
        self.twin = Twin()
        self.heard = Heard(recovered.journal.epoch)
        self._stored = StoredDay(recovered)
        self._day, self._dice = MarketDay(self.twin), dice
        self._waiting = 0

    def run(self) -> None:
        """Run a command, and what comes of itself before and after."""
        stored = self._stored
        command = self._day.any_command(self._dice)
        at = max(stored.state.now, self._day.next_time(self._dice))
        recent, seq = stored.state.recent_ids, stored.state.seq
        forgotten = {
            key: stored.ids[key]
            for key in keys_of(command)
            if key in stored.ids and not recent.remembers(key, seq)
        }
        executions = stored.engine.run(at, [with_priors(command, forgotten)])
        stored.add(executions)
        self.twin.run(at, command)
        self.twin.ended.clear()
        for execution in executions:
            self.heard.take(execution)
        self._waiting += len(executions)

    async def store(self) -> None:
        """Commit what ran since the last time."""
        if self._waiting:
            await self._stored.store()
            self._waiting = 0


class Heard:
    """The committed view, and everything that every account was told."""

    def __init__(self, epoch: int) -> None:
        self.view = State()
        self.told: dict[int, Told] = {}
        self._users = UserRooms[Reader]()
        self._readers: dict[int, Reader] = {}
        self._announcer = Announcer(Rooms(epoch), self._users, Everybody(), Tally())

    def take(self, execution: Execution) -> None:
        transitions.begin(self.view, execution.seq, execution.at)
        for event in execution.events:
            transitions.apply(self.view, event)
        for account_id in self.view.accounts:
            if account_id not in self._readers:
                self._readers[account_id] = reader = Reader()
                self._users.join(reader, account_id)
        self._announcer.on_execution(execution, self.view)
        self.view.dirty.clear()
        for account_id, reader in self._readers.items():
            self.told.setdefault(account_id, []).extend(reader.messages())

    def after(self, account_id: int, seq: int) -> Told:
        return [one for one in self.told[account_id] if one[1]["accountSeq"] > seq]


async def page(
    connection: Connection, view: State, account_id: int, after: int, limit: int
) -> tuple[Told, int]:
    """A page as the service makes it, in this process; and how far it reaches."""
    until = min(after + limit, view.accounts[account_id].seq)
    events = AccountEvents(connection)
    missed = await events.find(account_id, after + 1, until)
    image, reached, found = missed.image, after, list[bytes]()
    async for part in events.parts(missed, view.seq):
        done = replay_part(account_id, image, part, reached, until)
        image, reached = done.image, done.reached
        text = joined(done.events, lambda market_id: view.markets[market_id].slug)
        found += [text] if text else []
        if reached == until:
            break
    decoded = msgspec.json.decode(b"[" + b",".join(found) + b"]")
    return [(one["event"], one["data"]) for one in decoded], reached


async def all_pages(
    connection: Connection, view: State, account_id: int, after: int, limits: Sequence[int]
) -> Told:
    told: Told = []
    number = 0
    while after < view.accounts[account_id].seq:
        more, reached = await page(
            connection, view, account_id, after, limits[number % len(limits)]
        )
        assert reached > after
        told += more
        after, number = reached, number + 1
    return told


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(2))
async def test_every_message_of_a_stored_day_comes_again(
    database_url: str, set_bound: SetBound, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    print(f"seed {seed}")
    set_bound(account_segments, "SEGMENT_MESSAGES", 20)
    monkeypatch.setattr(stored_accounts, "RECORDS_HELD", 12)
    monkeypatch.setattr(stored_accounts, "_BYTES_AT_ONCE", 3_000)
    monkeypatch.setattr(account_events, "PART_BYTES", 2_000)
    recovered, dice = await recover(database_url), Dice(seed)
    day = KeptDay(recovered, dice)
    heard = day.heard
    connection = await connect(database_url)
    projector = await leading(connection)
    kinds: set[str] = set()
    checked = 0
    for number in range(length(900, long=20_000)):
        day.run()
        if dice.number(0, 4) == 0:
            await day.store()
        if dice.number(0, 9) == 0:
            await projector.step()
        if dice.number(0, 39) == 0:
            # Killed: memory is gone, and what was read but not stored comes again.
            await connection.execute("SELECT pg_advisory_unlock_all()")
            projector = await leading(connection)
        if number % 100 == 99:
            await day.store()
            for account_id, account in heard.view.accounts.items():
                after = dice.number(0, account.seq)
                limits = [dice.number(1, 40), dice.number(1, 200)]
                told = await all_pages(connection, heard.view, account_id, after, limits)
                assert told == heard.after(account_id, after)
                kinds |= {name for name, _ in told}
                checked += len(told)
    segments = await connection.fetchval("SELECT count(*) FROM account_segments")
    print(f"{checked} messages compared, {segments} segments")
    assert kinds == MESSAGES
    assert segments > 40
    assert checked > 1_500
    await connection.close()
    await recovered.connection.close()


async def leading(connection: Connection) -> Projector:
    projector = Projector(connection, [AccountProjection()])
    assert await projector.lead()
    return projector
