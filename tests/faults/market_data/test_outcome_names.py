"""Names of outcomes are known in every process, and in one that is started again."""

from functools import partial

from tests.faults.fleet import Fleet
from tests.server_process import ServerProcess, until

NAMES = ["Home", "Away"]


def shows_names(process: ServerProcess) -> bool:
    """Whether a process shows the market, under these names."""
    if not process.answers("/api/v1/markets/derby"):
        return False
    return bool(process.call("GET", "/markets/derby")["outcomes"] == NAMES)


async def test_every_process_shows_the_names_that_one_was_told(fleet: Fleet) -> None:
    one, two = fleet.gateways("one", "two")
    one.market("derby", outcomes=NAMES)
    assert shows_names(one)
    for process in (two, fleet.engine):
        await until(partial(shows_names, process))
    fleet.engine.kill()
    fleet.engine.start()
    assert shows_names(fleet.engine)
