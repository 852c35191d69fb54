"""Step 0041 doesn't go back over what was intended: what waits to be moved would be forgotten."""

import pytest

from exchange.messages.commands import CreditAccount
from exchange.messages.terms import MoneyKind
from persistence.errors import SchemaError
from persistence.postgres import migrate
from persistence.postgres.database import connect, create_pool
from persistence.repositories.economy.intents import Intents, NewIntent

GIFT = CreditAccount(1, 7, "gift", "reward:1:a", kind=MoneyKind.REWARD)


async def test_it_does_not_go_back_over_an_intent(database_url: str) -> None:
    pool = await create_pool(database_url, size=2)
    await Intents.add(pool, NewIntent("REWARD", GIFT), 1)
    with pytest.raises(SchemaError, match="money was to be moved"):
        await migrate.downgrade(database_url, "0040")
    assert await pool.fetchval("SELECT status FROM money_intents") == "PENDING"
    await pool.execute("DELETE FROM money_intents")
    await pool.close()
    await migrate.downgrade(database_url, "0040")
    connection = await connect(database_url)
    assert await connection.fetchval("SELECT to_regclass('money_intents')") is None
    await connection.close()
