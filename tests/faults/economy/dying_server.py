"""`probity`, which kills itself without a word at one of the points of `reached`.

`DIES_AT=REWARD:after-command dying_server.py serve` dies there when it comes there first.
"""

import os
import signal

from gateway.cli.main import main
from gateway.economy.movements.movements import Kind, Movements, Point
from gateway.economy.stocks.jobs import StockInterest


def die_there(self: object, point: Point, kind: Kind) -> None:
    """Die as of `kill -9`, if this is where."""
    if os.environ["DIES_AT"] == f"{kind}:{point}":
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    Movements.reached = die_there  # type: ignore[method-assign]
    StockInterest.reached = die_there  # type: ignore[method-assign]
    main()
