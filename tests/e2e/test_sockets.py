"""The real socket.io-client from npm against a real server; the scenarios are in `sockets.mjs`."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server_process import ServerProcess

HERE = Path(__file__).parent
SECONDS = 90
PEOPLE = {"trade": 2, "privacy": 2, "wrong": 1, "life": 1, "flight": 8}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all scenarios; each has its own market and people."""
    process = ServerProcess(tmp_path_factory.mktemp("sockets") / "data")
    try:
        process.start()
        yield process
        assert process.end() == 0
        assert '"level":"error"' not in process.words()
    finally:
        process.clean_up()


@pytest.mark.parametrize("scenario", PEOPLE)
def test_socket_io_client(server: ServerProcess, scenario: str) -> None:
    people = [server.trader() for _ in range(PEOPLE[scenario])]
    market = server.market(f"sockets-{scenario}")
    config = {
        "url": server.url,
        "market": market["slug"],
        "users": [{"id": str(user_id), "token": token} for user_id, token in people],
    }
    done = subprocess.run(
        ["node", "sockets.mjs", scenario, json.dumps(config)],
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
