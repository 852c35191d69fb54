"""Whom a view believes: the engine that the database names, and no word older than it may be.

The transport is a list, so what comes here was sealed; what wasn't is tested in `test_channel.py`.
"""

import asyncio
import time
from urllib.parse import urlsplit

import pytest

from persistence.errors import SecretDiffers
from persistence.relay import follower as follower_module
from tests.conftest import Postgres
from tests.persistence.following import OTHER, STREAM, Counted, rig
from tests.persistence.running import open_for_trade, running, until


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """The follower looks at its database when a test says so."""
    monkeypatch.setattr(follower_module, "LOOK_S", 3_600.0)


async def test_another_engine_leads(database_url: str) -> None:
    async with rig(database_url) as made:
        epoch = made.follower.epoch
        (row,) = await made.trade()
        # Whoever it is and however well it fits: the database hasn't named it.
        before = made.view.seq
        rival = "a rival's"
        await made.tape.hear(await made.said(row, stream=rival), await made.beat(stream=rival))
        assert (made.follower.epoch, made.watcher.told, made.view.seq) == (epoch, [], before)
        assert not made.follower.is_fresh
        await made.tape.hear(await made.said(row), await made.beat())
        assert made.follower.is_fresh
        await made.engine.pool.execute(
            "UPDATE engine_state SET epoch = epoch + 1, stream_id = $1", OTHER
        )
        await made.follower._look()
        assert made.watcher.told == [("epoch", epoch + 1)]
        assert made.follower.epoch == epoch + 1
        # The engine that was replaced still speaks, and no word of the new one was heard.
        await made.tape.hear(await made.said(row), await made.beat())
        assert (made.follower.epoch, made.follower.is_fresh) == (epoch + 1, False)
        await made.tape.hear(await made.beat(stream=OTHER))
        assert made.follower.is_fresh
        made.check()


async def test_a_newcomer_is_asked_about_at_once_and_once(database_url: str) -> None:
    async with rig(database_url) as made:
        epoch = made.follower.epoch
        await made.engine.pool.execute(
            "UPDATE engine_state SET epoch = epoch + 1, stream_id = $1", OTHER
        )
        made.tape.put(await made.beat(stream=OTHER))
        await until(lambda: made.follower.epoch == epoch + 1)
        assert made.watcher.told == [("epoch", epoch + 1)]
        # What it said before it was known to lead counts: its next word is a second away.
        await until(lambda: made.follower.is_fresh)
        # The one of before speaks on, and nothing of it is heard.
        counted = made.follower._store = Counted(made.follower._store)
        for _ in range(5):
            await made.tape.hear(await made.beat())
        await asyncio.sleep(0.1)
        assert counted.questions <= 1
        assert made.follower.epoch == epoch + 1


async def test_an_engine_with_another_secret_ends_the_process(database_url: str) -> None:
    async with rig(database_url) as made:
        await made.engine.pool.execute("UPDATE engine_state SET stream_id = 'a stranger'")
        await made.tape.hear(await made.beat())
        assert not made.follower.failed.done()
        made.tape.put(None)
        error = await asyncio.wait_for(made.follower.failed, 30)
        assert isinstance(error, SecretDiffers)
        assert "JWT_PRIVATE_KEY" in str(error)


async def test_an_engine_that_speaks_to_nobody_is_not_heard(database_url: str) -> None:
    async with rig(database_url) as made:
        await made.engine.pool.execute("UPDATE engine_state SET stream_id = NULL")
        await made.follower._look()
        await made.tape.hear(await made.beat())
        assert not made.follower.is_fresh


async def test_the_engine_of_a_copy_with_the_same_name_is_left(
    postgres: Postgres, database_url: str
) -> None:
    """A copy of the files of the whole cluster is the same exchange by every name it has."""
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.pool.execute("UPDATE engine_state SET stream_id = $1", STREAM)
    copy = f"copy_of_{urlsplit(database_url).path[1:]}"
    original = urlsplit(database_url).path[1:]
    await asyncio.to_thread(
        postgres.run, f'CREATE DATABASE {copy} TEMPLATE {original} OWNER "{postgres.user}"'
    )
    try:
        async with rig(database_url, postgres.database(copy), is_listed=True) as made:
            await made.follower._store.execute("UPDATE engine_state SET epoch = epoch + 1")
            await made.follower._look()
            assert made.watcher.told.pop() == ("epoch", made.engine.recovered.journal.epoch)
            (row,) = await made.trade()
            behind = made.view.seq
            await made.tape.hear(await made.said(row), await made.beat())
            await made.follower._look()
            assert made.view.seq == behind
            assert made.watcher.told == [("reload", made.follower.epoch)]
            await made.tape.hear(await made.said(row), await made.beat(), await made.beat())
            assert (made.view.seq, made.follower.is_fresh) == (behind, True)
            made.follower._freshness.forget_word()
            await made.tape.hear(await made.said(row), await made.beat(), await made.beat())
            assert (made.view.seq, made.follower.is_fresh) == (behind, False)
    finally:
        await asyncio.to_thread(postgres.run, f"DROP DATABASE {copy} WITH (FORCE)")


async def test_a_late_word_moves_the_view_and_makes_nothing_fresh(database_url: str) -> None:
    async with rig(database_url) as made:
        (row,) = await made.trade()
        late = await made.now() - 10_000_000
        await made.tape.hear(await made.said(row, said_at=late), await made.beat(said_at=late))
        assert not made.follower.is_fresh
        assert 10 <= made.follower.silence_s < 20
        assert made.watcher.told == []
        made.check()
        await made.tape.hear(await made.beat())
        assert made.follower.is_fresh
        # It comes again, after newer ones.
        await made.tape.hear(await made.beat(said_at=late))
        assert made.follower.is_fresh


async def test_a_word_from_the_future_counts_as_said_when_it_was_heard(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rig(database_url) as made:
        await made.tape.hear(await made.beat(said_at=await made.now() + 3_600_000_000))
        assert made.follower.is_fresh
        assert made.follower.silence_s >= 0
        monkeypatch.setattr(follower_module, "STALE_AFTER_S", 0.0)
        await until(lambda: not made.follower.is_fresh)


async def test_what_is_committed_but_still_waits_at_the_engine_is_missing(
    database_url: str,
) -> None:
    async with rig(database_url) as made:
        first, second = await made.trade(2)
        await made.tape.hear(await made.said(first, newest=second.last_seq))
        assert (made.follower.is_fresh, made.watcher.told) == (False, [])
        # What that word named is there now, whatever this one names.
        await made.tape.hear(await made.said(second, newest=second.last_seq + 1))
        assert (made.follower.is_fresh, made.watcher.told) == (True, [])


async def test_a_database_that_is_not_asked_makes_nothing_fresh(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rig(database_url) as made:
        await made.tape.hear(await made.beat())
        assert made.follower.is_fresh
        monkeypatch.setattr(follower_module, "STALE_AFTER_S", 0.05)
        await until(lambda: not made.follower.is_fresh)
        await made.tape.hear(await made.beat())
        assert not made.follower.is_fresh
        monkeypatch.setattr(follower_module, "STALE_AFTER_S", 2.5)
        await made.follower._look()
        assert made.follower.is_fresh


async def test_what_a_look_names_is_read_if_it_has_not_come_by_the_next_one(
    database_url: str,
) -> None:
    async with rig(database_url) as made:
        await made.trade(3)
        behind = made.view.seq
        await made.follower._look()
        assert made.view.seq == behind
        await made.follower._look()
        assert made.watcher.told == []
        made.check()


async def test_a_beat_that_names_what_is_not_there_asks_once_in_a_while(
    database_url: str,
) -> None:
    async with rig(database_url) as made:
        asked = Counted(made.follower._store)
        made.follower._store = asked
        beyond = await made.beat(last_seq=made.view.seq + 1_000)
        before, started = made.tape.asked, time.monotonic()
        for _ in range(500):
            made.tape.put(beyond)
        await until(lambda: made.tape.asked == before + 500)
        assert asked.questions <= 1 + (time.monotonic() - started)
        assert made.watcher.told == ["gap"] * asked.questions
        assert not made.follower.is_fresh
