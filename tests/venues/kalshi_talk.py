"""A client of Kalshi's socket and the venue's side of it, talking without a wire."""

from collections.abc import Iterable
from typing import Any

from gateway.feeds.books import LocalBook
from gateway.feeds.kalshi.socket.protocol import SocketProtocol
from gateway.feeds.venue import BookChange, BookSnapshot, Lost, StreamEvent
from tests.venues.kalshi_socket import KalshiSocket, Levels

A, B = "RAIN-26DEC01-NYC", "RAIN-26DEC01-BOS"


def books(*tickers: str) -> dict[str, dict[str, dict[int, int]]]:
    return {
        ticker: {"yes": {3_600: 200, 3_700: 836_800}, "no": {6_100: 7_950}}
        for ticker in tickers or (A, B)
    }


class Talk:
    """A client and a venue that talk without a wire; what is heard becomes a book again."""

    def __init__(self, venue: KalshiSocket | None = None) -> None:
        self.venue = venue or KalshiSocket(books())
        self.client = SocketProtocol()
        self.now = 1_000.0
        self.events: list[StreamEvent] = []
        self.mirror: dict[str, LocalBook] = {}

    def begin(self, *tickers: str) -> list[StreamEvent]:
        self.client.watch(tickers, self.now)
        self.client.connected(self.now)
        return self.settle()

    def settle(self, frames: Iterable[str] = ()) -> list[StreamEvent]:
        """Deliver these, and all that is said because of them; return what happened."""
        before = len(self.events)
        waiting = list(frames)
        while True:
            for frame in waiting:
                self.client.receive(frame, self.now)
            for event in self.client.take_events():
                self.events.append(event)
                self._mirror(event)
            waiting = [
                frame
                for command in self.client.take_commands()
                for frame in self.venue.hear(command)
            ]
            if not waiting:
                return self.events[before:]

    def wait(self, seconds: float) -> list[StreamEvent]:
        self.now += seconds
        self.client.look(self.now)
        return self.settle()

    def shown(self, ticker: str) -> tuple[Levels, Levels]:
        assert self.mirror[ticker].is_known
        return self.mirror[ticker].levels()

    def commands(self, cmd: str, channel: str = "") -> list[dict[str, Any]]:
        return [
            told
            for told in self.venue.heard
            if told["cmd"] == cmd and (not channel or told["params"]["channels"] == [channel])
        ]

    def _mirror(self, event: StreamEvent) -> None:
        match event:
            case BookSnapshot(book):
                assert self.mirror.setdefault(book.external_id, LocalBook()).take(event) is None
            case BookChange():
                assert self.mirror[event.external_id].take(event) is None
            case Lost(tickers):
                for ticker in tickers:
                    self.mirror[ticker].lose()
            case _:
                pass
