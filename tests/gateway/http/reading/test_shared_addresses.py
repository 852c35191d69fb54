"""An address that several processes serve: one of them begins once it is ready."""

import asyncio
import socket

import pytest

from gateway.bootstrap import server as module
from gateway.bootstrap.server import Server, bind, make_server
from tests.gateway.conftest import MakeWeb
from tests.gateway.waiting import eventually


async def _answers(shared: socket.socket) -> bool:
    """Ask at an address whether anybody is there."""
    try:
        reader, writer = await asyncio.open_connection(*shared.getsockname())
    except ConnectionRefusedError:
        return False
    writer.write(b"GET /health HTTP/1.1\r\nhost: exchange\r\nconnection: close\r\n\r\n")
    said = await reader.read()
    writer.close()
    return b" 200 " in said


async def test_who_shares_an_address_serves_it_once_it_is_ready(make_web: MakeWeb) -> None:
    web = await make_web(PORT=0)
    asked = 0
    is_ready = asyncio.Event()

    def ready() -> bool:
        nonlocal asked
        asked += 1
        return is_ready.is_set()

    with bind(web.settings) as own, bind(web.settings) as shared:
        server = make_server(web.application, web.settings, web.readiness, [], lambda _: None)
        async with server.serving_also([shared], ready):
            serving = asyncio.create_task(server.serve([own]))
            await eventually(lambda: asked > 1)
            assert await _answers(own)
            assert not await _answers(shared)
            is_ready.set()
            await eventually(lambda: len(server.servers) == 2)
            assert await _answers(shared)
            server.end()
            await serving


async def test_an_outage_keeps_nobody_from_it(
    make_web: MakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.1)
    web = await make_web(PORT=0)
    with bind(web.settings) as own, bind(web.settings) as shared:
        server = make_server(web.application, web.settings, web.readiness, [], lambda _: None)
        async with server.serving_also([shared], lambda: False):
            serving = asyncio.create_task(server.serve([own]))
            await eventually(lambda: len(getattr(server, "servers", ())) == 2)
            assert await _answers(shared)
            server.end()
            await serving


async def test_an_address_that_cannot_be_served_ends_the_process(make_web: MakeWeb) -> None:
    web = await make_web(PORT=0)
    with bind(web.settings) as own:
        server: Server = make_server(
            web.application, web.settings, web.readiness, [], lambda _: None
        )
        gone = socket.socket()
        gone.close()
        with pytest.raises(OSError, match="descriptor"):
            async with server.serving_also([gone], lambda: True):
                await server.serve([own])
