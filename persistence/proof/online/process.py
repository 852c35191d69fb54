"""A look in a process of its own, where it keeps nobody waiting.

    stdin   the order, a line of JSON; its end is this process's end
    stdout  what came of it, a line of JSON; none where another look goes on

Laws: it gives way to everybody; it ends with whoever started it; killed anywhere, the next look
goes on.
"""

import asyncio
import sys
from typing import Final

import msgspec

from persistence.child import end_with_parent, give_way
from persistence.proof.online.look import Order, look

COMMAND: Final = (sys.executable, "-P", "-m", "persistence.proof.online.process")
_NICE: Final = 10


def main() -> None:
    """Do what the first line says."""
    give_way(_NICE)
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    end_with_parent(1)
    try:
        looked = asyncio.run(look(order))
    except Exception as error:  # noqa: BLE001 - the process ends by it
        sys.stderr.write(f"{str(error) or type(error).__name__}\n")
        sys.exit(1)
    if looked is not None:
        sys.stdout.buffer.write(msgspec.json.encode(looked) + b"\n")


if __name__ == "__main__":
    main()
