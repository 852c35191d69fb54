"""Step 0045 doesn't go back over who was invited."""

import pytest

from persistence.errors import SchemaError
from persistence.postgres import migrate
from persistence.postgres.database import create_pool
from persistence.repositories.economy.referrals import Referrals
from persistence.repositories.people.users import Users


async def test_it_does_not_go_back_over_an_invitation(database_url: str) -> None:
    pool = await create_pool(database_url, size=2)
    people = [await Users.insert_nameless(pool, "USER") for _ in range(2)]
    assert await Referrals(pool).add(people[1].id, people[0].id)
    with pytest.raises(SchemaError, match="people were invited"):
        await migrate.downgrade(database_url, "0044")
    await pool.execute("DELETE FROM referrals")
    await pool.execute("INSERT INTO referral_codes VALUES ($1, 'handedon')", people[0].id)
    with pytest.raises(SchemaError, match="have codes"):
        await migrate.downgrade(database_url, "0044")
    await pool.execute("DELETE FROM referral_codes")
    await pool.close()
    await migrate.downgrade(database_url, "0044")
