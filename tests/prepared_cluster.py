"""A data folder's database, made once and copied for each server that begins with an empty folder.

Making a cluster and taking its schema through all its steps is more than half the work of a
server's first start, and tests do that hundreds of times. What a first start does by itself is
tested where `make run` and the wheel are (`tests/e2e/test_newcomer.py`, `tests/packaging`).
"""

import asyncio
import atexit
import functools
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from persistence.embedded.server import EmbeddedPostgres
from persistence.postgres import migrate


def put_into(data_dir: Path) -> None:
    """Make a data folder that holds a database with the newest schema and nothing in it."""
    data_dir.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700)
    # With its owner, which is the server's account.
    subprocess.run(["cp", "-a", _made() / "postgres", data_dir], check=True)


@functools.cache
def _made() -> Path:
    base = os.environ.get("PYTEST_DEBUG_TEMPROOT")
    folder = Path(tempfile.mkdtemp(prefix="probity-prepared-", dir=base))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    # In a thread: the test that asks first may have a loop of its own.
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(asyncio.run, _make(folder / "data")).result()
    return folder / "data"


async def _make(folder: Path) -> None:
    server = await EmbeddedPostgres.start(folder)
    try:
        await migrate.upgrade(server.url)
    finally:
        await server.stop()
