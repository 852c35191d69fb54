"""A venue in memory with a stream: it says what a test has it say."""

import asyncio
from collections.abc import AsyncGenerator, Collection
from typing import Any

from gateway.feeds.model import VenueMarket
from gateway.feeds.venue import StreamEvent
from tests.gateway.feeds.fake_venue import FakeVenue


class StreamingVenue(FakeVenue):
    """One connection at a time."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.watched: set[str] = set()
        self.is_open = False
        self.said: asyncio.Queue[StreamEvent] = asyncio.Queue()

    def say(self, *events: StreamEvent) -> None:
        for event in events:
            self.said.put_nowait(event)

    @property
    def is_read(self) -> bool:
        return self.said.empty()

    def stream(self) -> "FakeStream":
        self.watched.clear()
        return FakeStream(self)


class FakeStream:
    """The connection."""

    def __init__(self, venue: StreamingVenue) -> None:
        self._venue = venue

    async def events(self) -> AsyncGenerator[StreamEvent, None]:
        self._venue.is_open = True
        try:
            while True:
                yield await self._venue.said.get()
        finally:
            self._venue.is_open = False

    async def watch(self, markets: Collection[VenueMarket]) -> None:
        self._venue.watched |= {market.external_id for market in markets}

    async def unwatch(self, external_ids: Collection[str]) -> None:
        self._venue.watched -= set(external_ids)
