"""A real server for a benchmark: the tests' own launcher, in a folder that goes with it.

What a benchmark adds: traders with money, a database whose log is filled (`filled_log`), and that
everything ends with the measurement. Children
get this process's environment, PYTHONPATH and PYTHONSAFEPATH included, so that they run the same
core as the benchmark does.
"""

import asyncio
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.loads.filled_log import fill_log
from persistence.embedded.server import EmbeddedPostgres
from tests.server_process import PROBITY, STOP_SECONDS, ServerProcess


@contextmanager
def running_server(
    settings: Mapping[str, str] | None = None, program: str = PROBITY
) -> Iterator[ServerProcess]:
    """Start a server on a free port, with limits out of the way, and stop it again; `program` is
    what runs in the place of `probity`, if anything.
    """
    with tempfile.TemporaryDirectory(prefix="probity-bench-") as folder:
        data_dir = Path(folder) / "data"
        if "DATABASE_URL" not in (settings or {}):
            asyncio.run(_prepare(data_dir))
        server = ServerProcess(data_dir, settings)
        server.program = program
        try:
            server.start()
            yield server
            server.end()
        finally:
            server.clean_up()


async def _prepare(data_dir: Path) -> None:
    """Make the embedded database that the server will find."""
    database = await EmbeddedPostgres.start(data_dir)
    try:
        await fill_log(database)
    finally:
        await database.stop()


@contextmanager
def running_gateway(server: ServerProcess) -> Iterator[ServerProcess]:
    """Start a gateway on the folder of a server that has a REDIS_URL, and stop it again."""
    settings = {"REDIS_URL": server.environment["REDIS_URL"]}
    gateway = ServerProcess(server.data_dir, settings, "gateway")
    gateway.log = server.data_dir.with_name("gateway.log")
    try:
        gateway.start()
        yield gateway
    finally:
        # Only the process: the database in the folder is its server's to stop.
        if gateway.process is not None:
            gateway.process.terminate()
            gateway.process.wait(STOP_SECONDS)


def funded_trader(server: ServerProcess, funds: int) -> str:
    """Register a user with that many credits and return its access token."""
    return funded_account(server, funds)[1]


def funded_account(server: ServerProcess, funds: int) -> tuple[int, str]:
    """Do the same, and return its account before its token."""
    user_id, token = server.trader()
    gift = {"amount": str(funds), "reason": "benchmark"}
    server.call("POST", f"/admin/users/{user_id}/credit", server.admin(), gift)
    return user_id, token
