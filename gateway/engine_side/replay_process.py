"""The process that replays: takes one call after the other from its parent, and gives the results.

    stdin    frames: the module path first, then (function, arguments) of each call
    stdout   frames: (it returned, what it returned or raised)

Laws: it gives way to everybody, leaves Ctrl-C to its parent, and ends when that is gone: then its
stdin ends. A frame is eight bytes of length and a pickle; only the parent holds the other ends.
"""

import os
import pickle
import signal
import sys
from typing import BinaryIO, Final

_NICE: Final = 5
_LENGTH: Final = 8


def write_frame(stream: BinaryIO, body: bytes) -> None:
    """Write one frame; raises OSError if nobody reads."""
    stream.write(len(body).to_bytes(_LENGTH, "big"))
    stream.write(body)
    stream.flush()


def read_frame(stream: BinaryIO) -> bytes:
    """Read one frame; raises EOFError where the stream ends."""
    length = int.from_bytes(_exactly(stream, _LENGTH), "big")
    return _exactly(stream, length)


def _exactly(stream: BinaryIO, count: int) -> bytes:
    found = stream.read(count)
    if len(found) < count:
        raise EOFError
    return found


def answer(question: bytes) -> bytes:
    """Do what is asked and return the answer's frame."""
    try:
        function, arguments = pickle.loads(question)  # noqa: S301 - the parent's own words
        return pickle.dumps((True, function(*arguments)))
    except Exception as error:  # noqa: BLE001 - it is the caller's to deal with
        return pickle.dumps((False, error))


def main() -> None:
    """Serve until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICE)
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # What a function prints is no answer.
    os.dup2(2, 1)
    try:
        sys.path[:] = pickle.loads(read_frame(questions))  # noqa: S301 - the parent's own words
        while True:
            write_frame(answers, answer(read_frame(questions)))
    except (EOFError, OSError):
        return


if __name__ == "__main__":
    main()
