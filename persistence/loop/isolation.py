"""What to do when PostgreSQL refuses a batch for certain: find the command that can't be stored.

Laws (RULEBOOK 11): nothing of the batch was kept, so it and the batch built upon it are dropped
from memory and the tables are loaded again; then their commands run one by one, a commit each, in
their order; the offender is journaled as `RefuseUnstorable`, its client id is used up, and it is
answered NOT_STORED; an offender that repeats an id stays a repeat. Everybody else has the event
loop while the tables are built, however large they are: the lead is a beat that mustn't stop. By
what right each was sent is asked once more, since all this may take a while: what no longer stands
is answered so. A refusal that can't be stored either, or a timer that can't, is no single command's
fault and ends the engine.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from exchange.engine import Engine
from exchange.messages.bounds import TRIGGERS_BETWEEN
from exchange.messages.commands import Command, RefuseUnstorable
from exchange.model.idempotency import fingerprint, key_of
from exchange.model.state import State
from exchange.proof.running_balances import RunningBalances
from persistence.errors import BatchRefused, FenceLost
from persistence.journal import tables
from persistence.journal.journal import Journal
from persistence.journal.open_orders import OpenOrders
from persistence.loop.command_queue import Waiting, standing
from persistence.loop.open_batch import BATCH_BOUND, Batch
from persistence.loop.running_order import own_is_due, run_own
from persistence.postgres.database import Connection


async def rerun_alone(
    connection: Connection,
    journal: Journal,
    waiting: Sequence[Waiting],
    clock: Callable[[], int],
) -> AsyncIterator[tuple[Engine, RunningBalances, Batch | None]]:
    """Load the tables and run these commands alone, each with a commit of its own.

    Yields the engine to go on with and, each time but the first, a batch that is committed and is
    the caller's to publish.

    Raises:
        BatchRefused: a timer, or a refusal, can't be stored.
        FenceLost, OutcomeUnknown: as any commit.
    """
    engine, balances = await _reload(connection, journal)
    yield engine, balances, None
    for item in waiting:
        at = max(clock(), engine.state.now)
        triggers = TRIGGERS_BETWEEN
        while own_is_due(engine.state, at, triggers):
            own = Batch()
            triggers -= run_own(own, engine, balances, at, BATCH_BOUND, triggers)
            await journal.commit(own.seal(engine, balances, journal))
            yield engine, balances, own
        if not standing([item]):
            continue
        batch = Batch()
        batch.run(engine, balances, at, [item])
        try:
            await journal.commit(batch.seal(engine, balances, journal))
        except BatchRefused:
            engine, balances = await _reload(connection, journal)
            batch = Batch()
            refused = Waiting(_unstorable(item.command), item.future)
            batch.run(engine, balances, at, [refused])
            await journal.commit(batch.seal(engine, balances, journal))
        yield engine, balances, batch


async def _reload(connection: Connection, journal: Journal) -> tuple[Engine, RunningBalances]:
    with journal.asking():
        snapshot = await tables.read(connection)
    if snapshot.head.epoch != journal.epoch:
        raise FenceLost("another engine leads")
    live, open_orders, balances = await asyncio.to_thread(_built, snapshot)
    journal.rewind(snapshot.head.last_seq, snapshot.head.chain_hash, open_orders)
    return Engine(live), balances


def _built(snapshot: tables.Snapshot) -> tuple[State, OpenOrders, RunningBalances]:
    live = tables.build(snapshot, with_ids=True)
    return live, OpenOrders(live.orders), RunningBalances(live)


def _unstorable(command: Command) -> RefuseUnstorable:
    """Make what stands in the journal instead, under the client id that is used up by it."""
    key = key_of(command)
    name = type(command).__name__
    if key is None:
        return RefuseUnstorable(command.account_id, name)
    prior = getattr(command, "prior", None)
    return RefuseUnstorable(command.account_id, name, key[2], fingerprint(command), prior, key[1])
