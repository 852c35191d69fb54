"""Kalshi's socket over loopback: signed, held open, and back after whatever ends or freezes it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.feeds.books import LocalBook
from gateway.feeds.kalshi.client import Kalshi
from gateway.feeds.kalshi.socket.protocol import QUIET_S
from gateway.feeds.kalshi.socket.stream import KalshiStream
from gateway.feeds.kalshi.socket.subscriptions import ANSWERED_S
from gateway.feeds.upstream.reconnecting import SocketBounds
from gateway.feeds.venue import BookChange, BookSnapshot, Lost, StreamEvent, VenueStream
from tests.gateway.waiting import eventually
from tests.venues.kalshi import KalshiStandIn
from tests.venues.kalshi_desk import Desk, market
from tests.venues.kalshi_socket import KalshiSocket

A, B = "RAIN-1-NYC", "RAIN-1-BOS"
BOUNDS = SocketBounds(
    open_s=1.0, ping_s=0.1, silent_s=0.4, close_s=0.1, first_pause_s=0.02, longest_pause_s=0.1,
    flood_per_s=500,
)  # fmt: skip


class Reader:
    """Reads a stream in a task of its own and keeps the books."""

    def __init__(self, stream: KalshiStream) -> None:
        self.stream = stream
        self.events: list[StreamEvent] = []
        self.books = {A: LocalBook(), B: LocalBook()}
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for event in self.stream.events():
            self.events.append(event)
            match event:
                case BookSnapshot(book):
                    self.books[book.external_id].take(event)
                case BookChange():
                    self.books[event.external_id].take(event)
                case Lost(tickers):
                    for ticker in tickers:
                        self.books[ticker].lose()
                case _:
                    pass

    def lost(self) -> list[str]:
        return [event.reason for event in self.events if isinstance(event, Lost)]


class Watch(Desk):
    """A stand-in with two books, and a stream that is read."""

    reader: Reader

    def is_right(self, *tickers: str) -> bool:
        return all(
            self.reader.books[ticker].is_known
            and self.reader.books[ticker].levels() == self.venue.talk.shown(ticker)
            for ticker in tickers or (A, B)
        )

    async def change(self, ticker: str = A, side: str = "yes", price: int = 3_500) -> None:
        await self.venue.say(self.venue.talk.change(ticker, side, price, 100))

    async def end(self) -> None:
        self.reader.task.cancel()
        await asyncio.gather(self.reader.task, return_exceptions=True)
        await self.client.close()


@asynccontextmanager
async def watching(*tickers: str, **way_in: bool) -> AsyncIterator[Watch]:
    books = {
        ticker: {"yes": {3_600: 200, 3_700: 836_800}, "no": {6_100: 7_950}} for ticker in (A, B)
    }
    async with KalshiStandIn(talk=KalshiSocket(books)).running() as venue:
        watch = Watch(venue, **(way_in or {"key": True}))
        watch.client = Kalshi(
            venue.settings(**(way_in or {"key": True})), watch.metrics, watch.logger,
            socket_bounds=BOUNDS, clock=watch.clock,
        )  # fmt: skip
        stream = watch.client.stream()
        assert stream is not None
        watch.reader = Reader(stream)
        try:
            await stream.watch([market(ticker) for ticker in tickers or (A, B)])
            yield watch
        finally:
            await watch.end()


async def test_a_signed_stream_brings_books_and_their_changes() -> None:
    async with watching() as watch:
        stream: VenueStream = watch.reader.stream
        await eventually(watch.is_right)
        for number in range(20):
            await watch.change(A if number % 2 else B, price=3_000 + 10 * number)
        await eventually(lambda: len(watch.reader.events) == 22)
        assert watch.is_right()
        [handshake] = watch.venue.socket.handshakes
        assert handshake["kalshi-access-key"]
        names = [condition.name for condition in watch.client.conditions()]
        assert names == ["127.0.0.1", "127.0.0.1 (socket)"]
        assert watch.client.conditions()[1].counts["orderbook_delta"] == 20
        await stream.unwatch([B])
        await eventually(lambda: watch.venue.talk.subscriptions[1].tickers == {A})
        await watch.change(A)
        await eventually(lambda: watch.is_right(A))


async def test_whoever_bears_a_token_is_let_in_too() -> None:
    async with watching(account=True) as watch:
        await eventually(watch.is_right)
        [handshake] = watch.venue.socket.handshakes
        assert handshake["authorization"] == "Bearer token-1"
        watch.venue.expire()
        watch.venue.socket.drop()
        # The old token is refused at the door; a new login opens it.
        await eventually(lambda: watch.venue.socket.opened == 2)
        await eventually(watch.is_right)
        assert watch.venue.logins == 2
        assert watch.reader.lost() == ["disconnected"]


async def test_a_stale_signature_is_made_anew_by_the_venues_clock() -> None:
    async with watching() as watch:
        await eventually(watch.is_right)
        watch.venue.rest.clock_ahead_s = 600.0
        watch.venue.socket.drop()
        await eventually(lambda: len(watch.venue.socket.handshakes) >= 3)
        assert watch.venue.socket.opened == 1
        # Any answer over HTTP tells the time there.
        await watch.client.some_markets(["RAIN-1-NYC"])
        await eventually(watch.is_right)
        assert watch.venue.socket.opened == 2


async def test_it_comes_back_after_each_drop_and_says_what_was_missed() -> None:
    async with watching() as watch:
        for times in range(1, 4):
            await eventually(watch.is_right)
            assert watch.venue.socket.opened == times
            watch.venue.talk.change(A, "yes", 3_000 + 100 * times, 100)
            watch.venue.socket.drop()
            await eventually(lambda: len(watch.reader.lost()) == times)  # noqa: B023
        await eventually(watch.is_right)
        assert watch.reader.lost() == ["disconnected"] * 3


async def test_a_lost_frame_is_noticed_and_made_good_on_the_same_connection() -> None:
    async with watching() as watch:
        await eventually(watch.is_right)
        watch.venue.talk.change(A, "yes", 3_500, 100)
        await watch.change(B)
        await eventually(lambda: watch.reader.lost() == ["gap"])
        await eventually(watch.is_right)
        assert watch.venue.socket.opened == 1


async def test_a_socket_that_is_open_and_silent_is_left() -> None:
    async with watching() as watch:
        await eventually(watch.is_right)
        watch.venue.talk.is_mute = True
        watch.clock.skipped += QUIET_S + 1
        probes = watch.venue.talk.heard
        await eventually(lambda: probes[-1]["cmd"] == "list_subscriptions")
        watch.venue.talk.is_mute = False
        watch.clock.skipped += ANSWERED_S + 1
        await eventually(lambda: watch.venue.socket.opened == 2)
        await eventually(watch.is_right)
        condition = watch.client.conditions()[1]
        assert condition.counts["frozen"] == 1
        assert condition.last_error == "frozen: open, and silent"


async def test_a_flood_ends_the_connection_and_the_next_one_serves() -> None:
    async with watching() as watch:
        await eventually(watch.is_right)
        for _ in range(3 * BOUNDS.flood_per_s):
            watch.venue.talk.change(A, "yes", 3_500, 100)
        frames = [frame for _ in range(1_000) for frame in watch.venue.talk.snapshots()]
        await watch.venue.say(frames)
        await eventually(lambda: watch.venue.socket.opened >= 2)
        await eventually(watch.is_right)
        assert watch.client.conditions()[1].counts["flood"] >= 1


async def test_markets_watched_before_there_is_a_connection_come_with_it() -> None:
    async with watching(A) as watch:
        await eventually(lambda: watch.is_right(A))
        watch.venue.socket.drop()
        await watch.reader.stream.watch([market(B)])
        await eventually(watch.is_right)


async def test_a_stream_that_nobody_reads_any_more_is_no_condition() -> None:
    async with watching() as watch:
        await eventually(watch.is_right)
        watch.reader.task.cancel()
        await asyncio.gather(watch.reader.task, return_exceptions=True)
        assert len(watch.client.conditions()) == 1
        await eventually(lambda: not watch.venue.socket.live)
