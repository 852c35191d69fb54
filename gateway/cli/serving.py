"""A process serves until it is told to end, or what it can't do without has failed."""

import asyncio
import socket
from collections.abc import Callable
from typing import NamedTuple

from gateway.bootstrap.compose import Served
from gateway.bootstrap.server import Drain, StopSignal, make_server
from gateway.bootstrap.settings import Settings
from gateway.cli.inherited import shared_sockets
from gateway.cli.respawn import Respawn


class MayFail(NamedTuple):
    """Something that a process can't do without, and what comes behind its end."""

    failed: asyncio.Future[BaseException]
    respawn: Respawn | None
    """Which lets a stand-in answer; None where others serve the same, to whom a balancer turns by
    itself when a connection is refused, and not from a 503."""


async def serve_until_ended(
    running: Served,
    settings: Settings,
    listening: socket.socket,
    stop: StopSignal,
    drains: list[Drain],
    may_fail: MayFail | None = None,
    is_ready: Callable[[], bool] = lambda: True,
) -> None:
    """Serve until a signal comes, or what may fail has; then a stand-in answers from here on."""
    ended, shed = running.metrics.connections.ended, running.metrics.http.shed
    server = make_server(running.application, settings, running.readiness, drains, ended, shed)
    stop.ends(server)

    def end(respawn: Respawn | None) -> None:
        if respawn is not None and not stop.is_set:
            respawn.keep_answering(listening, settings.listen.shutdown_timeout_seconds)
        server.end()

    if may_fail is not None:
        may_fail.failed.add_done_callback(lambda _: end(may_fail.respawn))
    async with server.serving_also(shared_sockets(), is_ready):
        await server.serve([listening])
