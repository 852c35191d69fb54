"""What befalls a line between two processes, by names that a test prints."""

from collections.abc import Callable
from typing import Final

from tests.faults.proxy.fault_line import FaultLine

FAULTS: Final[dict[str, Callable[[FaultLine], None]]] = {
    "cut": FaultLine.cut,
    "shut": FaultLine.shut,
    "held both ways": FaultLine.hold,
    "held up": lambda line: line.hold(down=False),
    "held down": lambda line: line.hold(up=False),
    "lost both ways": FaultLine.lose,
    "lost up": lambda line: line.lose(down=False),
    "lost down": lambda line: line.lose(up=False),
    "half a second late": lambda line: line.delay(0.5),
    "late": lambda line: line.delay(1.5),
}
