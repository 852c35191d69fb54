"""`probity`, which kills itself without a word at one of the steps of a mirror, and whose sample
venue says that a market has ended once a file names it.

`DIES_AT=after-listing ENDED=/path dying_mirrors.py serve` dies there when it comes there first.
"""

import os
import signal
from pathlib import Path
from typing import Any

from gateway.cli.main import main
from gateway.economy.mirrors import making, resolving
from gateway.economy.mirrors.carrying import Carrying
from gateway.economy.mirrors.making import Mirroring
from gateway.economy.mirrors.resolving import MirrorResolutions
from gateway.feeds.model import ListedStatus
from gateway.feeds.sample.market import SampleMarket


def die_there(_self: object, point: str) -> None:
    """Die as of `kill -9`, if this is where."""
    if os.environ.get("DIES_AT") == str(point):
        os.kill(os.getpid(), signal.SIGKILL)


_status = SampleMarket.status


def status(self: SampleMarket, at_s: float) -> ListedStatus:
    """Return where in its life a market is, or is said to be."""
    ended = Path(os.environ["ENDED"])
    if ended.exists() and self.external_id in ended.read_text("utf-8").split():
        return ListedStatus.RESOLVED
    return _status(self, at_s)


if __name__ == "__main__":
    dying: Any = die_there
    for steps in (Mirroring, MirrorResolutions, Carrying):
        setattr(steps, "reached", dying)  # noqa: B010 - as a method
    SampleMarket.status = status  # type: ignore[method-assign]
    resolving.INTERVAL_S = 1  # type: ignore[misc]
    making.AGAIN_US = 1  # type: ignore[misc]
    main()
