"""The market channel's socket: watched markets, their events, and what to do when it falls silent.

Laws: both tokens of a market are subscribed, since trades are told by token; on each new connection
all are, in messages of a bounded number. A book that doesn't come is asked for again, a few times,
then given up until the next connection: a market that is gone must not end the connection of all
others. A connection on which nothing at all comes, while books or news are due, is frozen (the
venue's known fault: it stays open, answers pings and says nothing) and is left.
"""

from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from typing import Final

import msgspec

from gateway.feeds.model import Unrepresentable, VenueMarket
from gateway.feeds.polymarket.frames import MarketChannel
from gateway.feeds.polymarket.markets import PLATFORM
from gateway.feeds.upstream.reconnecting import Closed, Opened, Reconnecting, SocketBounds
from gateway.feeds.venue import Condition, Lost, StreamEvent, VenueRefused
from gateway.jobs.supervisor import Clock, LoopClock
from gateway.observability.logs import Logger
from gateway.observability.metrics import Metrics

MARKETS_MAX: Final = 500
"""On one connection."""
TOKENS_A_MESSAGE: Final = 200
BOOK_TRIES: Final = 3
RESYNC_S: Final = 1.0
"""A token's book is asked for anew at most so often."""
_TOO_MANY: Final = 429


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long what is due may be awaited, in seconds."""

    book_s: float = 15.0
    """From a subscription to the token's book."""
    quiet_s: float = 180.0
    """Between two messages of any kind while something is watched."""


class _Wait(msgspec.Struct):
    """A token whose book was asked for."""

    since: float
    tries: int = 1


class MarketSocket:
    """One connection to the market channel; reconnects by itself while its events are read."""

    def __init__(
        self,
        url: str,
        metrics: Metrics,
        logger: Logger,
        *,
        bounds: SocketBounds | None = None,
        patience: Patience | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Open nothing yet."""
        self._clock = clock or LoopClock()
        self._patience = patience or Patience()
        self._channel = MarketChannel()
        self._markets: dict[str, VenueMarket] = {}
        self._waits: dict[str, _Wait] = {}
        self._asked: dict[str, float] = {}
        self._connection_is_new = True
        self.is_open = True
        """Whether somebody reads its events, or will."""
        self._socket = Reconnecting(
            PLATFORM,
            url,
            metrics.upstream,
            logger,
            overdue=self._overdue,
            ping="PING",
            pong="PONG",
            bounds=bounds,
            clock=clock,
        )

    async def events(self) -> AsyncGenerator[StreamEvent, None]:
        """Yield what happens to the watched markets until cancelled."""
        try:
            async with aclosing(self._socket.heard()) as heard:
                async for told in heard:
                    match told:
                        case Opened():
                            self._connection_is_new = True
                            await self._subscribe(list(self._markets))
                        case Closed(reason=reason):
                            self._waits.clear()
                            if lost := self._channel.disconnected():
                                yield Lost(lost, reason)
                        case str():
                            for event in self._channel.read(told):
                                yield event
                            await self._ask_again()
        finally:
            self.is_open = False

    async def watch(self, markets: Collection[VenueMarket]) -> None:
        """Watch these too; of each a `BookSnapshot` comes first.

        Raises VenueRefused beyond what one connection watches, Unrepresentable for a market
        without tokens; then none of them is watched.
        """
        new = {one.external_id: one for one in markets if one.external_id not in self._markets}
        if len(self._markets) + len(new) > MARKETS_MAX:
            raise VenueRefused(PLATFORM, _TOO_MANY, f"{MARKETS_MAX} markets on one connection")
        for market in new.values():
            if not market.stream_keys:
                raise Unrepresentable("no_token", market.external_id)
        for external_id, market in new.items():
            self._markets[external_id] = market
            self._channel.watch(market)
        await self._subscribe(list(new))

    async def unwatch(self, external_ids: Collection[str]) -> None:
        """Watch these no longer."""
        left = [self._markets.pop(one) for one in external_ids if one in self._markets]
        tokens = [token for market in left for token in market.stream_keys]
        self._channel.unwatch(tokens)
        for token in tokens:
            self._waits.pop(token, None)
            self._asked.pop(token, None)
        await self._send("unsubscribe", tokens)

    def condition(self) -> Condition:
        """Return how things stand with this connection."""
        shown = self._socket.condition()
        return msgspec.structs.replace(shown, counts={**shown.counts, **self._channel.counts})

    async def _subscribe(self, external_ids: Sequence[str]) -> None:
        markets = [self._markets[one] for one in external_ids]
        now = self._clock.monotonic()
        tokens = [token for market in markets for token in market.stream_keys]
        if await self._send("subscribe", tokens):
            for market in markets:
                self._waits[market.stream_keys[0]] = _Wait(now)

    async def _send(self, operation: str, tokens: Sequence[str]) -> bool:
        """Send an operation on these tokens; the first message of a connection has its own form,
        and is sent without tokens too, for news of new markets.
        """
        starts = range(0, len(tokens) or int(self._connection_is_new), TOKENS_A_MESSAGE)
        texts = []
        for at in starts:
            is_first = self._connection_is_new and at == 0
            message = {
                "assets_ids": tokens[at : at + TOKENS_A_MESSAGE],
                **({"type": "market"} if is_first else {"operation": operation}),
                "custom_feature_enabled": True,
            }
            texts.append(msgspec.json.encode(message).decode("utf-8"))
        was_sent = await self._socket.send(texts)
        if was_sent:
            self._connection_is_new = False
        return was_sent

    async def _ask_again(self) -> None:
        """Ask for the books that were lost, and for those that are overdue."""
        unsynced = self._channel.unsynced
        for token in [one for one in self._waits if one not in unsynced]:
            del self._waits[token]
        if not unsynced:
            return
        now = self._clock.monotonic()
        due = []
        for token in unsynced:
            wait = self._waits.get(token)
            if wait is None and now - self._asked.get(token, -RESYNC_S) >= RESYNC_S:
                self._waits[token] = _Wait(now)
                due.append(token)
            elif wait is not None and self._is_late(wait) and wait.tries < BOOK_TRIES:
                wait.since, wait.tries = now, wait.tries + 1
                due.append(token)
        if due:
            self._asked.update(dict.fromkeys(due, now))
            # The venue sends a book for a subscription, and none for one that it has already.
            await self._send("unsubscribe", due)
            await self._send("subscribe", due)

    def _is_late(self, wait: _Wait) -> bool:
        return self._clock.monotonic() - wait.since > self._patience.book_s

    def _overdue(self, silent_s: float) -> str | None:
        if not self._markets:
            return None
        waiting = [one for one in self._waits.values() if one.tries < BOOK_TRIES]
        if waiting and silent_s > self._patience.book_s and all(map(self._is_late, waiting)):
            return f"no book came for {len(waiting)} markets, nor anything else"
        if silent_s > self._patience.quiet_s:
            return f"nothing came for {silent_s:.0f} s"
        return None
