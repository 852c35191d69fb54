"""A comparison with the tables leaves a takeover little to run again, however long it takes and
however much is traded meanwhile.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from exchange.messages.commands import OpenAccount
from persistence.standby import comparison as one_comparison
from persistence.standby import standby as waiting_room
from persistence.standby import twin
from persistence.standby.twin import Twin
from tests.persistence.running import ANN, CASH, limit, listing, running, until
from tests.persistence.standby.waiting_engine import waiting


class Held:
    """Work of a thread that has begun and takes as long as the test says."""

    def __init__(self) -> None:
        self.has_begun = threading.Event()
        self.may_end = threading.Event()

    def wait(self) -> None:
        self.has_begun.set()
        assert self.may_end.wait(60)


@contextmanager
def held() -> Iterator[Held]:
    """Nothing of it is left behind, whatever the test found."""
    made = Held()
    try:
        yield made
    finally:
        made.may_end.set()


async def test_it_follows_while_the_tables_are_read_and_built(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_room, "_REST", 1)  # what is held up here would rest for long
    compare = twin.compare
    with held() as building:

        def slowly(*known: Any) -> bytes:
            building.wait()
            return compare(*known)

        monkeypatch.setattr(one_comparison, "compare", slowly)
        async with (
            running(database_url) as engine,
            waiting(database_url, compare_s=0.0, lease_s=60) as one,
        ):
            await engine.send_all(OpenAccount(ANN, CASH), listing())
            await until(building.has_begun.is_set)
            begun_at = engine.view.seq
            await engine.send_all(*(limit(ANN, 40 + n, 1) for n in range(10)))
            await one.reaches(engine.view.seq)
            assert one.standby.seq == engine.view.seq
            building.may_end.set()
            await until(lambda: any(seq <= begun_at for seq in one.heard.compared_at))
            await until(lambda: engine.view.seq in one.heard.compared_at)
            assert (one.heard.problems, one.heard.left) == ([], [])


async def test_one_that_keeps_too_much_waiting_is_left(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the twin is hashed it has to stand still: then trading goes on without it."""
    hashes, most = Twin.hashes, 20
    monkeypatch.setattr(waiting_room, "BEHIND_MOST", most)
    with held() as hashing:

        def slowly(self: Twin, left: threading.Event) -> twin.Hashes:
            hashing.wait()
            return hashes(self, left)

        async with running(database_url) as engine:
            await engine.send_all(OpenAccount(ANN, CASH), listing())
            async with waiting(database_url, compare_s=60, lease_s=60) as one:
                await one.reaches(engine.view.seq)
                monkeypatch.setattr(Twin, "hashes", slowly)
                one.standby._compares_at = 0.0
                await until(hashing.has_begun.is_set)
                stands_at = one.standby.seq
                await engine.send_all(*(limit(ANN, 40, 1) for _ in range(most)))
                await until(lambda: one.heard.standing.last_seq == engine.view.seq)  # type: ignore[union-attr]
                assert (one.standby.seq, one.heard.left) == (stands_at, [])
                await engine.send(limit(ANN, 40, 1))
                await until(lambda: bool(one.heard.left))
                assert one.heard.left == [most + 1]
                await one.reaches(engine.view.seq)
                engine.crash()
                await one.is_due()
                recovered = await one.standby.recover(database_url)
                assert recovered.live.seq == engine.view.seq
                await recovered.connection.close()
                assert (one.heard.problems, one.heard.loads) == ([], 1)
                assert one.heard.compared_at == []
                await asyncio.sleep(0)
