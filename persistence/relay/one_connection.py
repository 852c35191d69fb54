"""A client of Redis for one task: the library's, on one connection that it keeps.

Laws: what a command costs beside Redis is most of what sending it costs, so nothing is borrowed
from a pool, tried again or measured for each command; all that goes over the wire is the library's
own. One command is under way at a time; a second one is refused with one of `FAILURES`. A reply
that doesn't come in time closes the connection, and so does whatever else ends a wait: no reply is
ever taken for another command's. A connection that the server has closed meanwhile is made anew
before anything is sent over it.
"""

import asyncio
import math
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.connection import Connection
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import MaxConnectionsError, ResponseError
from redis.exceptions import TimeoutError as ReplyLate

_MESSAGE = b"message"


class OneConnection(Redis):
    """A `Redis` of one task at a time; `pipeline` isn't for it, `publish_all` is."""

    _is_busy = False

    async def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        """Send a command and return what became of it; see `Redis.execute_command`."""
        reply = (await self._replies([args]))[0]
        if isinstance(reply, ResponseError):
            raise reply
        options.pop("keys", None)  # of the library's cache
        if args[0] in self.response_callbacks:
            return self.response_callbacks[args[0]](reply, **options)
        return reply

    async def publish_all(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Publish (channel, message)s, in one message to Redis; raises the first refusal."""
        for reply in await self._replies([("PUBLISH", *message) for message in messages]):
            if isinstance(reply, ResponseError):
                raise reply

    def pubsub(self, **options: Any) -> "Subscription":  # noqa: ANN401
        """Return a subscription, with the one connection."""
        return Subscription(self.connection_pool, **options)

    async def _replies(self, commands: Sequence[tuple[Any, ...]]) -> list[object]:
        if self._is_busy:
            raise MaxConnectionsError("a command is under way on the connection")
        self._is_busy = True
        where = self.connection_pool.connection_kwargs
        try:
            async with asyncio.timeout(where["socket_timeout"]):
                connection = await self._connected()
                packed = connection.pack_commands(commands)
                await connection.send_packed_command(packed, check_health=False)
                return [await _reply(connection) for _ in commands]
        except TimeoutError:
            place = where.get("path") or f"{where.get('host')}:{where.get('port')}"
            raise ReplyLate(f"no reply in time from {place}") from None
        finally:
            self._is_busy = False

    async def _connected(self) -> Connection:
        """Return the connection; one that isn't used by anybody has nothing to say but its end."""
        connection = self.connection
        if connection is None:
            pool: Any = self.connection_pool
            connection = self.connection = await pool.get_connection()
            # The library's way to bound a write makes a task of each; here all has one end.
            connection.socket_timeout = None
        elif not connection.is_connected:
            await connection.connect()  # type: ignore[no-untyped-call]
        elif await connection.can_read():
            await connection.disconnect(nowait=True)
            await connection.connect()  # type: ignore[no-untyped-call]
        return connection


class Subscription(PubSub):
    """A `PubSub` that says when its connection has ended, instead of going on with another one."""

    async def get_message(
        self,
        ignore_subscribe_messages: bool = False,
        timeout: float | None = 0.0,  # noqa: ASYNC109 - the library's
    ) -> dict[str, Any] | None:
        """Return the next message; None if none came in time. See `PubSub.get_message`."""
        connection: Any = self.connection
        if connection is None or not connection.is_connected:
            raise Disconnected("the subscription's connection has ended")
        found = await connection.read_response(
            timeout=math.inf if timeout is None else timeout,
            disconnect_on_error=False,
            push_request=True,
        )
        if found is None:
            return None
        if found[0] == _MESSAGE:
            return {"type": "message", "pattern": None, "channel": found[1], "data": found[2]}
        handled: dict[str, Any] | None = await self.handle_message(  # type: ignore[no-untyped-call]
            found, ignore_subscribe_messages
        )
        return handled


async def _reply(connection: Connection) -> object:
    """Return a reply, or the refusal that it is."""
    try:
        return await connection.read_response(timeout=math.inf)
    except ResponseError as error:
        return error
