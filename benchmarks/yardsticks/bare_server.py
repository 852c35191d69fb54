"""Servers without an exchange: `python -m benchmarks.yardsticks.bare_server PORT post|echo FILE`.

    post    a Starlette application that parses the JSON of an order and answers 201
    echo    python-socketio's ASGI application, an event with an ack, over WebSocket

FILE holds the answer as JSON, taken from Probity in the same run: it is encoded anew for each order
(with the encoder that ours has), so that what is parsed, made and sent is as much as in ours. There
is no sign-in, no order book and no database.
"""

import asyncio
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import msgspec
import socketio
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.yardsticks.serving import Json, serving
from tests.server_process import free_port

_START_S: Final = 20.0


class BareServer(NamedTuple):
    """A server that runs."""

    url: str
    port: int
    pid: int


@contextlib.contextmanager
def bare_server(kind: str, answer: bytes) -> Iterator[BareServer]:
    """Run one of the two in a process of its own; `answer` is what it answers, as JSON.

    Raises:
        RuntimeError: it doesn't come up.
    """
    port = free_port()
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(answer)
        file.flush()
        module = "benchmarks.yardsticks.bare_server"
        command = [sys.executable, "-m", module, str(port), kind, file.name]
        with subprocess.Popen(command) as process:
            server = BareServer(f"http://127.0.0.1:{port}", port, process.pid)
            try:
                _wait_for(server)
                yield server
            finally:
                process.terminate()


def _wait_for(server: BareServer) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(server.url)
            return
        time.sleep(0.05)
    raise RuntimeError("the bare server doesn't come up")


def post_app(answer: object) -> Starlette:
    """Return the application that answers a POST of an order."""

    async def place(request: Request) -> Response:
        order = msgspec.json.decode(await request.body())
        if "price" not in order:
            return Response(status_code=400)
        return Response(msgspec.json.encode(answer), 201, media_type="application/json")

    return Starlette(routes=[Route("/api/v1/orders/{slug}", place, methods=["POST"])])


def echo_app(answer: object) -> Any:  # noqa: ANN401 - python-socketio has no types
    """Return the application that acknowledges an order's event."""
    server = socketio.AsyncServer(async_mode="asgi", json=Json, transports=["websocket"])

    async def place(_sid: str, _order: object) -> object:
        return answer

    server.on("order:place", place)
    return socketio.ASGIApp(server, socketio_path="ws")


async def _serve(port: int, kind: str, answer: object) -> None:
    app = post_app(answer) if kind == "post" else echo_app(answer)
    async with serving(app, port, "websockets-sansio"):
        await asyncio.Event().wait()


if __name__ == "__main__":
    _port, _kind, _file = sys.argv[1:]
    uvloop.run(_serve(int(_port), _kind, msgspec.json.decode(Path(_file).read_bytes())))
