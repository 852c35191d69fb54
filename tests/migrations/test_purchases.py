"""Step 0044 doesn't go back over what was bought."""

import pytest

from persistence.errors import SchemaError
from persistence.postgres import migrate
from persistence.postgres.database import create_pool
from persistence.repositories.economy.purchases import NewPurchase, Purchases


async def test_it_does_not_go_back_over_a_purchase(database_url: str) -> None:
    pool = await create_pool(database_url, size=2)
    new = NewPurchase(1, None, "starter", 7, 500, "USD", "simulated", "test-card")
    await Purchases.add(pool, new, 1)
    with pytest.raises(SchemaError, match="credits were bought"):
        await migrate.downgrade(database_url, "0043")
    await pool.execute("DELETE FROM purchases")
    await pool.close()
    await migrate.downgrade(database_url, "0043")
