"""The streams of the simulated Redis: entries with ids that only grow, as long as it remembers.

Laws: an id is (milliseconds, number); `*` gives one behind the last, whatever the clock says; what
was copied can be put back, older than what was there, as a Redis does that starts with old data.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from tests.faults.simulation.virtual_loop import EPOCH_US

Id = tuple[int, int]
Fields = dict[bytes, bytes]
_BODY: Final = b"c"


class NoStream(Exception):
    """There is no such key."""


class _Stream:
    """Entries in order, the last id, and when it goes."""

    def __init__(self) -> None:
        self.entries: list[tuple[Id, Fields]] = []
        self.last: Id = (0, 0)
        self.ends: float | None = None

    def copy(self) -> "_Stream":
        """Return what it is now."""
        copy = _Stream()
        copy.entries, copy.last, copy.ends = list(self.entries), self.last, self.ends
        return copy


class Streams:
    """All of them, by key."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._streams: dict[str, _Stream] = {}
        self._came: dict[str, asyncio.Event] = {}

    def copy(self) -> "Streams":
        """Return what there is now."""
        copy = Streams(self._now)
        copy._streams = {key: stream.copy() for key, stream in self._streams.items()}
        return copy

    def become(self, other: "Streams") -> None:
        """Forget everything, and have what another has."""
        self._streams = other.copy()._streams

    def came(self, key: str) -> asyncio.Event:
        """Return what is set by the next entry."""
        event = self._came[key] = asyncio.Event()
        return event

    def add(self, key: str, fields: Fields, id_: str) -> bytes:
        """Add an entry under an id."""
        stream = self._streams.setdefault(key, _Stream()) if self._gone(key) else self._found(key)
        place = _id_of(id_)
        assert place > stream.last
        return self._append(key, stream, place, fields)

    def add_within(self, key: str, bound: int, bodies: Sequence[bytes]) -> list[bytes]:
        """Do what the writer's script does: nothing without a stream, no more than its bound."""
        if self._gone(key):
            return []
        stream, taken = self._streams[key], []
        for body in bodies:
            if len(stream.entries) >= bound:
                taken.append(b"")
                continue
            ms = (EPOCH_US + round(self._now() * 1_000_000)) // 1_000
            last_ms, last_number = stream.last
            place = (ms, 0) if ms > last_ms else (last_ms, last_number + 1)
            taken.append(self._append(key, stream, place, {_BODY: body}))
        return taken

    def behind(self, key: str, after: str, count: int) -> list[tuple[bytes, Fields]]:
        """Return entries behind an id."""
        if self._gone(key):
            return []
        place = _id_of(after)
        found = [entry for entry in self._streams[key].entries if entry[0] > place]
        return [(_text_of(id_), fields) for id_, fields in found[:count]]

    def last(self, key: str) -> bytes:
        """Return the last id that was given out; raises NoStream."""
        return _text_of(self._found(key).last)

    def trim(self, key: str, first: str) -> None:
        """Take out what lies before an id."""
        if not self._gone(key):
            stream, place = self._streams[key], _id_of(first)
            stream.entries = [entry for entry in stream.entries if entry[0] >= place]

    def expire(self, key: str, seconds: int) -> None:
        """Let it go after so long."""
        if not self._gone(key):
            self._streams[key].ends = self._now() + seconds

    def delete(self, key: str) -> None:
        """Take it away."""
        self._streams.pop(key, None)

    def _append(self, key: str, stream: _Stream, place: Id, fields: Fields) -> bytes:
        stream.entries.append((place, fields))
        stream.last = place
        if key in self._came:
            self._came.pop(key).set()
        return _text_of(place)

    def _found(self, key: str) -> _Stream:
        if self._gone(key):
            raise NoStream(key)
        return self._streams[key]

    def _gone(self, key: str) -> bool:
        stream = self._streams.get(key)
        if stream is not None and stream.ends is not None and stream.ends <= self._now():
            del self._streams[key]
            return True
        return stream is None


def _id_of(text: str) -> Id:
    ms, _, number = text.partition("-")
    return int(ms), int(number)


def _text_of(place: Id) -> bytes:
    return b"%d-%d" % place
