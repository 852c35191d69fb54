"""Making a proof in a process of its own, where it keeps nobody waiting.

stdin   the database's URL, a line of JSON; its end is this process's end
stdout  the proof's number, a line of JSON; none where another one is made
"""

import sys
from typing import Final

from persistence.child import answer
from persistence.proof.solvency.making import make_proof

COMMAND: Final = (sys.executable, "-P", "-m", "persistence.proof.solvency.process")
_NICE: Final = 10


def main() -> None:
    """Do what the first line says."""
    answer(_NICE, str, make_proof)


if __name__ == "__main__":
    main()
