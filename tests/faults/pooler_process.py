"""A real PgBouncer in front of a test's database."""

import asyncio
import pwd
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from persistence.embedded.server import EmbeddedPostgres
from persistence.embedded.unprivileged import account_for
from persistence.postgres.database import connect
from tests.server_process import free_port, until

SERVERS = 4
"""So few sessions serve everybody in transaction mode, so that they are shared."""
_CONFIGURATION = """
[databases]
probity = host={host} port=5432 dbname=probity user=probity

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {servers}
max_client_conn = 200
{more}
"""


def program() -> str:
    """Return where PgBouncer is; skips the test where it isn't."""
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if found is None:
        pytest.skip("there is no pgbouncer here: apt-get install pgbouncer")
    return found


@asynccontextmanager
async def pooler(
    database: EmbeddedPostgres, folder: Path, mode: str, more: str = ""
) -> AsyncIterator[str]:
    """Start PgBouncer before an embedded server and yield the URL that leads through it.

    It runs on the server's own account: as root it refuses, and nobody else reaches the socket.
    """
    binary, port = program(), free_port()
    host = parse_qs(urlsplit(database.url).query)["host"][0]
    account = account_for(Path(host))
    await _let_in(database, account.uid)
    configuration = folder / "pgbouncer.ini"
    servers = SERVERS if mode == "transaction" else 50
    configuration.write_text(
        _CONFIGURATION.format(host=host, port=port, mode=mode, servers=servers, more=more)
    )
    command = account.command([binary, str(configuration)], [Path(binary), folder, configuration])
    with (folder / "pgbouncer.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        await until(lambda: _listens(port))
        yield f"postgresql://probity@127.0.0.1:{port}/probity"
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 10)


async def _let_in(database: EmbeddedPostgres, uid: int) -> None:
    """Let the server's own account connect as the exchange's role."""
    connection = await connect(database.superuser_url)
    try:
        names = Path(await connection.fetchval("SHOW ident_file"))
        line = f'probity "{pwd.getpwuid(uid).pw_name}" probity\n'
        names.write_text(names.read_text("utf-8") + line, "utf-8")
        await connection.execute("SELECT pg_reload_conf()")
    finally:
        await connection.close()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
