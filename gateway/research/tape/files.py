"""A tape as a file: one JSON object a line, `.gz` or not, read and written as a stream.

    {"kind":"listed","at":1767225600000000,"market":"rain","tick":100}
    {"kind":"book","at":1767225600000000,"market":"rain","bids":[[5400,10000]],"asks":[[5600,8000]]}
    {"kind":"trade","at":1767225601000000,"market":"rain","price":5600,"quantity":500,"side":"BUY"}
    {"kind":"ended","at":1767229200000000,"market":"rain","yes_payout":10000}

Laws: a file is foreign: a line has a bound, and so has what a gzip file grows to.
"""

import gzip
import itertools
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from gateway.research.tape.events import TapeEvent, TapeRefused, checked

LINE_MAX: Final = 65_536
"""Bytes of a line."""
BYTES_MAX: Final = 64 * 1024**3
"""Of all lines together, unpacked."""

_decode: Final = msgspec.json.Decoder(TapeEvent).decode
_encode: Final = msgspec.json.Encoder().encode


class TapeFile:
    """A tape in a file, and how far it has been read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._size = path.stat().st_size

    def events(self) -> Iterator[TapeEvent]:
        """Yield the events, held to the laws of a tape.

        Raises OSError, or TapeRefused, which names the line.
        """
        return checked(self._lines())

    def part(self) -> float:
        """Return how much of the file has been read, 0 to 1."""
        if self._file is None or self._file.closed:
            return 0.0
        return self._file.tell() / max(self._size, 1)

    def _lines(self) -> Iterator[TapeEvent]:
        left = BYTES_MAX
        name = self._path.name
        with self._path.open("rb") as raw:
            self._file = raw
            file = gzip.GzipFile(fileobj=raw) if self._path.suffix == ".gz" else raw
            for number in itertools.count(1):
                try:
                    line = file.readline(LINE_MAX + 1)
                except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                    raise TapeRefused(f"{name}, line {number}: {error}") from error
                if not line:
                    return
                left -= len(line)
                if len(line) > LINE_MAX or left < 0:
                    raise TapeRefused(f"{name}, line {number}: longer than what is read")
                if not line.strip():
                    continue
                try:
                    yield _decode(line)
                except msgspec.DecodeError as error:
                    raise TapeRefused(f"{name}, line {number}: {error}") from error


def read_tape(path: Path) -> Iterator[TapeEvent]:
    """Yield the events of a file; see `TapeFile.events`."""
    return TapeFile(path).events()


def write_tape(path: Path, tape: Iterable[TapeEvent]) -> int:
    """Write a tape and return how many events it has; raises OSError."""
    count = 0
    with gzip.open(path, "wb") if path.suffix == ".gz" else path.open("wb") as file:
        for event in tape:
            file.write(_encode(event) + b"\n")
            count += 1
    return count
