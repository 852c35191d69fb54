"""Who answers on the port of a process while the one that follows it starts: a small process.

    engine stops ──> the stand-in: 503 ──> everything is closed ──> exec, imports ──> `waiting.py`

Laws: it listens on the very socket that both processes have, so nobody is refused between them; it
knows the two answers that it was given and nothing else, and imports the standard library alone, so
that it is there within a moment; it ends when its standard input does, which the process that
follows closes once it answers itself, and the system if there is none, or when that is overdue:
a process that can't come to its end has to look dead to whoever watches over it. What a stranger
may send, for how long, and how many of them at once, is bounded, and further ones wait to be
accepted; who was accepted is answered.
"""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Final, NamedTuple

LEFT: Final = "PROBITY_STAND_IN"
"""How what is below reaches the process that follows; no setting."""
CONNECTIONS_MAX: Final = 128
HEAD_MAX_BYTES: Final = 8_192
SECONDS: Final = 2.0
"""From accepting a connection to its end."""
_REST_MAX_BYTES: Final = 1 << 20
_BREATH_S: Final = 0.05
_END_OF_HEAD: Final = b"\r\n\r\n"


class StandIn:
    """A process that answers on a socket from now on."""

    def __init__(
        self, listening: socket.socket, health: bytes, anything: bytes, seconds: float
    ) -> None:
        """Start one that answers these, for so long at most: `GET /health`, and whatever else is
        asked; both are a whole answer of HTTP, in ASCII.

        Raises OSError if there can be none.
        """
        self._socket = listening.dup()
        program = [sys.executable, "-I", "-S", __file__, str(self._socket.fileno()), str(seconds)]
        self._process = subprocess.Popen(  # noqa: S603 - ourselves, no shell
            [*program, health.decode("ascii"), anything.decode("ascii")],
            stdin=subprocess.PIPE,
            pass_fds=[self._socket.fileno()],
            # Whoever interrupts the exchange at a terminal means that, which ends this one.
            start_new_session=True,
        )

    def end(self) -> None:
        """Leave the port to whoever wants it; no process follows."""
        self._socket.close()
        self._process.communicate()

    def leave(self) -> Mapping[str, str]:
        """Return the environment in which the process that follows finds all of it, behind exec."""
        if self._process.stdin is None:
            raise RuntimeError("it was started with a pipe")
        left = _Left(self._socket.fileno(), self._process.stdin.fileno(), self._process.pid)
        os.set_inheritable(left.socket, True)
        os.set_inheritable(left.pipe, True)
        return {LEFT: ",".join(str(number) for number in left)}


class _Left(NamedTuple):
    """What was left: descriptors of the socket and of the stand-in's input, and its pid."""

    socket: int
    pipe: int
    pid: int


def _left() -> _Left | None:
    numbers = os.environ.get(LEFT)
    return _Left(*[int(number) for number in numbers.split(",")]) if numbers else None


def kept_socket() -> socket.socket | None:
    """Return the socket that was listened on before this process; None if there was none."""
    left = _left()
    return None if left is None else socket.socket(fileno=os.dup(left.socket))


def relieve() -> None:
    """Let the stand-in end, if there is one: this process answers itself."""
    left = _left()
    if left is None:
        return
    del os.environ[LEFT]
    os.close(left.socket)
    os.close(left.pipe)
    # It goes within `SECONDS`, and it is our child.
    threading.Thread(target=os.waitpid, args=(left.pid, 0), name="stand-in", daemon=True).start()


async def _stand_in(
    listening: socket.socket, health: bytes, anything: bytes, seconds: float
) -> None:
    """Answer until the standard input ends, for so long at most."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    slots = asyncio.Semaphore(CONNECTIONS_MAX)
    answers: set[asyncio.Task[None]] = set()

    def answered(answer: asyncio.Task[None]) -> None:
        answers.discard(answer)
        slots.release()

    async def accept() -> None:
        while True:
            await slots.acquire()
            comes = asyncio.Event()
            loop.add_reader(listening, comes.set)
            try:
                await comes.wait()
            finally:
                loop.remove_reader(listening)
            # No wait from here to the task that answers: the end would drop somebody in between.
            try:
                connection, _ = listening.accept()
            except OSError:  # another process was quicker, or there is no descriptor for it
                slots.release()
                await asyncio.sleep(_BREATH_S)
                continue
            connection.setblocking(False)
            answer = asyncio.create_task(_answer(connection, health, anything))
            answers.add(answer)
            answer.add_done_callback(answered)

    accepting = asyncio.create_task(accept())
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await ended.wait()
    loop.remove_reader(sys.stdin.fileno())
    accepting.cancel()
    await asyncio.wait([accepting])
    listening.close()
    if answers:
        await asyncio.wait(answers)


async def _answer(connection: socket.socket, health: bytes, anything: bytes) -> None:
    """Answer the first request of a connection, and end it."""
    loop = asyncio.get_running_loop()
    with connection, contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(SECONDS):
            head = b""
            while _END_OF_HEAD not in head and len(head) < HEAD_MAX_BYTES:
                part = await loop.sock_recv(connection, HEAD_MAX_BYTES)
                if not part:
                    return
                head += part
            answer = health if head.startswith(b"GET /health ") else anything
            if head.startswith(b"HEAD "):
                answer = answer[: answer.index(_END_OF_HEAD) + len(_END_OF_HEAD)]
            await loop.sock_sendall(connection, answer)
            connection.shutdown(socket.SHUT_WR)
            # Closed with something unread, it would be reset, and take the answer with it.
            unread = _REST_MAX_BYTES
            while unread > 0 and (part := await loop.sock_recv(connection, HEAD_MAX_BYTES)):
                unread -= len(part)


def _main() -> None:
    number, seconds, *answers = sys.argv[1:]
    health, anything = (answer.encode("ascii") for answer in answers)
    with socket.socket(fileno=int(number)) as listening:
        # The processes beside it never wait for a connection either.
        listening.setblocking(False)
        asyncio.run(_stand_in(listening, health, anything, float(seconds)))


if __name__ == "__main__":
    _main()
