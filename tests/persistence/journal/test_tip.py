"""The tip outside the database: it lags, never leads, and finds a database that was put back."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

from exchange.messages.commands import CancelAll
from persistence.errors import HistoryMismatch
from persistence.journal.tables import Head, read_head
from persistence.journal.tip import Tip, TipFile
from persistence.loop.recovery import recover
from persistence.postgres.database import connect
from tests.persistence.running import ANN, open_for_trade, running


async def test_the_tip_names_what_was_committed_last(database_url: str, tmp_path: Path) -> None:
    async with running(database_url, tmp_path) as engine:
        await open_for_trade(engine)
        hash_ = engine.recovered.journal.chain_hash
        database_id = (await _head(database_url)).database_id
    assert TipFile(tmp_path / "tip", database_id).read() == Tip(4, hash_)


async def test_a_tip_that_lags_is_fine(database_url: str, tmp_path: Path) -> None:
    async with running(database_url, tmp_path) as engine:
        await open_for_trade(engine)
    stale = (tmp_path / "tip").read_bytes()
    async with running(database_url, tmp_path) as engine:
        await engine.send(CancelAll(ANN, None))
    (tmp_path / "tip").write_bytes(stale)
    async with running(database_url, tmp_path) as engine:
        assert engine.live.seq == 5


async def test_a_database_behind_the_tip_is_refused_until_the_operator_says_so(
    database_url: str, tmp_path: Path
) -> None:
    async with running(database_url, tmp_path) as engine:
        await open_for_trade(engine)
    head = await _head(database_url)
    tip = TipFile(tmp_path / "tip", head.database_id)
    tip.write(Tip(9, bytes(32)))
    with pytest.raises(HistoryMismatch, match=r"ends at 4, but 9 was committed.*--accept-tip"):
        await recover(database_url, tmp_path)
    recovered = await recover(database_url, tmp_path, accept_tip=True)
    await recovered.connection.close()
    assert tip.read() == Tip(4, head.chain_hash)


async def test_another_history_at_the_tip_is_refused(database_url: str, tmp_path: Path) -> None:
    async with running(database_url, tmp_path) as engine:
        await open_for_trade(engine)
    TipFile(tmp_path / "tip", (await _head(database_url)).database_id).write(Tip(4, b"x" * 32))
    with pytest.raises(HistoryMismatch, match="another history at 4"):
        await recover(database_url, tmp_path)


async def test_another_database_is_not_mistaken_for_an_old_copy(
    database_url: str, tmp_path: Path
) -> None:
    other = TipFile(tmp_path / "tip", "another")
    other.write(Tip(10**6, bytes(32)))
    async with running(database_url, tmp_path) as engine:
        await open_for_trade(engine)
    assert other.read() == Tip(10**6, bytes(32))


async def test_a_tip_that_cannot_be_read_is_refused(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "tip").write_bytes(b"{")
    with pytest.raises(HistoryMismatch, match="can't be read"):
        await recover(database_url, tmp_path)


async def test_a_close_waits_for_the_write_that_is_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two writers at once would share one temporary file: half a tip, or none, would stay."""
    monkeypatch.setattr("persistence.journal.tip.INTERVAL_S", 0.0)
    loop, writing, may_go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    fsync = os.fsync

    def slow_fsync(descriptor: int) -> None:
        loop.call_soon_threadsafe(writing.set)
        assert may_go_on.wait(30)
        fsync(descriptor)

    monkeypatch.setattr("persistence.journal.tip.os.fsync", slow_fsync)
    tip = TipFile(tmp_path / "tip", "ours")
    tip.committed(Tip(1, bytes(32)))
    await asyncio.wait_for(writing.wait(), 30)
    tip.committed(Tip(2, bytes(32)))
    closing = asyncio.create_task(tip.close())
    await asyncio.sleep(0)
    loop.call_later(0.05, may_go_on.set)
    await asyncio.wait_for(closing, 30)
    assert tip.read() == Tip(2, bytes(32))
    assert list(tmp_path.iterdir()) == [tmp_path / "tip"]


async def test_a_tip_that_cannot_be_written_stays_behind_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "place").write_text("a file where the folder should be")
    tip = TipFile(tmp_path / "place" / "tip", "ours")
    tip.committed(Tip(1, bytes(32)))
    await tip.close()
    assert [*tmp_path.iterdir()] == [tmp_path / "place"]


async def test_accepting_a_tip_that_cannot_be_written_is_refused(
    database_url: str, tmp_path: Path
) -> None:
    async with running(database_url, tmp_path) as engine:
        await open_for_trade(engine)
    tip = TipFile(tmp_path / "tip", (await _head(database_url)).database_id)
    tip.write(Tip(9, bytes(32)))
    (tmp_path / "tip.new").mkdir()
    with pytest.raises(HistoryMismatch, match="can't be written"):
        await recover(database_url, tmp_path, accept_tip=True)


async def test_the_tip_is_written_while_running_and_never_leads(
    database_url: str, tmp_path: Path
) -> None:
    async with running(database_url, tmp_path) as engine:
        await open_for_trade(engine)
        tip = TipFile(tmp_path / "tip", (await _head(database_url)).database_id)
        async with asyncio.timeout(30):
            while True:
                written = tip.read()
                if written is not None:
                    break
                await asyncio.sleep(0.01)
        assert 0 < written.seq <= (await _head(database_url)).last_seq


async def _head(url: str) -> Head:
    connection = await connect(url)
    try:
        return await read_head(connection)
    finally:
        await connection.close()
