"""Whoever would leave this machine is stopped and told on: by any way, in any process."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
import uvloop

from tests.loopback import guard
from tests.loopback.sitecustomize import is_here

ROOT = Path(__file__).parents[2]
STOPPED = "^(connects to|looks up) "
"""A worker has the guard's module twice, so its error is known by what it says."""
FAR = "192.0.2.1"
"""An address that is kept for documents: nobody has it."""
SWALLOWS = """
import asyncio, contextlib, httpx{more}

async def ask():
    async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
        await client.get("http://{host}/")

with contextlib.suppress(OSError, httpx.HTTPError):
    {run}(ask())
"""


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.8.7", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("LOCALHOST", True),
        (b"localhost", True),
        ("", True),
        (None, True),
        (FAR, False),
        ("127.example.org", False),
        ("::ffff:192.0.2.1", False),
        ("fe80::1%eth0", False),
        ("localhost.example.org", False),
    ],
)
def test_what_is_here(host: object, expected: bool) -> None:
    assert is_here(host) is expected


def by_connect() -> None:
    with socket.socket() as one:
        one.connect((FAR, 80))


def by_connect_ex() -> None:
    with socket.socket() as one:
        one.connect_ex((FAR, 80))


def by_datagram() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        one.sendto(b"?", (FAR, 53))


def by_name() -> None:
    socket.getaddrinfo("example.org", 80)


@pytest.mark.parametrize("way", [by_connect, by_connect_ex, by_datagram, by_name])
def test_no_socket_leaves(way: Callable[[], None]) -> None:
    with pytest.raises(OSError, match=STOPPED):
        way()
    assert str(Path(sys.argv[0])) in guard.tried()
    assert guard.tried() == "", "told once"


async def by_stream(host: str) -> None:
    await asyncio.open_connection(host, 80)


async def by_datagrams(host: str) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=(host, 53))


async def by_look_up(host: str) -> None:
    await asyncio.get_running_loop().getaddrinfo(host, 80)


async def by_bare_socket(host: str) -> None:
    with socket.socket() as one:
        one.setblocking(False)
        await asyncio.get_running_loop().sock_connect(one, (host, 80))


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
@pytest.mark.parametrize("way", [by_stream, by_datagrams, by_look_up, by_bare_socket])
def test_no_event_loop_leaves(
    run: Callable[[Awaitable[None]], None], way: Callable[[str], Awaitable[None]]
) -> None:
    with pytest.raises(OSError, match=STOPPED):
        run(way(FAR))
    assert FAR in guard.tried()


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_loopback_is_free(run: Callable[[Awaitable[None]], None]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        async def connect() -> None:
            for host in ("127.0.0.1", "localhost"):
                _, writer = await asyncio.open_connection(host, port)
                writer.close()

        run(connect())
        with socket.create_connection(("localhost", port)):
            pass
    assert guard.tried() == ""


@pytest.mark.parametrize(("run", "more"), [("asyncio.run", ""), ("uvloop.run", ", uvloop")])
@pytest.mark.parametrize("host", [FAR, "gamma-api.polymarket.com"])
def test_a_program_that_takes_it_for_a_venue_s_fault_is_told_on(
    run: str, more: str, host: str, tmp_path: Path
) -> None:
    program = SWALLOWS.format(run=run, more=more, host=host)
    for environment in (None, {"PATH": os.environ["PATH"], **guard.environment()}):
        command = [sys.executable, "-c", program]
        subprocess.run(command, check=True, env=environment, cwd=tmp_path, timeout=60)
        assert repr(host) in guard.tried()


def test_a_test_that_leaves_fails(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import contextlib, socket\n\n"
        "def test_leaves():\n"
        "    with contextlib.suppress(OSError):\n"
        f"        socket.create_connection(('{FAR}', 80))\n\n"
        "def test_stays():\n"
        "    socket.create_server(('127.0.0.1', 0)).close()\n"
    )
    (tmp_path / "conftest.py").write_text(
        "from tests.loopback import guard\n"
        "from tests.loopback.guard import stays_on_loopback\n\n"
        "def pytest_configure():\n    guard.begin()\n\n"
        "def pytest_unconfigure():\n    guard.end()\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=tmp_path,
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert "2 passed, 1 error" in done.stdout, done.stdout + done.stderr
    assert "test_leaves - Failed: beyond loopback" in done.stdout, done.stdout
    assert f"looks up '{FAR}'" in done.stdout


def test_httpx_is_told_why() -> None:
    with pytest.raises(httpx.ConnectError, match="looks up"):
        httpx.get(f"http://{FAR}/", trust_env=False)
    assert FAR in guard.tried()
