"""The engine and its naive twin over real tables: whatever ran is stored, and the engine goes on
with what is read back.

Laws: the rows are made, committed and read by the code that does so in a running exchange
(`batch_rows`, `journal`, `tables`); what is read is compared with the twin, and must be, record for
record, the state that wrote it. So no command ever runs on a state that wasn't in the tables.
"""

from typing import Self

from exchange.engine import Engine
from exchange.messages.commands import Command
from exchange.messages.execution import Execution
from exchange.proof.running_balances import RunningBalances
from exchange.proof.state_hash import records
from persistence.journal import tables
from persistence.journal.batch_rows import BatchRows, add_execution, add_ids
from persistence.journal.journal import SealedBatch
from persistence.journal.open_orders import OpenOrders
from persistence.loop.recovery import Recovered, recover
from tests.properties.pair import Pair
from tests.properties.twin import Twin


class StoredPair(Pair):
    """An exchange, its twin, and the tables; give it a database with nothing in it."""

    def __init__(self, twin: Twin, recovered: Recovered) -> None:
        super().__init__(twin)
        self._journal, self._connection = recovered.journal, recovered.connection
        self.state, self.view = recovered.live, recovered.view
        self.engine = Engine(self.state)
        self._balances = RunningBalances(self.state)
        self._sealed: SealedBatch | None = None

    @classmethod
    async def open(cls, twin: Twin, url: str) -> Self:
        """Take the lead of a database."""
        return cls(twin, await recover(url))

    async def aclose(self) -> None:
        """Let the lead go."""
        await self._connection.close()

    async def run_stored(self, at: int, command: Command) -> list[Execution]:
        """Run a command on both, store what ran, and go on with what is read back; raise
        AssertionError where twin, state and tables differ in anything.
        """
        executions = self.run(at, command, compare=False)
        if self._sealed is not None:
            await self._journal.write(self._sealed)
            self._sealed = None
        await self._reload()
        self.compare()
        return executions

    async def _reload(self) -> None:
        snapshot = await tables.read(self._connection)
        read, state = tables.build(snapshot, with_ids=True), self.state
        assert list(records(read)) == list(records(state))
        assert (list(read.due), read.volatile) == (list(state.due), state.volatile)
        assert read.mode_since == state.mode_since
        head = snapshot.head
        self._journal.rewind(head.last_seq, head.chain_hash, OpenOrders(read.orders))
        state.dismantle()
        self.state, self.engine = read, Engine(read)
        self._balances = RunningBalances(read)

    def _settle(self, executions: list[Execution]) -> None:
        """Make the rows of what ran, before what it changed is forgotten."""
        if executions:
            rows = BatchRows()
            for execution in executions:
                add_execution(rows, self._balances, execution)
            self.stored_ids.update(self.state.recent_ids.added)
            add_ids(rows, self.state, executions)
            self._sealed = self._journal.seal(self.state, rows, self._balances)
        super()._settle(executions)
