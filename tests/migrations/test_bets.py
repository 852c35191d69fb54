"""Step 0047 doesn't go back over what was bet."""

import pytest

from exchange.messages.terms import YES
from persistence.errors import SchemaError
from persistence.postgres import migrate
from persistence.postgres.database import create_pool
from persistence.repositories.economy.bets import Bets, NewBet
from persistence.repositories.economy.intents import Intents, NewIntent
from tests.persistence.bet_stories import bet_command


async def test_it_does_not_go_back_over_a_bet(database_url: str) -> None:
    pool = await create_pool(database_url, size=2)
    intent = await Intents.add(pool, NewIntent("BET", bet_command(1, 1, YES, 7)), 1)
    await Bets.add(pool, 1, NewBet(1, None, 1, "THIS", 7, None), 1, intent.id)
    with pytest.raises(SchemaError, match="there are bets"):
        await migrate.downgrade(database_url, "0046")
    await pool.execute("DELETE FROM bets")
    await pool.close()
    await migrate.downgrade(database_url, "0046")
