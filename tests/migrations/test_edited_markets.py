"""Step 0039 goes back while no admin has edited a market or ended an order, by the journal."""

import pytest

from exchange.messages.admin.commands import EditMarket, ForceCancel
from exchange.messages.commands import Command
from persistence.errors import SchemaError
from persistence.postgres import migrate
from persistence.postgres.database import connect
from tests.persistence.loop.test_triggers import all_is_well
from tests.persistence.running import hashes, listing, open_for_trade, running

SEGMENT = (
    "INSERT INTO journal_segments VALUES (1, 2, 1, 1, 1, '\\x00', '\\x00', 'one', 1, '\\x00', 1)"
)
EDIT = (
    "INSERT INTO audit_log (at, actor_id, action, target, outcome, request_id)"
    " VALUES (1, 1, 'market.edit', 'market:1', 'ok', 'a')"
)


async def test_what_only_speaks_of_edits_goes_back(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send(listing("snow", question="EditMarket or ForceCancel?"))
        before = hashes(engine)
    await migrate.downgrade(database_url, "0038")
    await migrate.upgrade(database_url)
    async with running(database_url) as engine:
        assert hashes(engine) == before
    await all_is_well(database_url)


@pytest.mark.parametrize(
    "command",
    [EditMarket(1, question="Does it rain?"), EditMarket(1, question=""), ForceCancel(77)],
    ids=["edited", "refused", "an order"],
)
async def test_an_edit_doesnt_go_back(database_url: str, command: Command) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send(command)
        before = hashes(engine)
    with pytest.raises(SchemaError, match="admins edited markets"):
        await migrate.downgrade(database_url, "0038")
    async with running(database_url) as engine:
        assert hashes(engine) == before


async def test_what_lies_in_files_may_hold_one(database_url: str) -> None:
    connection = await connect(database_url)
    await connection.execute(EDIT)
    await connection.execute(SEGMENT)
    await connection.close()
    with pytest.raises(SchemaError, match="admins edited markets"):
        await migrate.downgrade(database_url, "0038")
