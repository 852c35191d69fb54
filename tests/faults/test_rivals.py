"""Two of what there may only be one of: servers in a folder, engines on a database, pasts."""

import asyncio
import shutil
import subprocess

import pytest

from tests.faults.conftest import MakeServer
from tests.server_process import ServerProcess

ORDER = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": "0.40", "quantity": "10"}


def refused_start(server: ServerProcess, *arguments: str) -> str:
    """Start a server that must refuse, with one line; return the line."""
    before = len(server.log.read_text("utf-8")) if server.log.exists() else 0
    server.launch(*arguments)
    assert server.process is not None
    assert server.process.wait(60) != 0
    said = server.log.read_text("utf-8")[before:].strip().splitlines()
    assert len(said) == 1, said
    return said[0]


def test_a_second_server_in_a_folder_refuses(make_server: MakeServer) -> None:
    first, second = make_server(), make_server()
    second.log = second.log.with_name("second.log")
    first.start()
    line = refused_start(second)
    assert f"another Probity (process {first.pid})" in line
    assert first.is_ready()
    assert first.end() == 0


@pytest.mark.slow
def test_a_second_engine_on_a_database_refuses(make_server: MakeServer, database_url: str) -> None:
    first = make_server("first", DATABASE_URL=database_url)
    second = make_server("second", DATABASE_URL=database_url)
    first.start()
    first.market("snow")
    _, token = first.trader()
    placed = first.call("POST", "/orders/snow", token, ORDER)
    assert "another engine leads" in refused_start(second)
    shown = first.call("GET", f"/orders/{placed['order']['id']}", token)
    shown.pop("queuePosition", None)
    assert shown == placed["order"]
    assert first.end() == 0
    second.start()
    assert second.call("GET", "/markets/snow/orderbook")["bids"] == [["0.4000", "10.00"]]
    assert second.end() == 0


@pytest.mark.slow
def test_a_database_put_back_in_time_is_refused(server: ServerProcess) -> None:
    server.market("hail")
    _, token = server.trader("ada")
    server.call("POST", "/orders/hail", token, ORDER)
    assert server.end() == 0
    cluster = server.data_dir / "postgres"
    old = server.data_dir / "old"
    # With owners: PostgreSQL reads its own account's files only.
    subprocess.run(["cp", "-a", str(cluster), str(old)], check=True)
    server.start()
    server.call("POST", "/orders/hail", token, ORDER)
    assert server.end() == 0
    shutil.rmtree(cluster)
    old.rename(cluster)
    line = refused_start(server)
    assert "--accept-tip" in line
    assert server.database_processes() == []
    server.start("--accept-tip")
    assert server.call("GET", "/markets/hail/orderbook")["bids"] == [["0.4000", "10.00"]]
    server.call("POST", "/orders/hail", token, ORDER)
    assert server.end() == 0
    server.start()
    assert server.call("GET", "/markets/hail/orderbook")["bids"] == [["0.4000", "20.00"]]
    assert server.end() == 0


async def test_two_servers_race_for_a_folder(make_server: MakeServer) -> None:
    """Started at the same moment, exactly one serves."""
    servers = [make_server() for _ in range(3)]
    for number, server in enumerate(servers):
        server.log = server.log.with_name(f"{number}.log")
        server.launch()
    codes = await asyncio.gather(*(asyncio.to_thread(_code_or_ready, server) for server in servers))
    assert sorted(str(code) for code in codes) == ["1", "1", "ready"], codes
    winner = servers[codes.index("ready")]
    assert await asyncio.to_thread(winner.end) == 0


def _code_or_ready(server: ServerProcess) -> int | str:
    """Return the exit code of a server, or "ready"."""
    assert server.process is not None
    while (code := server.process.poll()) is None:
        if server.is_ready():
            return "ready"
    return code
