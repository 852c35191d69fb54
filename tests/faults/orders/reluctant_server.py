"""`probity serve` that triggers so many orders and then no more, as if it had no time left for it.

Run as `python -m tests.faults.orders.reluctant_server MOST serve`: whatever is due beyond that
stays due, committed, and the process is there to be killed.
"""

import sys
from pathlib import Path
from typing import Final

from exchange.engine import Engine
from exchange.messages.execution import Execution
from gateway.cli import main
from tests.server_process import ServerProcess

ROOT: Final = Path(__file__).parents[3]
MODULE: Final = "tests.faults.orders.reluctant_server"


class ReluctantServer(ServerProcess):
    """A server that can be started so."""

    def launch_reluctantly(self, most: int, module: str = MODULE) -> None:
        """Start it and wait until it is ready; it triggers at most so many orders.

        Another `module` fails in its own way at the number given.
        """
        with self.log.open("ab") as log:
            script = str(ROOT / f"{module.replace('.', '/')}.py")
            self.process = self._started([script, str(most), self.command], log)
        self.await_ready()


def stop_triggering_after(allowed: int) -> None:
    """Let every engine of this process trigger so many orders and no more."""
    willing, done = Engine.run_triggers, [0]

    def reluctant(self: Engine, at: int, most: int) -> list[Execution]:
        executions = willing(self, at, min(most, allowed - done[0]))
        done[0] += len(executions)
        return executions

    Engine.run_triggers = reluctant  # type: ignore[method-assign]


if __name__ == "__main__":
    stop_triggering_after(int(sys.argv.pop(1)))
    sys.exit(main.main())
