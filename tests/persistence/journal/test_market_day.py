"""A random market day stored batch by batch: whenever its tables are read, they are the state that
wrote them, and the day goes on with what was read as it would have gone on without.
"""

import pytest

from exchange.engine import Engine
from exchange.messages.bounds import TRIGGERS_BETWEEN
from exchange.messages.command_bases import Prior
from exchange.messages.commands import BatchOrders, PlaceOco, TriggerOrder
from exchange.messages.execution import Execution
from exchange.messages.limit_commands import EndHalt, HaltMarket
from exchange.model.idempotency import Key, keys_of, with_priors
from exchange.model.state import State
from exchange.proof import invariants
from exchange.proof.running_balances import RunningBalances
from exchange.proof.state_hash import records
from persistence.journal import tables
from persistence.journal.batch_rows import BatchRows, add_execution, add_ids
from persistence.journal.open_orders import OpenOrders
from persistence.loop.recovery import Recovered, recover
from tests.lengths import length
from tests.persistence.proof.test_verification import CHECKS, results
from tests.properties.choosing import Dice
from tests.properties.market_day import MarketDay
from tests.properties.twin import Twin


class StoredDay:
    """An engine whose commands are stored by hand, and read back."""

    def __init__(self, recovered: Recovered) -> None:
        self._journal, self._connection = recovered.journal, recovered.connection
        self._rows = BatchRows()
        self.ids: dict[Key, Prior] = {}
        self.kinds: set[type] = set()
        self._go_on_with(recovered.live)

    def _go_on_with(self, state: State) -> None:
        self.state, self.engine = state, Engine(state)
        self._balances = RunningBalances(state)

    def add(self, executions: list[Execution]) -> None:
        """Make the rows of what ran."""
        self.ids.update(self.state.recent_ids.added)
        for execution in executions:
            self.kinds.add(type(execution.command))
            add_execution(self._rows, self._balances, execution)
        if executions:
            add_ids(self._rows, self.state, executions)

    async def store(self) -> None:
        """Write the rows there are."""
        await self._journal.commit(self._journal.seal(self.state, self._rows, self._balances))
        self._rows = BatchRows()

    async def reload(self) -> None:
        """Read the tables, and go on with what is there."""
        await self.store()
        snapshot = await tables.read(self._connection)
        read, state = tables.build(snapshot, with_ids=True), self.state
        assert list(records(read)) == list(records(state))
        assert (list(read.due), read.volatile) == (list(state.due), state.volatile)
        assert read.mode_since == state.mode_since
        invariants.check(read)
        head = snapshot.head
        self._journal.rewind(head.last_seq, head.chain_hash, OpenOrders(read.orders))
        self._go_on_with(read)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_what_is_read_is_what_was_written(database_url: str, seed: int) -> None:
    recovered = await recover(database_url)
    stored, twin, dice = StoredDay(recovered), Twin(), Dice(seed)
    day, waited = MarketDay(twin), set[str]()
    for _ in range(length(2_500, long=50_000)):
        command, at = day.any_command(dice), max(stored.state.now, day.next_time(dice))
        engine = stored.engine
        stored.add(engine.run_halts(at))
        stored.add(engine.run_timers(at))
        twin.run(at)
        stored.add(engine.run_triggers(at, TRIGGERS_BETWEEN))
        recent, seq = stored.state.recent_ids, stored.state.seq
        forgotten = {
            key: stored.ids[key]
            for key in keys_of(command)
            if key in stored.ids and not recent.remembers(key, seq)
        }
        stored.add([engine.execute(at, with_priors(command, forgotten))])
        twin.run(at, command)
        left = [name for name in ("due", "volatile") if getattr(stored.state, name)]
        if dice.number(0, 49) == 0 or (left and dice.number(0, 2) == 0):
            waited.update(left)
            await stored.reload()
        elif dice.number(0, 19) == 0:
            await stored.store()
    await stored.reload()
    await recovered.connection.close()
    assert waited == {"due", "volatile"}
    assert {TriggerOrder, HaltMarket, EndHalt, PlaceOco, BatchOrders} <= stored.kinds
    assert any(group.slices for mine in stored.state.groups.values() for group in mine.values())
    assert [(check.name, check.passed) for check in await results(database_url)] == [
        (name, True) for name in CHECKS
    ]
