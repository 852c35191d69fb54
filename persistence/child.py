"""How a child process of ours behaves, whatever it does.

Laws: it is nice to everybody else; the terminal's Ctrl-C is for its parent, which ends it in its
own time; it ends with its parent, however that ends, since then nobody holds the other end of its
stdin.
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def give_way(niceness: int) -> None:
    """Be nice to others, and leave Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(niceness)


def end_with_parent(code: int) -> None:
    """End as soon as stdin does; whoever calls this has read from it all that is said there."""

    def wait() -> None:
        # Past Python's buffer, whose lock an interpreter that ends would ask for.
        os.read(sys.stdin.fileno(), 1)
        os._exit(code)

    threading.Thread(target=wait, daemon=True).start()


def answer(
    niceness: int, order_type: type[T], work: Callable[[T], Coroutine[Any, Any, object]]
) -> None:
    """Be a child that does one thing: what the first line of stdin orders, in JSON.

    What comes of it is said in a line on stdout, nothing where it is None; a failure is a line on
    stderr and exit code 1.
    """
    give_way(niceness)
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=order_type)
    end_with_parent(1)
    try:
        found = asyncio.run(work(order))
    except Exception as error:  # noqa: BLE001 - the process ends by it
        sys.stderr.write(f"{str(error) or type(error).__name__}\n")
        sys.exit(1)
    if found is not None:
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
