"""A view that follows the journal, fed message by message: what fits and what doesn't.

The engine and the database are real, the transport is a list; what Redis itself does to the feed
is tested in `test_redis_bus.py` and with whole processes in `tests/faults`.
"""

import asyncio
import math
from typing import Any

import asyncpg
import msgspec
import pytest

from persistence.relay import follower as follower_module
from persistence.relay.follower import STALE_AFTER_S
from persistence.relay.messages import BusMessage
from tests.persistence.following import OTHER, Away, rig
from tests.persistence.random_orders import commands, opening
from tests.persistence.running import until


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """The follower looks at its database when a test says so."""
    monkeypatch.setattr(follower_module, "LOOK_S", 3_600.0)


async def test_rows_move_the_view_as_the_engine_moved_its_own(database_url: str) -> None:
    async with rig(database_url) as made:
        seed = 5
        print(f"seed {seed}")
        await made.engine.send_all(*opening(), *commands(seed, 600))
        before, heard = made.view.seq, 0
        # Triggers and expiries go on meanwhile, with nobody asking for them.
        while made.view.seq != made.engine.view.seq:
            await until(lambda: len(made.rows) > heard)  # noqa: B023
            rows = made.rows[heard:]
            heard += len(rows)
            await made.tape.hear(*[await made.said(row) for row in rows])
        made.check()
        assert made.view.seq > before
        assert made.watcher.told == []
        assert made.follower.is_fresh


async def test_a_view_is_fresh_only_when_the_engine_was_heard(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rig(database_url) as made:
        assert (made.follower.is_fresh, made.follower.silence_s) == (False, math.inf)
        await made.tape.hear(None)
        assert not made.follower.is_fresh
        await made.tape.hear(await made.beat())
        assert made.follower.is_fresh
        assert made.follower.silence_s < STALE_AFTER_S
        monkeypatch.setattr(follower_module, "STALE_AFTER_S", 0.0)
        await until(lambda: not made.follower.is_fresh)


async def test_rows_come_twice_late_and_after_a_gap(database_url: str) -> None:
    async with rig(database_url) as made:
        first, second, third, fourth = await made.trade(4)
        await made.tape.hear(
            await made.said(first), await made.said(first), await made.beat(last_seq=1)
        )
        assert made.watcher.told == []
        await made.tape.hear(await made.said(third))
        assert made.watcher.told == ["gap"]
        await made.tape.hear(
            await made.said(second), await made.said(second, third, fourth), await made.beat()
        )
        assert made.watcher.told == ["gap"]
        made.check()
        assert made.follower.is_fresh


async def test_a_beat_shows_what_was_dropped(database_url: str) -> None:
    async with rig(database_url) as made:
        await made.trade(9)
        await made.tape.hear(await made.beat())
        assert made.watcher.told == ["gap"]
        made.check()


async def test_silence_moves_the_view_but_does_not_make_it_fresh(database_url: str) -> None:
    async with rig(database_url) as made:
        await made.trade(6)
        await made.tape.hear(None)
        made.check()
        assert made.watcher.told == []
        assert not made.follower.is_fresh


@pytest.mark.parametrize("broken", [{"payload": b"\x90"}, {"hash": bytes(32)}, {"at": 1}])
async def test_a_row_that_was_changed_on_its_way_is_read_from_the_journal(
    database_url: str, broken: dict[str, Any]
) -> None:
    async with rig(database_url) as made:
        (row,) = await made.trade()
        await made.tape.hear(await made.said(msgspec.structs.replace(row, **broken)))
        assert made.watcher.told == ["gap"]
        made.check()


async def test_a_database_that_was_put_back_is_loaded_anew(database_url: str) -> None:
    async with rig(database_url) as made:
        await made.tape.hear(await made.said(*await made.trade(5)))
        epoch = made.follower.epoch
        made.follower._hash = b"another history"
        await made.tape.hear(await made.beat())
        assert made.watcher.told == ["gap", ("reload", epoch)]
        made.check()
        made.view.seq += 100
        await made.tape.hear(None)
        assert made.watcher.told[-1] == ("reload", epoch)
        made.check()
        # Its epochs are counted anew too: what sounds like an old engine is the one that leads.
        made.follower.epoch = epoch + 7
        await made.follower._look()
        assert made.follower.epoch == epoch
        await made.tape.hear(await made.beat())
        assert made.follower.is_fresh


async def test_a_gap_too_long_to_replay_is_loaded(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower_module, "RELOAD_COMMANDS", 3)
    async with rig(database_url) as made:
        view = made.view
        await made.trade(5)
        await made.tape.hear(await made.beat())
        assert made.watcher.told == ["gap", ("reload", made.follower.epoch)]
        assert made.view is view
        assert made.heard.executions == []
        made.check()
        assert made.follower.is_fresh


async def test_the_database_is_away_when_a_row_is_missing(database_url: str) -> None:
    async with rig(database_url) as made:
        rows = await made.trade(4)
        await made.tape.hear(await made.said(*rows[:1]))
        store, made.follower._store = made.follower._store, Away()
        made.follower._freshness.forget_word()
        await made.tape.hear(await made.said(*rows[2:]))
        assert (made.view.seq, made.follower.is_fresh) == (rows[0].last_seq, False)
        # What comes in order needs no database.
        await made.tape.hear(await made.said(*rows[1:]))
        assert made.follower.is_fresh
        made.follower._store = store
        made.check()


@pytest.mark.parametrize(
    "error", [asyncpg.DiskFullError("full"), asyncpg.OutOfMemoryError("none left")], ids=repr
)
async def test_a_database_that_has_no_room_for_a_moment_ends_nothing(
    database_url: str, error: Exception
) -> None:
    async with rig(database_url) as made:
        store, made.follower._store = made.follower._store, Away(error)
        await made.tape.hear(None, await made.beat(stream=OTHER))
        await until(lambda: not made.follower._hurry.is_set())
        await made.tape.hear(None)
        assert not made.follower.failed.done()
        made.follower._store = store
        await made.trade(3)
        await made.tape.hear(None)
        made.check()


_PLACED = b"\x91\x94\x01\x01\x91\xa3new\x90"


@pytest.mark.parametrize(
    "payload", [_PLACED, b"\x90", b"\xdd\xff\xff\xff\xff", b"\x91" * 1_110 + b"\x90"]
)
async def test_a_whole_row_that_can_not_be_applied_means_the_tables_anew(
    database_url: str, payload: bytes
) -> None:
    async with rig(database_url) as made:
        (row,) = await made.trade()
        strange = msgspec.structs.replace(row, payload=payload)
        strange = msgspec.structs.replace(strange, hash=strange.expected_hash())
        await made.tape.hear(await made.said(strange))
        assert made.watcher.told[-1] == ("reload", made.follower.epoch)
        assert not made.follower.failed.done()
        made.check()
        await made.tape.hear(await made.said(*await made.trade()))
        assert made.follower.is_fresh
        made.check()


async def test_a_row_that_is_applied_in_part_is_never_fresh(database_url: str) -> None:
    async with rig(database_url) as made:
        await made.tape.hear(await made.beat())
        (row,) = await made.trade()
        store, made.follower._store = made.follower._store, Away()
        strange = msgspec.structs.replace(row, last_seq=row.last_seq + 1_000)
        strange = msgspec.structs.replace(strange, hash=strange.expected_hash())
        await made.tape.hear(await made.said(strange), await made.beat(), await made.said(row))
        assert not made.follower.is_fresh
        made.follower._store = store
        await made.follower._look()
        assert made.watcher.told[-1] == ("reload", made.follower.epoch)
        made.check()
        assert made.follower.is_fresh


async def test_a_cancel_that_was_not_meant_for_it_ends_the_process(database_url: str) -> None:
    async def cancelled() -> BusMessage | None:
        raise asyncio.CancelledError

    async with rig(database_url) as made:
        made.tape.receive = cancelled  # type: ignore[method-assign]
        made.tape.put(None)
        error = await asyncio.wait_for(made.follower.failed, 30)
        assert isinstance(error, asyncio.CancelledError)
