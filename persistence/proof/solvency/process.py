"""Making a proof in a process of its own, where it keeps nobody waiting.

stdin   the database's URL, a line of JSON; its end is this process's end
stdout  the proof's number, a line of JSON; none where another one is made
"""

import asyncio
import sys
from typing import Final

import msgspec

from persistence.child import end_with_parent, give_way
from persistence.proof.solvency.making import make_proof

COMMAND: Final = (sys.executable, "-P", "-m", "persistence.proof.solvency.process")
_NICE: Final = 10


def main() -> None:
    """Do what the first line says."""
    give_way(_NICE)
    url = msgspec.json.decode(sys.stdin.buffer.readline(), type=str)
    end_with_parent(1)
    try:
        number = asyncio.run(make_proof(url))
    except Exception as error:  # noqa: BLE001 - the process ends by it
        sys.stderr.write(f"{str(error) or type(error).__name__}\n")
        sys.exit(1)
    if number is not None:
        sys.stdout.buffer.write(msgspec.json.encode(number) + b"\n")


if __name__ == "__main__":
    main()
