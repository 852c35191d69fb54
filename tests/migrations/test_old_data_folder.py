"""A whole data folder of before there were amends, batches or stops is opened by today's server.

The journal's row is, byte for byte, what a program of then wrote (`test_older_rows.py`), in the
tables of its schema, whose other rows are those of the same commands; beside the database stands
the tip that it wrote.
"""

import asyncio
import os
from pathlib import Path

from exchange.engine import Engine
from exchange.proof.running_balances import RunningBalances
from persistence.embedded.server import EmbeddedPostgres
from persistence.journal.batch_rows import BatchRows, add_execution, add_ids
from persistence.journal.tip import Tip, TipFile
from persistence.loop.recovery import recover
from persistence.postgres import migrate
from persistence.postgres.database import connect
from tests.persistence.proof.test_older_rows import COMMANDS, HASH, PAYLOAD, ROW
from tests.server_process import running_server

THEN = "0011"
"""The last step before the first of trading depth."""
FIRST = {
    "side": "BUY",
    "outcome": "YES",
    "type": "LIMIT",
    "price": "0.60",
    "quantity": "10",
    "clientOrderId": "a",
}


async def _store(url: str) -> str:
    """Store the commands of then, by today's rows; return the database's identity."""
    recovered = await recover(url)
    engine, rows = Engine(recovered.live), BatchRows()
    balances = RunningBalances(recovered.live)
    executions = [engine.execute(one.at, one.command) for one in ROW.executions()]
    assert [one.events for one in executions] == [one.events for one in ROW.executions()]
    for execution in executions:
        add_execution(rows, balances, execution)
    add_ids(rows, recovered.live, executions)
    await recovered.journal.commit(recovered.journal.seal(recovered.live, rows, balances))
    await recovered.connection.close()
    return recovered.database_id


async def make(folder: Path) -> None:
    """Make the data folder."""
    folder.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700)
    server = await EmbeddedPostgres.start(folder)
    try:
        await migrate.upgrade(server.url)
        database_id = await _store(server.url)
        await migrate.downgrade(server.url, THEN)
        connection = await connect(server.url)
        await connection.execute(
            "UPDATE journal SET rules_version = 1, payload = $1, hash = $2", PAYLOAD, HASH
        )
        await connection.execute("UPDATE engine_state SET chain_hash = $1", HASH)
        row = await connection.fetchrow("SELECT epoch, at FROM journal")
        assert row is not None
        assert tuple(row) == (ROW.epoch, ROW.at)
        await connection.close()
    finally:
        await server.stop()
    TipFile(folder / "tip", database_id).write(Tip(COMMANDS, HASH))


def test_it_opens_and_old_ids_have_their_first_answers(tmp_path: Path) -> None:
    asyncio.run(make(tmp_path / "data"))
    with running_server(tmp_path / "data") as server:
        # The administrator is the first user, and so the owner of the first account.
        first = server.call("POST", "/orders/rain", server.admin(), FIRST)
        assert (first["replayed"], first["order"]["id"]) == (True, "1")
        assert (first["order"]["status"], first["balance"]["locked"]) == ("OPEN", "6.012000")
        assert (first["order"]["seq"], first["trades"]) == (4, [])
        order = server.call("GET", "/orders/by-client-id/a", server.admin())
        assert (order["status"], order["filled"]) == ("CANCELLED", "5.23")
        verified = server.run("verify")
        assert (verified.returncode, "every invariant holds" in verified.stdout) == (0, True)
        # It goes on, in the same chain.
        server.market("snow")
        new = FIRST | {"quantity": "1", "clientOrderId": "new"}
        placed = server.call("POST", "/orders/snow", server.admin(), new)
        assert placed["order"]["id"] == "5"
    verified = server.run("verify")
    assert (verified.returncode, "every invariant holds" in verified.stdout) == (0, True)
