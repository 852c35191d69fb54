"""Comparing in a process of its own: a program that is given questions and gives candidates.

    python -m gateway.feeds.matches.compare  <questions (msgpack)  >candidates (msgpack)

Laws: whoever asks has begun the process and waits for its end; one that stops waiting kills it. It
inherits nothing but two pipes and the environment. It leads a session of its own, so that a
terminal's interrupt is left to who began it; if that one is gone, it ends by itself when it is
through, in bounded time (`likeness.py`).
"""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from typing import Final

import msgspec

from gateway.feeds.matches.likeness import Candidate, Question, find

_TOLD: Final = 2_000
"""Bytes of what a process that failed has said."""
_LEAST_SIDES: Final = 2

_encode: Final = msgspec.msgpack.Encoder().encode
_questions: Final = msgspec.msgpack.Decoder(list[Question]).decode
_candidates: Final = msgspec.msgpack.Decoder(list[Candidate]).decode


class ComparingFailed(Exception):
    """The process that compares ended without an answer; the message is the end of what it said."""


async def find_elsewhere(questions: Sequence[Question]) -> list[Candidate]:
    """Return the candidates among these questions, found by another process.

    Raises ComparingFailed if that ends without an answer, OSError if it can't be begun.
    """
    if len({question.ref.platform for question in questions}) < _LEAST_SIDES:
        return []
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", __name__),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        start_new_session=True,
    )
    try:
        found, said = await process.communicate(await asyncio.to_thread(_encode, questions))
    finally:
        if process.returncode is None:
            process.kill()
            # Not `wait`: while something unread lies in a pipe asyncio may wait for ever.
            await process.communicate()
    if process.returncode != 0:
        raise ComparingFailed(said[-_TOLD:].decode("utf-8", "replace").strip())
    return await asyncio.to_thread(_candidates, found)


def main() -> None:
    """Compare what comes, and end."""
    questions = _questions(sys.stdin.buffer.read())
    sys.stdout.buffer.write(_encode(find(questions)))


if __name__ == "__main__":
    main()
