"""Which processes somebody stands in for when they can't go on."""

import asyncio
import socket
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.responses import PlainTextResponse

from gateway.bootstrap.server import StopSignal
from gateway.bootstrap.settings import load_settings
from gateway.cli.respawn import Respawn
from gateway.cli.serving import MayFail, serve_until_ended
from gateway.engine_side.readiness import Readiness

Heard = list[tuple[int, float]]


@pytest.fixture
def stood_in(monkeypatch: pytest.MonkeyPatch) -> Heard:
    """The port of each socket on which a stand-in was to answer, and for how long an end takes."""
    heard: Heard = []

    def keep_answering(_self: Respawn, listening: socket.socket, end_s: float) -> None:
        heard.append((listening.getsockname()[1], end_s))

    monkeypatch.setattr(Respawn, "keep_answering", keep_answering)
    return heard


async def fails(respawn: Respawn | None, stop: StopSignal) -> int:
    """Serve until what the process can't do without has failed; return the port."""
    metrics = SimpleNamespace(
        connections=SimpleNamespace(ended=print), http=SimpleNamespace(shed=print)
    )
    running: Any = SimpleNamespace(
        application=PlainTextResponse("here"), metrics=metrics, readiness=Readiness()
    )
    failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
    settings = load_settings({"SHUTDOWN_TIMEOUT_SECONDS": "7"})
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        listening.listen()
        may_fail = MayFail(failed, respawn)
        serving = asyncio.create_task(
            serve_until_ended(running, settings, listening, stop, [], may_fail)
        )
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        failed.set_result(OSError("gone"))
        async with asyncio.timeout(10):
            await serving
    return port


async def test_who_is_alone_at_an_address_is_stood_in_for(stood_in: Heard) -> None:
    port = await fails(Respawn(), StopSignal())
    assert stood_in == [(port, 7)]


async def test_one_of_several_is_not(stood_in: Heard) -> None:
    """A balancer goes to another one when a connection is refused, and hands a 503 on."""
    await fails(None, StopSignal())
    assert stood_in == []


async def test_nobody_stands_in_for_what_an_operator_ended(stood_in: Heard) -> None:
    stop = StopSignal()
    stop.is_set = True
    await fails(Respawn(), stop)
    assert stood_in == []
