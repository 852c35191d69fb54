"""Makes the boards anew, in the database: what happened since the last time is added, then ranked.

    through_seq --> ... --> start of a span --> ... --> newest command
                slices      the gain until then         the boards

Laws: each step is one transaction over one picture of the tables, so boards never mix two moments,
and whoever dies leaves the last ones; the next run goes on where the last committed step ended.
A statement is about a bounded number of commands, trades or accounts. The engine's connection, and
the pool that readers share, are left alone; no row crosses the wire. Of two runs at once one does
nothing.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec

from persistence.clock import MICROSECONDS
from persistence.postgres.apart import apart
from persistence.postgres.database import Connection
from persistence.repositories.leaderboards import statements
from persistence.repositories.leaderboards.words import SPAN, Span, start_of

COMMANDS_AT_ONCE: Final = 20_000
ENTRIES_AT_ONCE: Final = 400_000
"""Of the ledger, unless a single command made more."""
TRADES_AT_ONCE: Final = 100_000
"""Of markets that paid, among which it looks for what was bought."""
ACCOUNTS_AT_ONCE: Final = 25_000
TOP: Final = 1_000
"""Places that are shown of a board."""
LOCK: Final = 0x70726F626C656164
"""Of PostgreSQL's advisory locks: whoever makes the boards holds it."""
GRACE_US: Final = 30 * MICROSECONDS
"""So long after midnight a command of before it may still be on its way into the tables."""
_LAST: Final = 2**63 - 1
_SESSION: Final = {
    "application_name": "probity leaderboards",
    # What is lost with the server is made again.
    "synchronous_commit": "off",
    # Of all that was traded in markets which paid at once; the job itself has a little more.
    "statement_timeout": "600000",
    "idle_in_transaction_session_timeout": "60000",
    # What is ranked fits into memory, of a hundred thousand accounts.
    "temp_buffers": "32MB",
    "work_mem": "32MB",
}


class Made(msgspec.Struct, frozen=True):
    """What a run did: the newest command in its boards, and in how many steps it got there."""

    through_seq: int
    steps: int


async def make_boards(url: str, now: int, *, forecasts_min: int) -> Made | None:
    """Bring the boards up to date, as of `now` in microseconds; `url` passes any pooler.

    Returns None where another one is at it. Whoever held fewer than `forecasts_min` positions until
    they were paid has no place for calibration.

    Raises DatabaseUnavailable and asyncpg's errors; the last boards stay then.
    """

    async def make(connection: Connection) -> Made | None:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
            return None
        steps = 1
        while (through := await _step(connection, now, forecasts_min)) is None:
            steps += 1
        return Made(through, steps)

    return await apart(url, _SESSION, make)


async def _step(connection: Connection, now: int, forecasts_min: int) -> int | None:
    """Go on by one step; return the newest command in the boards once those are made."""
    async with connection.transaction(isolation="repeatable_read"):
        state: Any = await connection.fetchrow(statements.STATE)
        through, *starts = state
        spans: tuple[Span, ...] = (Span.DAY, Span.WEEK, Span.MONTH)
        begun: dict[Span, int] = dict(zip(spans, starts, strict=True))
        last: int = await connection.fetchval(statements.LAST_SEQ)
        end = await _end_of_slice(connection, through, last)
        due = min(
            (start_of(span, now) for span in begun if begun[span] < start_of(span, now)),
            default=None,
        )
        is_reached = False
        if due is not None:
            # What a span brought is told apart from what came before: no slice crosses its start.
            first = await connection.fetchval(statements.FIRST_AFTER, through, end, due)
            is_reached = first is not None or (end == last and now >= due + GRACE_US)
            end = end if first is None else first - 1
        if end > through:
            await _fold(connection, through, end)
        if due is not None and is_reached:
            async with _worths(connection, end, last) as pieces:
                for span in (one for one in begun if start_of(one, now) == due):
                    await connection.execute(statements.FORGET_START, SPAN[span])
                    for piece in pieces:
                        await connection.execute(statements.START, SPAN[span], *piece)
                    await connection.execute(statements.BEGUN[span], due)
            return None
        if end < last:
            return None
        async with _worths(connection, end, last) as pieces:
            await _rank(connection, begun, pieces, now, last, forecasts_min)
        return last


async def _end_of_slice(connection: Connection, through: int, last: int) -> int:
    """Return the last command of the next slice, which is bounded by what they moved, too."""
    end = min(through + COMMANDS_AT_ONCE, last)
    while end - through > 1:
        if await connection.fetchval(statements.ENTRIES, through, end) <= ENTRIES_AT_ONCE:
            break
        end = through + (end - through) // 2
    return end


async def _fold(connection: Connection, through: int, end: int) -> None:
    """Add what the commands of a slice did."""
    await connection.execute(statements.JUDGING)
    await connection.execute(statements.SETTLED, through, end)
    some: list[int] = []
    count = 0
    for market_id, trades in await connection.fetch(statements.SETTLED_MARKETS):
        # A large one goes piece by piece, small ones together.
        if count and count + trades > TRADES_AT_ONCE:
            await connection.execute(statements.BOUGHT, some, 0, TRADES_AT_ONCE)
            some, count = [], 0
        if trades <= TRADES_AT_ONCE:
            some, count = [*some, market_id], count + trades
            continue
        for begin in range(0, trades, TRADES_AT_ONCE):
            part = begin, begin + TRADES_AT_ONCE
            await connection.execute(statements.BOUGHT, [market_id], *part)
    if some:
        await connection.execute(statements.BOUGHT, some, 0, TRADES_AT_ONCE)
    await connection.execute(statements.FOLD, through, end)
    await connection.execute(statements.MOVE_ON, end)


@asynccontextmanager
async def _worths(
    connection: Connection, seq: int, last: int
) -> AsyncIterator[list[tuple[int, int]]]:
    """Work out what shares were worth right after a command; `last` is the newest one.

    Yields pieces of all accounts: each from behind one account's id up to another's.
    """
    await connection.execute(statements.TEMPORARY)
    for begin in range(seq, last, COMMANDS_AT_ONCE):
        part = begin, min(begin + COMMANDS_AT_ONCE, last)
        await connection.execute(statements.LATER_SHARES, *part)
        await connection.execute(statements.LATER_TRADES, *part)
    await connection.execute(statements.PRICES)
    pieces, after = [], 0
    while after < _LAST:
        end = await connection.fetchval(statements.END_OF_PIECE, after, ACCOUNTS_AT_ONCE)
        pieces.append((after, _LAST if end is None else end))
        after = pieces[-1][1]
    for piece in pieces:
        await connection.execute(statements.WORTHS, *piece)
        await connection.execute(statements.SHOWN, *piece)
    await connection.execute("ANALYZE worths, shown")
    yield pieces


async def _rank(
    connection: Any,  # noqa: ANN401 - asyncpg's, with every kind of argument
    begun: dict[Span, int],
    pieces: list[tuple[int, int]],
    now: int,
    seq: int,
    forecasts_min: int,
) -> None:
    """Make the boards of all spans of what is known up to the newest command."""
    await connection.execute(statements.FRESH)
    for span, code in SPAN.items():
        since = begun.get(span, 0)
        await connection.execute("TRUNCATE fresh")
        for piece in pieces:
            await connection.execute(statements.FIGURES, code, since, forecasts_min, *piece)
        await connection.execute("ANALYZE fresh")
        await connection.execute(statements.RANKS)
        for piece in pieces:
            await connection.execute(statements.KEEP, code, *piece)
            await connection.execute(statements.DROP_OTHERS, code, *piece)
        await connection.execute(statements.FORGET_TOPS, code)
        for tops in statements.TOPS:
            await connection.execute(tops, code, TOP)
        await connection.execute(statements.BOARDS, code, since, now, seq)
