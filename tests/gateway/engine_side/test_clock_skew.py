"""A machine whose clock is off: said at the start, in `/ready`, in the log and as a metric."""

import io
import time
from typing import Any

import msgspec
import pytest

from gateway.engine_side.clock_skew import ClockSkew
from gateway.engine_side.readiness import Readiness
from gateway.observability.logs import configure_logs
from gateway.observability.metrics import Metrics
from gateway.operations.health_routes import HealthRoutes
from persistence.postgres.database import connect

HOUR_NS = 3_600_000_000_000


@pytest.mark.parametrize(("off_ns", "said"), [(HOUR_NS, "ahead of"), (-HOUR_NS, "behind")])
async def test_a_clock_that_is_off_is_said_until_it_is_right(
    database_url: str, monkeypatch: pytest.MonkeyPatch, off_ns: int, said: str
) -> None:
    metrics, log, right = Metrics(), io.StringIO(), time.time_ns
    connection = await connect(database_url)
    try:
        clock = ClockSkew(connection, metrics, configure_logs("info", log))
        await clock.measure()
        assert clock.warnings() == ()
        monkeypatch.setattr(time, "time_ns", lambda: right() + off_ns)
        for _ in range(3):
            await clock.measure()
        (warning,) = clock.warnings()
        assert f"3600.0 s {said} the database's" in warning
        found = metrics.registry.get_sample_value("clock_ahead_of_database_seconds")
        assert found == pytest.approx(off_ns / 1e9, abs=1)
        monkeypatch.setattr(time, "time_ns", right)
        await clock.measure()
        assert clock.warnings() == ()
    finally:
        await connection.close()
    assert log.getvalue().count('"clock skew"') == 1
    assert log.getvalue().count("clock skew is gone") == 1
    # A database that is away says nothing.
    await clock.measure()
    assert clock.warnings() == ()


class Well:
    """The condition of a process that lacks nothing."""

    what = "exchange"

    def trouble(self) -> None:
        return None


async def test_ready_says_beside_it_what_an_operator_should_see_to() -> None:
    readiness, told = Readiness(), [(), ("Look at the clock",)]
    readiness.open()
    well: Any = Well()
    routes = HealthRoutes(well, readiness, Metrics(), lambda: told.pop(0))
    answers = [msgspec.json.encode(await routes.ready(well)) for _ in range(2)]
    assert answers == [
        b'{"status":"ready"}',
        b'{"status":"ready","warnings":["Look at the clock"]}',
    ]
