"""Other people's applications under uvicorn, set up as Probity sets it up."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import uvicorn


class Json:
    """The encoder that ours has, for python-socketio."""

    @staticmethod
    def dumps(value: object, **_options: object) -> str:
        """Encode."""
        return msgspec.json.encode(value).decode()

    @staticmethod
    def loads(text: str, **_options: object) -> object:
        """Decode."""
        return msgspec.json.decode(text)


@contextlib.asynccontextmanager
async def serving(app: Any, port: int, protocol: Any) -> AsyncIterator[None]:  # noqa: ANN401 - uvicorn's own types
    """Serve an application on a port of this machine, its sockets by that WebSocket protocol."""
    config = uvicorn.Config(
        app,
        port=port,
        ws=protocol,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        server.should_exit = True
        await task
