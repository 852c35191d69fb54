"""What goes from the engine to its gateways over Redis, and how Redis is reached.

    Rows   committed batches, as the journal has them
    Beat   once a second: where the engine stands

Laws: Redis is transport and never the truth, and whoever speaks through it is a stranger until his
seal says otherwise (`channel`). Nothing is kept in it, so nothing is lost with it: every row has
its place in a chain (sequence and hash) and stands in PostgreSQL, from where a gap is repaired.
Each message says when it was said, by the database's clock, so that a late one isn't taken for
news. No command is ever sent a second time, and each wait has an end; whoever waits in vain makes a
new connection.
"""

from typing import Annotated, Any, Final, cast
from urllib.parse import urlsplit

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from persistence.journal.rows import JournalRow
from persistence.relay.one_connection import OneConnection

BEAT_S: Final = 1.0
"""Between two beats of the engine."""
COMMAND_TIMEOUT_S: Final = 1.0
"""Bounds each wait for Redis; with a pause between tries a new connection is up within 2 s."""
RETRY_S: Final = 0.25
MESSAGE_BYTES: Final = 1 << 20
"""Rows go together up to this many bytes; a row alone may be larger."""

FAILURES: Final = (RedisError, OSError)
"""What a command raises while Redis is away, frozen, or refuses us."""


class Rows(msgspec.Struct, frozen=True, array_like=True, tag="rows"):
    """Committed batches, in order; one at least."""

    stream: str
    """Of the engine that speaks."""
    said_at: int
    """A moment of the database's clock; whatever was committed before it, `newest` covers."""
    newest: int
    """The last committed command; batches may still wait behind these."""
    rows: Annotated[list[JournalRow], msgspec.Meta(min_length=1)]


class Beat(msgspec.Struct, frozen=True, array_like=True, tag="beat"):
    """Where the engine stands: what was published or given up, and what is committed."""

    stream: str
    said_at: int
    newest: int
    last_seq: int
    """Of the last batch that was published or given up."""
    hash: bytes
    """Of that batch."""


BusMessage = Rows | Beat
encode: Final = msgspec.msgpack.Encoder().encode
decode: Final = msgspec.msgpack.Decoder(BusMessage).decode


def make_client(url: str) -> OneConnection:
    """Return a client of one task; a second command while one is under way raises one of
    `FAILURES`.
    """
    made = OneConnection.from_url(url, **_options(url), max_connections=1)
    return cast("OneConnection", made)


def make_shared_client(url: str, *, connections: int) -> Redis:
    """Return a client that finds so many connections busy before it raises one of `FAILURES`."""
    return Redis.from_url(url, **_options(url), max_connections=connections)


def _options(url: str) -> dict[str, Any]:
    """Return every default that matters (redis-py 8 changed some)."""
    # A local socket has no keep-alive, and redis-py no ear for the word there.
    of_a_network = {} if urlsplit(url).scheme == "unix" else {"socket_keepalive": True}
    return {
        **of_a_network,
        "socket_timeout": COMMAND_TIMEOUT_S,
        "socket_connect_timeout": COMMAND_TIMEOUT_S,
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 0,
        "decode_responses": False,
        "protocol": 2,
        "driver_info": None,
    }


async def server_version(url: str) -> tuple[int, ...]:
    """Return the version of the server, e.g. (7, 0, 15); raises one of `FAILURES`."""
    client = make_client(url)
    try:
        about = await client.info("server")
    finally:
        await client.aclose()
    return tuple(int(part) for part in str(about["redis_version"]).split(".") if part.isdigit())


class BusObserver:
    """A reader of how the transport is doing; this one looks away."""

    def connected(self, is_connected: bool, reason: str) -> None:
        """Note that Redis answers, or why it doesn't; called on every change."""

    def engine_heard(self, is_heard: bool) -> None:
        """Note whether an engine speaks on the channel of a Redis that answers; on every change."""

    def garbled(self) -> None:
        """Note a message that no engine of ours has sealed; it was ignored."""

    def published(self, rows: int) -> None:
        """Note batches that Redis has taken."""

    def dropped(self, rows: int) -> None:
        """Note batches that were given up: gateways read them from the journal."""


def reason_of(error: BaseException) -> str:
    """Return what went wrong in one line without a URL, which may hold a password."""
    return f"{type(error).__name__}: {error}".split("\n", 1)[0]
