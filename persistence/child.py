"""How a child process of ours behaves, whatever it does.

Laws: it is nice to everybody else; the terminal's Ctrl-C is for its parent, which ends it in its
own time; it ends with its parent, however that ends, since then nobody holds the other end of its
stdin.
"""

import os
import signal
import sys
import threading


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
