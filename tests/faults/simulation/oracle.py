"""What must be true of a run, looked at from outside while it goes on.

Laws: the oracle hears of each batch at the moment at which it is durable, and of nothing else; it
runs the commands on the twin of `tests/properties`, which shares no rule with the engine, and keeps
what every account had after every command. Whatever a process says is held against that: what it
answers, publishes, or shows to a reader. It draws no dice, so that looking changes nothing.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import msgspec

from exchange.messages.commands import (
    CloseMarket,
    Command,
    EndLease,
    ExpireOrder,
    FireDeadMan,
    PayHolders,
    RefuseUnstorable,
    TriggerOrder,
)
from exchange.messages.errors import InvariantViolated
from exchange.messages.events import CommandRejected, CommandReplayed, Event, TradeExecuted
from exchange.messages.execution import Execution
from exchange.messages.limit_commands import EndHalt, EndPostOnly, HaltMarket
from exchange.model.idempotency import Key, fingerprint, key_of
from exchange.model.state import State
from exchange.proof import invariants
from exchange.proof.state_hash import state_hash
from exchange.transitions import transitions
from persistence.journal.rows import GENESIS_HASH, JournalRow
from persistence.loop.ports import Answer
from tests.properties.compare import engine_view, twin_view, wordless
from tests.properties.life.markets import LIVE
from tests.properties.twin import Twin, id_of

_OWN: Final = (
    *(CloseMarket, EndLease, ExpireOrder, FireDeadMan, PayHolders),
    *(TriggerOrder, EndHalt, EndPostOnly, HaltMarket),
)
_CHECKED_EACH: Final = 40
"""Batches between two looks at all invariants."""

Held = tuple[int, int, tuple[int, ...]]
"""What an account has: free cash, locked cash, its open orders."""


class Oracle:
    """The history of a run, and whether everybody tells the same."""

    def __init__(self, now: Callable[[], float], violated: Callable[[str], None]) -> None:
        self.twin = Twin()
        self.state = State()
        self.executions: list[Execution] = []
        self.committed_at: list[float] = []
        """When each command became durable."""
        self.counts: Counter[str] = Counter()
        self._now = now
        self._violated = violated
        self._hash = GENESIS_HASH
        self._epoch = 0
        self._unstorable: dict[Key, tuple[int, bytes | None]] = {}
        self._held: dict[int, tuple[list[int], list[Held]]] = {}

    @property
    def seq(self) -> int:
        """Return the last durable command."""
        return len(self.executions)

    # -- what is durable -------------------------------------------------------------------------

    def committed(self, row: JournalRow, epoch: int) -> None:
        """Take a batch that has just become durable, under the epoch that is raised by now."""
        if row.epoch != epoch:
            self._violated(f"epoch {row.epoch} committed while {epoch} leads")
        if (row.first_seq, row.previous_hash) != (self.seq + 1, self._hash):
            self._violated(f"batch {row.first_seq} doesn't follow on {self.seq}")
        if row.expected_hash() != row.hash:
            self._violated(f"batch {row.first_seq} isn't what its hash says")
        executions = row.executions()
        seqs = [execution.seq for execution in executions]
        if seqs != [*range(self.seq + 1, self.seq + 1 + len(seqs))] or seqs[-1] != row.last_seq:
            self._violated(f"after {self.seq} come the commands {seqs}")
            return
        self._hash, self._epoch = row.hash, row.epoch
        for execution in executions:
            self._execute(execution)
        self.counts["batches"] += 1
        if self.counts["batches"] % _CHECKED_EACH == 0:
            self.check_laws()

    def _execute(self, execution: Execution) -> None:
        command, at = execution.command, execution.at
        if at < self.twin.now:
            self._violated(f"command {execution.seq} is of {at}, before {self.twin.now}")
            return
        if not isinstance(command, _OWN):
            overdue = self.overdue(at)
            if overdue is not None:
                self._violated(f"command {execution.seq} came before {overdue}, which was due")
        self._name_unstorable(command)
        expected = self.twin.execute(at, command)
        if wordless(execution.events) != expected:
            self._violated(
                f"command {execution.seq} {command}\n  gave     {execution.events}\n"
                f"  expected {expected}"
            )
        self.twin.ended.clear()
        transitions.begin(self.state, execution.seq, at)
        for event in execution.events:
            transitions.apply(self.state, event)
        self.state.dirty.clear()
        self.executions.append(execution)
        self.committed_at.append(self._now())
        self.counts["commands"] += 1
        self._count(execution)
        self._note_held(execution.seq)

    def _name_unstorable(self, command: Command) -> None:
        """Let the twin know what an id was used for, if that couldn't be stored: only the command
        that comes again says what it was.
        """
        if isinstance(command, RefuseUnstorable) and (key := key_of(command)) is not None:
            self._unstorable[key] = len(self.executions) + 1, command.fingerprint
            return
        for one in (command, *getattr(command, "operations", ())):
            found = None if (key := key_of(one)) is None else self._unstorable.get(key)
            name, content = id_of(one)
            if found is not None and name is not None and name not in self.twin.ids:
                seq, print_ = found
                self.twin.ids[name] = seq, content if fingerprint(one) == print_ else None

    def _count(self, execution: Execution) -> None:
        counts, command = self.counts, execution.command
        counts["dead men fired"] += isinstance(command, FireDeadMan)
        counts["orders expired"] += isinstance(command, ExpireOrder)
        counts["not stored"] += isinstance(command, RefuseUnstorable)
        counts["repeats"] += isinstance(execution.events[0], CommandReplayed)
        counts["trades"] += sum(isinstance(event, TradeExecuted) for event in execution.events)

    def overdue(self, at: int) -> str | None:
        """Return a deadline of the twin's at or before `at`, payouts left out; None: there is none.

        What is due has to run before anything else is stamped with its time.
        """
        twin = self.twin
        due = [(a.dead_man, f"dead man of {a.id}") for a in twin.accounts.values() if a.dead_man]
        due += [(ends, f"lease of {gateway}") for gateway, ends in twin.leases.items()]
        due += [
            (o.expires_at, f"end of order {o.id}") for o in twin.orders.values() if o.expires_at
        ]
        due += [
            (market.close_time, f"closing of market {market.id}")
            for market in twin.markets.values()
            if market.status in LIVE
        ]
        when, what = min(due, default=(at + 1, ""))
        return what if when <= at else None

    def _note_held(self, seq: int) -> None:
        orders: dict[int, list[int]] = {account: [] for account in self.twin.accounts}
        for order in self.twin.orders.values():
            orders[order.account_id].append(order.id)
        for account in self.twin.accounts.values():
            held = account.available, account.locked, tuple(sorted(orders[account.id]))
            seqs, all_held = self._held.setdefault(account.id, ([], []))
            if not all_held or all_held[-1] != held:
                seqs.append(seq)
                all_held.append(held)

    def check_laws(self) -> None:
        """Check every invariant, and that replay and twin agree on everything."""
        try:
            invariants.check(self.state)
        except InvariantViolated as error:
            self._violated(f"after {self.seq}: {error}")
        markets = self.twin.markets.keys()
        engine, twin = engine_view(self.state, markets), twin_view(self.twin, markets)
        for part, expected in twin.items():
            if engine[part] != expected:
                self._violated(f"after {self.seq} {part} are {engine[part]}, not {expected}")

    # -- what processes say ----------------------------------------------------------------------

    def told(self, execution: Execution, who: str) -> None:
        """Hold against the history what a process made visible."""
        found = self._at(execution.seq)
        if found is None:
            self._violated(f"{who} showed command {execution.seq}, which isn't durable")
        elif (found.at, found.events) != (execution.at, execution.events):
            self._violated(f"{who} showed another command {execution.seq} than is durable")

    def published(self, rows: list[JournalRow], who: str) -> None:
        """Hold against the history what a process published."""
        for row in rows:
            for execution in row.executions():
                self.told(execution, who)

    def recovered(self, live: State, view: State, who: str) -> None:
        """Hold against the history what an engine read from the tables."""
        for name, state in (("live state", live), ("view", view)):
            self.same_at(state, f"the {name} of {who}")

    def same(self, state: State, what: str) -> None:
        """Check that a state is the one that the history leads to."""
        if state_hash(state, with_ids=False) != state_hash(self.state, with_ids=False):
            self._violated(f"{what} at {state.seq} isn't what the journal says at {self.seq}")

    def same_at(self, state: State, what: str) -> None:
        """Check the same of a state that may lie in the past: accounts, money and open orders."""
        if state.seq == self.seq:
            self.same(state, what)
            return
        for account in state.accounts.values():
            held = account.available, account.locked, tuple(sorted(account.orders))
            self.read(account.id, state.seq, held, what)

    def answered(self, command: Command, answer: Answer, who: str) -> None:
        """Hold an answer against the history: it is of this command, and durable."""
        found = self._at(answer.seq)
        if found is None:
            self._violated(f"{who} answered with command {answer.seq}, which isn't durable")
            return
        if found.at != answer.at or not _agrees(found.events, answer.events):
            self._violated(f"{who} answered {answer}, but {found} is durable")
        if not answer.replayed and not _is_of(found.command, command):
            self._violated(f"{who} answered {command} with what came of {found.command}")
        held = self.held(command.account_id, answer.seq)
        if held is not None and held[:2] != (answer.available, answer.locked):
            self._violated(f"{who} answered {answer}, when the account had {held}")

    def read(self, account: int, seq: int, held: Held, who: str) -> None:
        """Hold what somebody read against the history."""
        if seq > self.seq:
            self._violated(f"{who} showed the state at {seq}, which isn't durable")
        elif self.held(account, seq) != held:
            self._violated(
                f"{who} showed {held} of {account} at {seq}, it had {self.held(account, seq)}"
            )

    def held(self, account: int, seq: int) -> Held | None:
        """Return what an account had right after a command."""
        seqs, all_held = self._held.get(account, ([], []))
        place = bisect_right(seqs, seq)
        return all_held[place - 1] if place else None

    def durable_before(self, moment: float) -> int:
        """Return the last command that was durable at a moment."""
        return bisect_right(self.committed_at, moment)

    def _at(self, seq: int) -> Execution | None:
        return self.executions[seq - 1] if 0 < seq <= self.seq else None


def _agrees(durable: list[Event], told: object) -> bool:
    """Say whether an answer tells what is durable: all of it, or of a batch the asked part."""
    events = list(told) if isinstance(told, list | tuple) else []
    if events == durable:
        return True
    return bool(events) and all(event in durable for event in events)


def _is_of(durable: Command, asked: Command) -> bool:
    if isinstance(durable, RefuseUnstorable):
        return durable.account_id == asked.account_id
    return content_of(durable) == content_of(asked)


def content_of(command: Command) -> Command:
    """Return a command without what the engine wrote into it."""
    fields: dict[str, Any] = {}
    if getattr(command, "prior", None) is not None:
        fields["prior"] = None
    operations = getattr(command, "operations", None)
    if operations is not None:
        fields["operations"] = tuple(content_of(one) for one in operations)
    return msgspec.structs.replace(command, **fields) if fields else command


def did_nothing(execution: Execution) -> bool:
    """Say whether a command was refused, or only the repeat of another."""
    return isinstance(execution.events[0], CommandReplayed | CommandRejected)
