"""Step 0046 doesn't go back over what is mirrored."""

import pytest

from exchange.messages.commands import CreateMarket
from exchange.messages.terms import FeeModel
from persistence.errors import SchemaError
from persistence.postgres import migrate
from persistence.postgres.database import create_pool
from persistence.repositories.economy.mirrors import Mirrors, NewMirror


async def test_it_does_not_go_back_over_a_mirror(database_url: str) -> None:
    pool = await create_pool(database_url, size=2)
    new = NewMirror(
        platform="fake", external_id="M1",
        command=CreateMarket("", "Why?", "", "", 2**50, 100, 1, 0, 0, FeeModel.FLAT, False),
        labels=("Yes", "No"), spread=100, size=100, exposure=100,
    )  # fmt: skip
    await Mirrors(pool).add(new, 1, 1)
    with pytest.raises(SchemaError, match="markets are mirrored"):
        await migrate.downgrade(database_url, "0045")
    await pool.execute("DELETE FROM mirrors")
    await pool.close()
    await migrate.downgrade(database_url, "0045")
