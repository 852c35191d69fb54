"""Which part of the process serves a request: by the first segment of its path.

/api/v1/...  and  /api/...   the API, the same routes under both
a mounted name               what is mounted there, e.g. sockets at /ws
anything else                the pages and system routes at the root
"""

from collections.abc import Mapping
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

API: Final = "/api"
API_V1: Final = "/api/v1"


class FrontDoor:
    """Hands each scope to the application of its path."""

    def __init__(self, api: ASGIApp, root: ASGIApp, mounts: Mapping[str, ASGIApp]) -> None:
        self._api = api
        self._root = root
        self._mounts = dict(mounts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP or WebSocket scope."""
        path: str = scope["path"]
        if scope["type"] == "http" and path.startswith("/api/"):
            scope["root_path"] = API_V1 if path.startswith("/api/v1/") else API
            await self._api(scope, receive, send)
            return
        mounted = self._mounts.get(path[1:].partition("/")[0])
        if mounted is not None:
            await mounted(scope, receive, send)
        elif scope["type"] == "http":
            scope["root_path"] = ""
            await self._root(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})
