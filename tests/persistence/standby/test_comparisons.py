"""A comparison with the tables leaves a takeover little to run again, however long it takes and
however much is traded meanwhile.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from exchange.messages.commands import OpenAccount
from persistence.standby import comparison as one_comparison
from persistence.standby import standby as waiting_room
from persistence.standby import twin
from persistence.standby.comparison import BEHIND_MOST, Patience
from persistence.standby.lease import Leader
from persistence.standby.twin import Twin
from tests.persistence.loop.test_stopped_engine import busy_engine
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


async def test_one_that_keeps_too_much_waiting_is_left_and_the_next_may_keep_more(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the twin is hashed it has to stand still: then trading goes on without it."""
    hashes, most = Twin.hashes, 20
    monkeypatch.setattr(one_comparison, "BEHIND_MOST", most)
    with held() as first, held() as second:
        hashings = iter([first, second])

        def slowly(self: Twin, left: threading.Event) -> twin.Hashes:
            next(hashings).wait()
            return hashes(self, left)

        async with running(database_url) as engine:
            await engine.send_all(OpenAccount(ANN, CASH), listing())
            async with waiting(database_url, compare_s=60, lease_s=60) as one:

                async def keeps_waiting(many: int, hashing: Held) -> None:
                    """Begin a comparison, and trade so much while the twin is hashed."""
                    await one.reaches(engine.view.seq)
                    one.standby._compares_at = 0.0
                    await until(hashing.has_begun.is_set)
                    stands_at = one.standby.seq
                    await engine.send_all(*(limit(ANN, 40, 1) for _ in range(many)))
                    await until(lambda: one.heard.standing.last_seq == engine.view.seq)  # type: ignore[union-attr]
                    assert one.standby.seq == stands_at

                await one.reaches(engine.view.seq)
                monkeypatch.setattr(Twin, "hashes", slowly)
                await keeps_waiting(most, first)
                assert one.heard.left == []
                await engine.send(limit(ANN, 40, 1))
                await until(lambda: bool(one.heard.left))
                await keeps_waiting(2 * most, second)
                compared_at = one.standby.seq
                second.may_end.set()
                await until(lambda: bool(one.heard.compared_at))
                assert (one.heard.left, one.heard.compared_at) == ([most + 1], [compared_at])
                assert one.standby._patience.most == most
                await one.reaches(engine.view.seq)
                engine.crash()
                await one.is_due()
                recovered = await one.standby.recover(database_url)
                assert recovered.live.seq == engine.view.seq
                await recovered.connection.close()
                assert (one.heard.problems, one.heard.loads) == ([], 1)
                await asyncio.sleep(0)


async def test_one_is_left_while_the_lease_of_a_silent_engine_runs(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it keeps waiting is run by the time at which the standby is due."""
    with held() as hashing:

        def slowly(_self: Twin, _left: threading.Event) -> twin.Hashes:
            hashing.wait()
            return []

        async with (
            busy_engine(database_url, 7) as pid,
            waiting(database_url, compare_s=60, lease_s=3.0) as one,
        ):
            await until(lambda: one.heard.loads == 1)
            monkeypatch.setattr(Twin, "hashes", slowly)
            one.standby._compares_at = 0.0
            await until(hashing.has_begun.is_set)
            os.kill(pid, signal.SIGSTOP)
            await until(lambda: bool(one.heard.left))
            assert not one.standby.due.is_set()
            await one.is_due()
            os.kill(pid, signal.SIGKILL)
            assert one.heard.standing is not None
            assert one.standby.seq == one.heard.standing.last_seq
            assert one.heard.problems == []


def test_what_is_kept_waiting_is_bounded_and_no_takeover_finds_it_there() -> None:
    patience, speaks = Patience(), Leader(1, None, 1.4, is_starting=False)
    for most in (BEHIND_MOST, 2 * BEHIND_MOST, 4 * BEHIND_MOST, 4 * BEHIND_MOST):
        assert not patience.is_over(most, speaks, 3.0)
        assert patience.is_over(most + 1, speaks, 3.0)
    patience.ended()
    assert patience.is_over(BEHIND_MOST + 1, speaks, 3.0)
    # It is soon followed: what waits is run while its lease still runs.
    for silent_s, starts, is_over in ((1.6, False, True), (1.6, True, False), (None, False, False)):
        leader = Leader(1, None, silent_s, is_starting=starts)
        assert patience.is_over(0, leader, 3.0) is is_over
    assert not patience.is_over(0, None, 3.0)
