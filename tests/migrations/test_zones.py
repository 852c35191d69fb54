"""Step 0051 takes the time zone away that was written beside other choices, and no other."""

import msgspec

from gateway.accounts.profile.preferences import Layout, stored_preferences
from persistence.postgres import migrate
from persistence.postgres.database import create_pool
from persistence.repositories.people.users import Users


async def test_what_was_never_chosen_is_local_again(database_url: str) -> None:
    pool = await create_pool(database_url, size=2)
    users = Users(pool)
    ann, bob, cem = [(await Users.insert_nameless(pool, "USER")).id for _ in range(3)]
    await pool.close()
    await migrate.downgrade(database_url, "0050")
    pool = await create_pool(database_url, size=2)
    users = Users(pool)
    before = {"timeZone": "UTC", "layout": "simple", "theme": "dark"}
    await users.set_preferences(ann, msgspec.json.encode(before).decode())
    await users.set_preferences(bob, '{"timeZone": "Europe/Vienna"}')
    await pool.close()
    await migrate.upgrade(database_url)
    pool = await create_pool(database_url, size=2)
    users = Users(pool)
    kept = stored_preferences(await users.preferences(ann))
    assert (kept.time_zone, kept.layout) == ("local", Layout.SIMPLE)
    assert stored_preferences(await users.preferences(bob)).time_zone == "Europe/Vienna"
    assert await users.preferences(cem) is None
    await pool.close()
