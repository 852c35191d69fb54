"""Step 0007 reads from the journal what was settled and credited before it."""

from exchange.messages.commands import CreditAccount, ResolveMarket
from exchange.messages.terms import NO, Resolution
from persistence.postgres import migrate
from persistence.postgres.database import connect
from tests.persistence.proof.test_verification import CHECKS, results
from tests.persistence.running import ANN, BOB, limit, open_for_trade, running

_SETTLEMENTS = "SELECT * FROM settlements ORDER BY account_id, command_seq"
_CREDITS = "SELECT * FROM credits ORDER BY account_id, command_seq"


async def test_what_happened_before_it_is_filled_in(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send_all(limit(ANN, 60, 10), limit(BOB, 40, 10, NO))
        await engine.send(CreditAccount(ANN, 7, "gift"))
        await engine.send(ResolveMarket(1, Resolution.NO, None, ""))
    connection = await connect(database_url)
    settled = await connection.fetch(_SETTLEMENTS)
    credited = await connection.fetch(_CREDITS)
    assert [row["payout"] for row in settled] == [0, 10_000_000]
    assert len(credited) >= 3
    await migrate.downgrade(database_url, "0006")
    assert await connection.fetchval("SELECT to_regclass('settlements')") is None
    await migrate.upgrade(database_url)
    assert await connection.fetch(_SETTLEMENTS) == settled
    assert await connection.fetch(_CREDITS) == credited
    await connection.close()
    assert [check.name for check in await results(database_url)] == CHECKS
    async with running(database_url) as engine:
        await engine.send(CreditAccount(BOB, 7, "later"))
    assert (await results(database_url))[-1].passed
