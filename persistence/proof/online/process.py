"""A look in a process of its own, where it keeps nobody waiting.

    stdin   the order, a line of JSON; its end is this process's end
    stdout  what came of it, a line of JSON; none where another look goes on

Laws: it gives way to everybody; it ends with whoever started it; killed anywhere, the next look
goes on.
"""

import sys
from typing import Final

from persistence.child import answer
from persistence.proof.online.look import Order, look

COMMAND: Final = (sys.executable, "-P", "-m", "persistence.proof.online.process")
_NICE: Final = 10


def main() -> None:
    """Do what the first line says."""
    answer(_NICE, Order, look)


if __name__ == "__main__":
    main()
