"""An engine and its naive twin, driven side by side and compared after every command.

`Pair` also plays the shell: it keeps every id that was ever used and writes what it knows into a
command whose id the engine may have forgotten, and it applies every event to a second state, as
the committed view does.
"""

from exchange.engine import Engine
from exchange.messages.command_bases import Prior
from exchange.messages.commands import Command
from exchange.messages.events import Event
from exchange.messages.execution import Execution
from exchange.model.idempotency import Key, keys_of, with_priors
from exchange.model.state import State
from exchange.proof import invariants, ledger
from exchange.proof.state_hash import state_hash
from exchange.transitions import transitions
from tests.properties.compare import ended_orders, engine_view, twin_view, wordless
from tests.properties.life.markets import LIVE
from tests.properties.twin import Twin
from tests.properties.twin_records import RESOLVING


class Pair:
    """The exchange twice, and a view that follows the events."""

    def __init__(self, twin: Twin | None = None) -> None:
        self.twin = twin or Twin()
        self.state = State()
        self.engine = Engine(self.state)
        self.view = State()
        self.stored_ids: dict[Key, Prior] = {}
        self.balances: dict[tuple[int, int], tuple[int, int]] = {}
        """Sums of ledger entries by owner."""

    def run(self, at: int, command: Command, *, compare: bool = True) -> list[Execution]:
        """Run a command on both; raise AssertionError where they differ in anything."""
        return self._run(at, [self._with_prior(command)], compare=compare)

    def run_timers(self, at: int) -> list[Execution]:
        """Run what is due by `at`, and nothing else."""
        return self._run(at, [], compare=True)

    def run_triggers(self, at: int) -> list[Execution]:
        """Trigger all that is due, as when nobody sends anything."""
        done: list[Execution] = []
        while self.state.due:
            executions = self.engine.run_triggers(at, 1)
            done += self._agree(executions, self.twin.run_triggers(at, 1), compare=True)
        return done

    def _run(self, at: int, commands: list[Command], *, compare: bool) -> list[Execution]:
        executions = self.engine.run(at, commands)
        return self._agree(executions, self.twin.run(at, *commands), compare=compare)

    def _agree(
        self,
        executions: list[Execution],
        expected: list[tuple[Command, list[Event]]],
        *,
        compare: bool,
    ) -> list[Execution]:
        assert [(e.command, wordless(e.events)) for e in executions] == expected
        for execution in executions:
            self._post(execution.events)
            transitions.begin(self.view, execution.seq, execution.at)
            for event in execution.events:
                transitions.apply(self.view, event)
        if compare:
            self.compare()
        self._settle(executions)
        return executions

    def _settle(self, executions: list[Execution]) -> None:
        """Keep the ids that were used, and forget what changed."""
        self._store_ids()
        self.state.dirty.clear()
        self.view.dirty.clear()
        self.twin.ended.clear()

    def compare(self) -> None:
        """Check that engine, twin and laws agree.

        Markets that had ended before the command at hand are looked at once in 100 commands.
        """
        everything = self.twin.seq % 100 == 0
        touched = self.twin.public
        markets = {
            m.id for m in self.twin.markets.values() if everything or m.status in (*LIVE, RESOLVING)
        } | touched.keys()
        engine, twin = engine_view(self.state, markets), twin_view(self.twin, markets)
        for part, expected in twin.items():
            assert engine[part] == expected, part
        self.compare_ended()
        invariants.check(self.state)

    def compare_ended(self) -> None:
        """Check that the orders which ended since the last look ended alike."""
        ended = ended_orders(
            order for order in self.state.dirty.orders if order.id not in self.state.orders
        )
        for order_id, record in ended_orders(self.twin.ended.values()).items():
            assert ended[order_id] == record

    def check_replay(self) -> None:
        """Check that the events alone lead to the same state, and the entries to its balances."""
        assert state_hash(self.view, with_ids=False) == state_hash(self.state, with_ids=False)
        invariants.check(self.view)
        account, collateral = ledger.Owner.ACCOUNT, ledger.Owner.COLLATERAL
        expected = {(account, a.id): (a.available, a.locked) for a in self.state.accounts.values()}
        expected |= {(collateral, m.id): (m.collateral, 0) for m in self.state.markets.values()}
        expected[ledger.Owner.FEES, 0] = (self.state.fees, 0)
        expected[ledger.Owner.ISSUANCE, 0] = (-self.state.issued, 0)
        nonzero = {owner: sums for owner, sums in self.balances.items() if any(sums)}
        assert nonzero == {owner: sums for owner, sums in expected.items() if any(sums)}

    def _post(self, events: list[Event]) -> None:
        total = 0
        for entry in ledger.entries(events):
            available, locked = self.balances.get((entry.owner, entry.owner_id), (0, 0))
            self.balances[entry.owner, entry.owner_id] = (
                available + entry.available,
                locked + entry.locked,
            )
            total += entry.available + entry.locked
        assert total == 0, events

    def _with_prior(self, command: Command) -> Command:
        forgotten = {
            key: self.stored_ids[key]
            for key in keys_of(command)
            if key in self.stored_ids and not self.state.recent_ids.remembers(key, self.state.seq)
        }
        return with_priors(command, forgotten)

    def _store_ids(self) -> None:
        self.stored_ids.update(self.state.recent_ids.added)
        self.state.recent_ids.added.clear()
