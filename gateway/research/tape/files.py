"""A tape as a file: one JSON object a line, `.gz` or not, read and written as a stream.

    {"kind":"listed","at":1767225600000000,"market":"rain","tick":100}
    {"kind":"book","at":1767225600000000,"market":"rain","bids":[[5400,10000]],"asks":[[5600,8000]]}
    {"kind":"trade","at":1767225601000000,"market":"rain","price":5600,"quantity":500,"side":"BUY"}
    {"kind":"ended","at":1767229200000000,"market":"rain","yes_payout":10000}

Laws: a file is foreign: a line has a bound, and so has what a gzip file grows to.
"""

import gzip
from collections.abc import Iterable, Iterator
from contextlib import closing
from io import BufferedReader
from pathlib import Path
from typing import Final

import msgspec

from gateway.research.tape.events import TapeEvent, TapeRefused, checked

LINE_MAX: Final = 65_536
"""Bytes of a line."""
BYTES_MAX: Final = 64 * 1024**3
"""Of all lines together, unpacked."""

_decode: Final = msgspec.json.Decoder(TapeEvent).decode
_encode: Final = msgspec.json.Encoder().encode


def read_tape(path: Path) -> Iterator[TapeEvent]:
    """Yield the events of a file, held to the laws of a tape.

    Raises OSError, or TapeRefused, which names the line.
    """
    return checked(_lines(path))


def write_tape(path: Path, tape: Iterable[TapeEvent]) -> int:
    """Write a tape and return how many events it has; raises OSError."""
    count = 0
    with gzip.open(path, "wb") if path.suffix == ".gz" else path.open("wb") as file:
        for event in tape:
            file.write(_encode(event) + b"\n")
            count += 1
    return count


def _opened(path: Path) -> gzip.GzipFile | BufferedReader:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _lines(path: Path) -> Iterator[TapeEvent]:
    left = BYTES_MAX
    with closing(_opened(path)) as file:
        number = 0
        while True:
            number += 1
            try:
                line = file.readline(LINE_MAX + 1)
            except (EOFError, gzip.BadGzipFile) as error:
                raise TapeRefused(f"{path.name}, line {number}: {error}") from error
            if not line:
                return
            left -= len(line)
            if len(line) > LINE_MAX or left < 0:
                raise TapeRefused(f"{path.name}, line {number}: longer than what is read")
            if not line.strip():
                continue
            try:
                yield _decode(line)
            except msgspec.DecodeError as error:
                raise TapeRefused(f"{path.name}, line {number}: {error}") from error
