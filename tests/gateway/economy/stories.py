"""Short ways to look at what moved, around the application of `tests/gateway/conftest.py`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from exchange.messages.account_events import CashTransferred, FundsDebited
from exchange.messages.commands import CreditAccount
from exchange.messages.events import FundsCredited
from exchange.proof.ledger import Owner
from gateway.bootstrap.economy import movements_of
from gateway.economy.movements.movements import Movements
from persistence.errors import DatabaseUnavailable
from persistence.journal.codes import MONEY_KIND
from persistence.postgres.database import DeadlinePool
from persistence.repositories.economy.intents import Intents
from tests.gateway.conftest import Person, Web


def movements(web: Web) -> Movements:
    return movements_of(web.parts.pool, web.parts.engine, web.accounts)


async def moved(web: Web) -> list[tuple[str, str]]:
    """Every intent's system id and status, in their order."""
    rows = await web.parts.pool.fetch("SELECT system_id, status FROM money_intents ORDER BY id")
    return [(row[0], row[1]) for row in rows]


async def pending(web: Web) -> int:
    return [status for _, status in await moved(web)].count("PENDING")


async def sweep(web: Web) -> int:
    """Sweep as if the claims of others were over; return how many were sent."""
    await web.parts.pool.execute("UPDATE money_intents SET tried_at = 0")
    return await movements(web).finish_left()


def give_meanwhile(patch: pytest.MonkeyPatch, web: Web, person: Person, amount: int) -> None:
    """Give somebody money just before it is asked what is to come: it isn't any more."""
    ask = Intents.to_come

    async def asking(*args: Any) -> int:
        web.engine.run(CreditAccount(person.id, amount, "given"))
        return await ask(*args)

    patch.setattr(Intents, "to_come", staticmethod(asking))


async def lose(*_: object) -> None:
    """Fail as whatever waits for a connection that was lost does."""
    raise DatabaseUnavailable("the connection was lost")


def lose_commits(patch: pytest.MonkeyPatch, rows: type, name: str) -> None:
    """Let the word of a COMMIT be lost, once `rows.name` wrote something in its transaction."""
    written: list[object] = []
    begin, write = DeadlinePool.transaction, getattr(rows, name)

    async def writing(*args: Any) -> Any:
        written.append(args)
        return await write(*args)

    @asynccontextmanager
    async def transaction(pool: DeadlinePool) -> AsyncIterator[Any]:
        async with begin(pool) as connection:
            yield connection
        if written:
            await lose()

    patch.setattr(rows, name, staticmethod(writing))
    patch.setattr(DeadlinePool, "transaction", transaction)


async def store_ledger(web: Web) -> None:
    """Put what happened in the fake engine into the tables, as the real one does."""
    history, pool = web.engine.history, web.parts.pool
    await pool.execute("DELETE FROM ledger")
    await pool.execute("DELETE FROM credits")
    await pool.execute("UPDATE engine_state SET last_seq = $1", web.engine.view.seq)
    for owner_id, entry in history.entries:
        await pool.execute(
            "INSERT INTO ledger (owner_id, owner, command_seq, entry_no, at, kind, available,"
            " locked, available_after, locked_after, market_id, order_id, trade_no)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            owner_id,
            int(Owner.ACCOUNT),
            entry.seq,
            entry.entry_no,
            entry.at,
            int(entry.kind),
            *(entry.available, entry.locked, entry.available_after, entry.locked_after),
            *(entry.market_id, entry.order_id, entry.trade_no),
        )
    for done in history.executions:
        for event in done.events:
            if isinstance(event, FundsCredited | FundsDebited):
                people = {event.account_id}
            elif isinstance(event, CashTransferred):
                people = {one for leg in event.legs for one in (leg.payer_id, leg.payee_id)}
            else:
                continue
            for account_id in sorted(people):
                await pool.execute(
                    "INSERT INTO credits (account_id, command_seq, reason, kind)"
                    " VALUES ($1, $2, $3, $4)",
                    *(account_id, done.seq, event.reason, MONEY_KIND[event.kind]),
                )


async def store_order(web: Web, account_id: int) -> None:
    """Have an order of somebody's in the tables; of what it is nothing matters."""
    pool = web.parts.pool
    needed = await pool.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'orders'"
        " AND is_nullable = 'NO' AND column_default IS NULL AND is_generated = 'NEVER'"
        " AND column_name NOT IN ('id', 'account_id')"
    )
    names = ", ".join(["id", "account_id", *(row[0] for row in needed)])
    values = ", ".join(["$1", "$2", *("'1'" for _ in needed)])
    await pool.execute(
        f"INSERT INTO orders ({names}) VALUES ({values})",
        1_000_000 + account_id,
        account_id,
    )
