"""The journal is moved to files under a running engine: what is read of it stays the same, wherever
a move was killed, and what can't be read is said.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from persistence.errors import HistoryMismatch, SegmentUnreadable
from persistence.journal import marked
from persistence.journal.marked import marked_payloads
from persistence.journal.reader import (
    rows_between,
)
from persistence.journal.scattered import rows_at
from persistence.journal.segments.mover import MoverBusy, Step
from persistence.journal.segments.segments import Segments
from persistence.journal.source import JournalSource
from persistence.postgres.database import connect
from persistence.projection.process import projections
from persistence.projection.projector import Projector
from tests.gateway.markets.past.recorded import project_all
from tests.persistence.journal.segments.moving import (
    KEPT,
    everything_read,
    failed,
    last_of,
    move_all,
    mover,
    random,
    trade,
)
from tests.persistence.random_orders import opening
from tests.persistence.running import running


@pytest.fixture(autouse=True)
def few_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages end often, before and behind the border between files and table."""
    monkeypatch.setattr(marked, "ROWS_LOOKED_THROUGH", 23)
    monkeypatch.setattr(marked, "ROWS_READ", 9)
    monkeypatch.setattr(marked, "_ROWS_AT_ONCE", 4)


async def test_all_that_is_read_is_the_same_and_trading_goes_on(
    database_url: str, tmp_path: Path
) -> None:
    dice = random()
    folder = tmp_path / "journal"
    async with running(database_url, segments=Segments(folder)) as engine:
        await engine.send_all(*opening())
        await trade(engine, 400, dice.randrange(2**16))
        seed = dice.random()
        known = Segments(folder)
        last = await last_of(engine)
        before = await everything_read(engine.pool, None, Random(seed), last)
        assert await everything_read(engine.pool, known, Random(seed), last) == before
        await project_all(database_url)
        moved = await move_all(database_url, folder)
        assert len(moved) > 3
        assert [one.first_seq for one in moved] == [1, *(one.last_seq + 1 for one in moved[:-1])]
        query = "SELECT count(*) FROM journal WHERE last_seq <= $1"
        count = await engine.pool.fetchval(query, last)
        assert sum(one.batches for one in moved) + count == len(before[0])
        # One that was asked before, one that is new, and both after more was moved under trading.
        for segments in (known, Segments(folder)):
            assert await everything_read(engine.pool, segments, Random(seed), last) == before
        trading = asyncio.create_task(trade(engine, 300, dice.randrange(2**16)))
        again = await move_all(database_url, folder, behind_projector=False)
        await trading
        again += await move_all(database_url, folder, behind_projector=False)
        assert again
        assert again[0].previous_hash == moved[-1].hash
        for segments in (known, Segments(folder)):
            assert await everything_read(engine.pool, segments, Random(seed), last) == before
        assert await failed(database_url, folder) == []


async def projected(url: str) -> list[str]:
    """All that follows from the journal, in short."""
    connection = await connect(url)
    told = [
        await connection.fetchval(
            f"SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {name} t"
        )
        for name in ("candles", "book_checkpoints", "account_segments", "market_life")
    ]
    await connection.close()
    return told


async def test_what_follows_is_made_again_from_the_files(database_url: str, tmp_path: Path) -> None:
    async with running(database_url, segments=Segments(tmp_path)) as engine:
        await engine.send_all(*opening())
        await trade(engine, 250, random().randrange(2**16))
    last = await project_all(database_url)
    made = await projected(database_url)
    assert await move_all(database_url, tmp_path)
    connection = await connect(database_url)
    await connection.execute("UPDATE projection_state SET version = 0")
    projector = Projector(connection, projections(), Segments(tmp_path))
    assert await projector.lead()
    while await projector.step():
        pass
    await connection.close()
    assert projector.last_seq == last
    assert await projected(database_url) == made


async def test_a_reader_finds_everything_while_batches_move(
    database_url: str, tmp_path: Path
) -> None:
    async with running(database_url, segments=Segments(tmp_path)) as engine:
        await engine.send_all(*opening())
        await trade(engine, 350, random().randrange(2**16))
        journal = JournalSource(engine.pool, Segments(tmp_path))
        last = await last_of(engine)
        whole = await rows_between(journal, 0, last)
        seqs = [row.first_seq for row in whole]
        moving = asyncio.create_task(move_all(database_url, tmp_path, behind_projector=False))
        rounds = 0
        while not moving.done() or not rounds:
            rounds += 1
            assert await rows_between(journal, 0, last) == whole
            assert await rows_at(journal, seqs) == whole
            begin, found = 0, []
            while begin < last:
                payloads, begin = await marked_payloads(journal, begin + 1, last, [b"e"])
                found += payloads
            assert found == [row.payload for row in whole]
        assert len(await moving) > 3


class Killed(BaseException):
    """What a move ends by where it is killed."""


def kill_at(step: Step) -> Callable[[Step], None]:
    def at_step(now: Step) -> None:
        if now is step:
            raise Killed

    return at_step


async def test_a_move_may_be_killed_anywhere(database_url: str, tmp_path: Path) -> None:
    async with running(database_url, segments=Segments(tmp_path)) as engine:
        await engine.send_all(*opening())
        await trade(engine, 300, random().randrange(2**16))
        journal = JournalSource(engine.pool, Segments(tmp_path))
        last = await last_of(engine)
        whole = await rows_between(journal, 0, last)
        options = {"behind_projector": False}
        for step in Step:
            if step is Step.CHECKED:
                # Else what the kill before has left would be gone on with, and not written.
                (left,) = tmp_path.glob("*.segment")
                left.unlink()
            async with mover(database_url, tmp_path, **options, at_step=kill_at(step)) as one:
                await one.begin()
                with pytest.raises(Killed):
                    await one.move()
            known = await engine.pool.fetchval("SELECT count(*) FROM journal_segments")
            assert known == (step is Step.MOVED)
            assert await rows_between(journal, 0, last) == whole
        moved = await move_all(database_url, tmp_path, **options)
        assert await rows_between(journal, 0, last) == whole
        files = sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".part")
        assert files == sorted(
            row["file"] for row in await engine.pool.fetch("SELECT file FROM journal_segments")
        )
        assert len(files) == len(moved) + 1
        assert await failed(database_url, tmp_path) == []


async def test_a_file_that_was_left_behind_is_gone_on_with(
    database_url: str, tmp_path: Path
) -> None:
    async with running(database_url, segments=Segments(tmp_path)) as engine:
        await engine.send_all(*opening())
        await trade(engine, 130, 3)
        whole = {"behind_projector": False, "segment_bytes": 10**9}
        async with mover(database_url, tmp_path, **whole, at_step=kill_at(Step.RENAMED)) as one:
            await one.begin()
            with pytest.raises(Killed):
                await one.move(partly=True)
        (left,) = tmp_path.glob("*.segment")
        written_at = left.stat().st_mtime_ns
        await trade(engine, 200, 4)
        first, *_ = await move_all(database_url, tmp_path, **whole)
        assert first.file == left.name
        assert left.stat().st_mtime_ns == written_at
        # One that is damaged is written anew.
        async with mover(
            database_url, tmp_path, **whole | {"kept_commands": 60}, at_step=kill_at(Step.RENAMED)
        ) as one:
            await one.begin()
            with pytest.raises(Killed):
                await one.move(partly=True)
        rows = await engine.pool.fetch("SELECT file FROM journal_segments")
        known = {row["file"] for row in rows}
        (damaged,) = (path for path in tmp_path.glob("*.segment") if path.name not in known)
        content = bytearray(damaged.read_bytes())
        content[len(content) // 3] ^= 1
        damaged.write_bytes(content)
        await move_all(database_url, tmp_path, **whole | {"kept_commands": 60})
        assert await failed(database_url, tmp_path) == []


async def test_only_what_may_go_goes(database_url: str, tmp_path: Path) -> None:
    async with running(database_url, segments=Segments(tmp_path)) as engine:
        await engine.send_all(*opening())
        await trade(engine, 200, 5)
        last = await last_of(engine)
        assert await move_all(database_url, tmp_path) == [], "the projector has followed nothing"
        assert await move_all(database_url, tmp_path, behind_projector=False, kept_us=10**9) == []
        async with mover(
            database_url, tmp_path, behind_projector=False, segment_bytes=10**9
        ) as one:
            await one.begin()
            assert await one.move() is None, "it doesn't fill a file"
            with pytest.raises(MoverBusy):
                await move_all(database_url, tmp_path)
        moved = await move_all(database_url, tmp_path, behind_projector=False)
        assert last - KEPT - 10 < moved[-1].last_seq <= last - KEPT
        assert [oct(path.stat().st_mode & 0o777) for path in tmp_path.glob("*.segment")] == [
            "0o600"
        ] * len(moved)
        with pytest.raises(SegmentUnreadable, match="JOURNAL_FOLDER"):
            await move_all(database_url, tmp_path / "other")


async def test_a_journal_that_does_not_chain_stays_where_it_is(
    database_url: str, tmp_path: Path
) -> None:
    async with running(database_url, segments=Segments(tmp_path)) as engine:
        await engine.send_all(*opening())
        await trade(engine, 200, 6)
        await engine.pool.execute("UPDATE journal SET at = at + 1 WHERE first_seq > 30")
        count = await engine.pool.fetchval("SELECT count(*) FROM journal")
        with pytest.raises(HistoryMismatch, match="doesn't follow on"):
            await move_all(database_url, tmp_path, behind_projector=False)
        assert await engine.pool.fetchval("SELECT count(*) FROM journal") == count
