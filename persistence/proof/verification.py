"""`probity verify`: prove from the journal that the tables, and every sum in them, are what they
must be.

Laws: one snapshot of the database, so a running exchange may be verified too; checks come in a
fixed order and the first that fails is the last; the journal streams, so memory holds the exchange
and not its past. The order is from the ground up:

    journal    the chain is whole, commandSeq dense, and it ends where engine_state says; what lies
               in files is byte for byte what was written there
    events     applied from genesis, they fit
    commands   run again, they give the same events byte for byte (rows of the current rules)
    sums       ledger entries sum to zero, balances equal the sums of theirs (in SQL alone)
    ledger, trades, orders, ids, settlements, credits
               the tables hold exactly what the events say, nothing else
    state      the tables are the rebuilt state (same hash)
    laws       every invariant holds
    intents    what was to move money outside the book has moved it, once and as it was meant
    bets       each is what its orders traded, and no more is in them than is held
    stocks     their supplies and positions are the sums of their trades, whose money has moved, and
               each reserve can buy back all there is
    mirrors    those of other venues' markets are the markets that they say, and ended so
    tip        the database isn't behind what was acknowledged
    audit      the audit log is whole, and reaches as far as it was seen to (`audit_chain`)

Nothing is mended here. How each part is replayed and compared is `rerun` and `comparisons`.
"""

from collections.abc import AsyncIterator

import msgspec

from exchange.model.state import State
from exchange.proof import invariants
from exchange.proof.state_hash import records, state_hash
from persistence.errors import SegmentUnreadable
from persistence.journal import tables
from persistence.journal.reader import stream
from persistence.journal.segments.segments import Segments
from persistence.journal.source import JournalSource
from persistence.journal.tip import Tip
from persistence.loop.recovery import tip_problem
from persistence.postgres.database import Connection
from persistence.proof import sums
from persistence.proof.audit_chain import audit_problem
from persistence.proof.bets import BetComparison, projected_to
from persistence.proof.comparisons import Comparisons
from persistence.proof.intents import intents_problem
from persistence.proof.journal_chain import ChainWalk
from persistence.proof.mirrors import mirrors_problem
from persistence.proof.rerun import Rerun
from persistence.proof.stocks import stocks_problem


class CheckResult(msgspec.Struct, frozen=True):
    """One line of the report; `detail` says what was counted, or what is wrong."""

    name: str
    passed: bool
    detail: str


async def verify(
    connection: Connection,
    tip: Tip | None = None,
    segments: Segments | None = None,
    audit_tip: Tip | None = None,
) -> AsyncIterator[CheckResult]:
    """Yield the result of each check, in order, up to and including the first that fails.

    Args:
        connection: to the database, running or not; nothing is written.
        tip: what the file beside it names; None leaves that check out.
        segments: where batches lie that were moved to files.
        audit_tip: the last line that the file beside it names of the audit log.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        async for result in _checks(connection, tip, segments or Segments(None)):
            yield result
            if not result.passed:
                return
        problem, lines = await audit_problem(connection, audit_tip)
        yield _result("audit", problem, f"{lines} lines, each holds the hash of the one before")


async def _checks(
    connection: Connection, tip: Tip | None, segments: Segments
) -> AsyncIterator[CheckResult]:
    head = await tables.read_head(connection)
    count = f"{head.last_seq} commands in"
    try:
        problem, rows = await _chain_problem(connection, segments, head)
        files = await connection.fetchval("SELECT count(*) FROM journal_segments")
        if files:
            count = f"{head.last_seq} commands, {segments.last_seq} of them in {files} files, in"
    except SegmentUnreadable as error:
        problem, rows = str(error), 0
    yield _result("journal", problem, f"{count} {rows} batches, chain whole")
    rerun = Rerun()
    comparisons = Comparisons(connection)
    bets = BetComparison(connection, await projected_to(connection))
    async for row in stream(connection, segments):
        rerun.run(row)
        if rerun.event_problem is not None:
            break
        await comparisons.compare(rerun.done, rerun.ended_orders())
        await bets.compare(rerun.done)
    yield _result("events", rerun.event_problem, f"{rerun.events} applied from genesis")
    yield _result("commands", rerun.command_problem, f"{rerun.reruns} give the same events again")
    yield _result("sums", await sums.problem(connection), "entries sum to 0, balances to theirs")
    await comparisons.finish()
    for name in comparisons.names:
        problem = comparisons.problems.get(name)
        yield _result(name, problem, f"{comparisons.counts[name]} rows as the events say")
    snapshot = await tables.read_in_transaction(connection, segments=segments)
    rebuilt = rerun.state
    try:
        stored = tables.build(snapshot, with_ids=True)
    except LookupError as error:
        yield _result("state", f"the tables hold what no Probity writes: {error}", "")
        return
    yield _result("state", _difference(stored, rebuilt), state_hash(rebuilt).hex())
    yield _result("laws", next(invariants.problems(stored), None), "every invariant holds")
    problem, answered = await intents_problem(connection)
    yield _result("intents", problem, f"{answered} answers as the ledger has them")
    problem = await bets.finish(rebuilt)
    yield _result("bets", problem, f"{bets.count} as their orders traded")
    problem, orders = await stocks_problem(connection)
    yield _result("stocks", problem, f"{orders} orders as their trades and their money are")
    problem, mirrored = await mirrors_problem(connection, stored)
    yield _result("mirrors", problem, f"{mirrored} of them as their markets are")
    if tip is not None:
        yield _result(
            "tip",
            await tip_problem(JournalSource(connection, segments), tip, head),
            f"{tip.seq} is there",
        )


def _result(name: str, problem: str | None, detail: str) -> CheckResult:
    return CheckResult(name, problem is None, detail if problem is None else problem)


async def _chain_problem(
    connection: Connection, segments: Segments, head: tables.Head
) -> tuple[str | None, int]:
    """Walk the chain without decoding anything; return what is wrong, and how many rows it has."""
    walk = ChainWalk()
    async for row in stream(connection, segments):
        problem = walk.step(row)
        if problem is not None:
            return problem, walk.count
    return walk.end_problem(head), walk.count


def _difference(stored: "State", rebuilt: "State") -> str | None:
    """Name the first record in which two states differ."""
    if state_hash(stored) == state_hash(rebuilt):
        return None
    ours, theirs = records(stored), records(rebuilt)
    for table_row in ours:
        event_row = next(theirs, None)
        if table_row != event_row:
            return f"the tables say {table_row}, the events {event_row}"
    return f"the events say {next(theirs, None)}, the tables nothing"
