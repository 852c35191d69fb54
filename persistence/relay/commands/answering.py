"""Answers on their way to the senders.

Laws: telling costs an append and never raises; one task owns the connection. What Redis doesn't
take is dropped, all that waits at once: its senders call it unknown when its time is over, and a
client that asks again under its own id hears what became of it.
"""

import asyncio
import contextlib
import logging
import math
from collections import deque
from collections.abc import Callable
from typing import Final

from persistence.relay.channel import Sealed
from persistence.relay.commands.messages import Answers, Outcome
from persistence.relay.commands.observer import CommandsObserver
from persistence.relay.messages import COMMAND_TIMEOUT_S, FAILURES, RETRY_S, make_client
from persistence.relay.one_connection import OneConnection
from persistence.relay.publisher import SAID_S

_LOG: Final = logging.getLogger(__name__)

UNTOLD_MOST: Final = 20_000
"""At most so many answers wait for Redis."""
_TOGETHER: Final = 256
"""Answers of one round; of one sender they are one message."""
_CHANNELS: Final = 256
"""Senders whose channel is kept ready; more are made ready again."""


class Answering:
    """Tells senders, until `stop`."""

    def __init__(
        self,
        url: str,
        channel_of: Callable[[bytes], Sealed[Answers]],
        observer: CommandsObserver | None = None,
    ) -> None:
        """Publish where `channel_of` says for a sender."""
        self._url = url
        self._channel_of = channel_of
        self._channels: dict[bytes, Sealed[Answers]] = {}
        self._observer = observer or CommandsObserver()
        self._untold: deque[tuple[bytes, Outcome]] = deque()
        self._said_at = -math.inf
        self._news = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    def tell(self, sender: bytes, outcome: Outcome) -> None:
        """Queue what a sender is to hear."""
        self._untold.append((sender, outcome))
        if len(self._untold) > UNTOLD_MOST:
            self._drop()
        self._news.set()

    def start(self) -> None:
        """Begin to tell."""
        self._task = asyncio.create_task(self._run(), name="command answers")

    async def stop(self) -> None:
        """Tell what waits, if Redis takes it at once, and end."""
        self._closing = True
        self._news.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while self._untold or not self._closing:
            try:
                await self._connect_and_tell()
            except FAILURES:
                self._drop()
            except Exception as error:  # noqa: BLE001 - else nobody would ever hear anything again
                self._say_fault(error)
                self._drop()
            if not self._closing:
                await asyncio.sleep(RETRY_S)

    def _say_fault(self, error: Exception) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._said_at >= SAID_S:
            self._said_at = now
            _LOG.error("answering commands failed, it is begun again", exc_info=error)

    async def _connect_and_tell(self) -> None:
        client = make_client(self._url)
        try:
            await client.ping()
            while self._untold or not self._closing:
                await self._wait_or_ask(client)
                self._news.clear()
                while self._untold:
                    await self._round(client)
        finally:
            await client.aclose()

    async def _wait_or_ask(self, client: OneConnection) -> None:
        """Wait for something to tell; ask Redis for a sign of life if nothing comes, so that a
        connection which was lost in silence costs nobody an answer; what comes while it is asked
        goes over a new one.
        """
        try:
            async with asyncio.timeout(COMMAND_TIMEOUT_S):
                await self._news.wait()
        except TimeoutError:
            # Nothing was handed over that could be lost, and a failure has closed the connection.
            with contextlib.suppress(*FAILURES):
                await client.ping()

    async def _round(self, client: OneConnection) -> None:
        """Tell some, in one message to Redis."""
        told: dict[bytes, list[Outcome]] = {}
        for _ in range(min(_TOGETHER, len(self._untold))):
            sender, outcome = self._untold.popleft()
            told.setdefault(sender, []).append(outcome)
        messages: list[tuple[str, bytes]] = []
        try:
            for sender, outcomes in told.items():
                channel = self._channel(sender)
                messages.append((channel.name, channel.seal(Answers(outcomes))))
            await client.publish_all(messages)
        except BaseException:
            self._observer.untold(sum(map(len, told.values())))
            raise

    def _channel(self, sender: bytes) -> Sealed[Answers]:
        found = self._channels.get(sender)
        if found is None:
            if len(self._channels) >= _CHANNELS:
                self._channels.clear()
            found = self._channels[sender] = self._channel_of(sender)
        return found

    def _drop(self) -> None:
        if self._untold:
            self._observer.untold(len(self._untold))
            self._untold.clear()
