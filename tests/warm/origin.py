"""The process that servers of tests are forked from: it has imported `probity`, and does nothing.

A request is one message with the three standard streams; the answer is the new process's id. What
was forked becomes what an operator's start makes: a session, an environment, a folder and arguments
of its own. Laws: it has no thread and no loop, so that a fork takes nothing along that somebody is
in the middle of; one that has ended stays until it is asked for, as a child of one's own would; it
ends with whoever started it.
"""

import gc
import json
import os
import runpy
import socket
import sys
from pathlib import Path
from typing import Any

from gateway.cli.main import main

LONGEST = 1 << 18
STREAMS = 3
ROOT = Path(__file__).parents[2]


def serve(asking: socket.socket) -> dict[str, Any] | None:
    """Fork what is asked for; return what a new process is to become, None at the end."""
    while True:
        told, streams, _, _ = socket.recv_fds(asking, LONGEST, STREAMS)
        if not told:
            return None
        asked: dict[str, Any] = json.loads(told)
        if "ended" in asked:
            pid, status = os.waitpid(asked["ended"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        elif answer := os.fork():
            for stream in streams:
                os.close(stream)
        else:
            asking.close()
            _become(asked, streams)
            return asked
        asking.send(json.dumps(answer).encode())


def _become(asked: dict[str, Any], streams: list[int]) -> None:
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    # What a new process that follows this one is started with (`cli/respawn.py`).
    sys.orig_argv[:] = [sys.executable, *asked["command"]]
    sys.argv[:] = asked["command"]
    sys.path.insert(0, str(Path(sys.argv[0]).parent))
    if _is_script(sys.argv):
        sys.path.append(str(ROOT))


def _is_script(command: list[str]) -> bool:
    return command[0].endswith(".py")


def run(command: list[str]) -> None:
    """Run a script of ours, or `probity` itself, to its end."""
    if _is_script(command):
        runpy.run_path(command[0], run_name="__main__")
    else:
        sys.exit(main())


if __name__ == "__main__":
    _folder = str(Path(__file__).parent)
    sys.path[:] = [place for place in sys.path if place != _folder]
    # What is there now is there for good, and stays shared.
    gc.collect()
    gc.freeze()
    if _asked := serve(socket.socket(fileno=int(sys.argv[1]))):
        run(_asked["command"])
