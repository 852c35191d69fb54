"""The journal is moved to files under a running engine: what is read of it stays the same, wherever
a move was killed, and what can't be read is said.
"""

import asyncio
import os
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from exchange.messages.bounds import STORED_MAX
from exchange.messages.events import OrderPlaced, TradeExecuted
from persistence.errors import HistoryMismatch, SchemaError, SegmentUnreadable
from persistence.exports import process as export_process
from persistence.exports.kinds import Export, Format, Kind
from persistence.journal import marked
from persistence.journal.marked import mark_of, marked_payloads
from persistence.journal.reader import (
    executions_after,
    executions_at,
    hash_at,
    rows_after,
    rows_between,
    stream,
)
from persistence.journal.rows import JournalRow
from persistence.journal.scattered import row_sizes, rows_at
from persistence.journal.segments.mover import SESSION, JournalMover, MoverBusy, Step
from persistence.journal.segments.segments import Segment, Segments
from persistence.journal.source import JournalSource
from persistence.postgres import migrate
from persistence.postgres.database import DeadlinePool, connect
from persistence.projection.process import projections
from persistence.projection.projector import Projector
from persistence.proof.verification import verify
from tests.gateway.markets.past.recorded import project_all
from tests.lengths import length
from tests.persistence.random_orders import commands, opening
from tests.persistence.running import Running, running

MARKS = [mark_of(OrderPlaced), mark_of(TradeExecuted)]
KEPT = 100
SEGMENT_BYTES = 12_000


def random(name: str = "SEED") -> Random:
    seed = int(os.environ.get(name, Random().randrange(2**32)))
    print(f"{name}={seed}")
    return Random(seed)


async def trade(engine: Running, count: int, seed: int) -> None:
    """Commands in batches of all sizes."""
    some = [*commands(seed, count)]
    while some:
        part, some = some[: seed % 7 + 1], some[seed % 7 + 1 :]
        await engine.send_all(*part)
        seed = seed * 5 + 1


@asynccontextmanager
async def mover(url: str, folder: Path, **options: Any) -> AsyncIterator[JournalMover]:
    """A mover that may take everything but the last hundred commands."""
    connection = await connect(url, settings=SESSION)
    options = {"kept_us": 0, "kept_commands": KEPT, "segment_bytes": SEGMENT_BYTES} | options
    try:
        yield JournalMover(connection, folder, **options)
    finally:
        connection.terminate()
        await asyncio.sleep(0)


async def move_all(url: str, folder: Path, **options: Any) -> list[Segment]:
    found = []
    async with mover(url, folder, **options) as one:
        await one.begin()
        while (segment := await one.move(partly=True)) is not None:
            found.append(segment)
    return found


async def streamed(url: str, segments: Segments | None) -> list[JournalRow]:
    connection = await connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return [row async for row in stream(connection, segments)]
    finally:
        await connection.close()


async def everything_read(
    pool: DeadlinePool, segments: Segments | None, dice: Random, last: int
) -> list[Any]:
    """What every reader says of the journal up to the command `last`, which ends a batch, at places
    that the dice choose.
    """
    journal = JournalSource(pool, segments)
    whole = [row for row in await streamed(pool.url, segments) if row.last_seq <= last]
    told: list[Any] = [whole]
    for _ in range(length(8, long=100)):
        begin, end = sorted(dice.choices(range(1, last + 1), k=2))
        seqs = sorted(set(dice.choices(range(1, last + 1), k=dice.choice((1, 5, 60)))))
        told += [
            await rows_after(journal, whole[dice.randrange(len(whole) - 4)].last_seq),
            await rows_between(journal, begin, end),
            [one for one in await executions_after(journal, begin - 1) if one.seq <= last],
            await executions_at(journal, seqs),
            await rows_at(journal, seqs),
            await row_sizes(journal, seqs),
            await marked_payloads(journal, begin, end, MARKS[: dice.choice((1, 2))]),
            await hash_at(journal, begin),
            await hash_at(journal, whole[dice.randrange(len(whole))].last_seq),
        ]
    return [*told, await rows_after(journal, 0), await rows_between(journal, 0, last)]


async def last_of(engine: Running) -> int:
    """The last command of the newest batch."""
    last: int = await engine.pool.fetchval("SELECT max(last_seq) FROM journal")
    return last


async def failed(url: str, folder: Path) -> list[str]:
    """What `verify` finds wrong."""
    connection = await connect(url)
    try:
        results = [one async for one in verify(connection, None, Segments(folder))]
    finally:
        await connection.close()
    return [one.detail for one in results if not one.passed]


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


def flipped(path: Path, dice: Random) -> None:
    content = bytearray(path.read_bytes())
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    path.write_bytes(content)


async def unreadable(pool: DeadlinePool, folder: Path | None, moved: list[Segment]) -> None:
    """Check that reading all of it names a file of these and its commands."""
    with pytest.raises(SegmentUnreadable) as told:
        await streamed(pool.url, Segments(folder))
    assert any(
        f"commands {one.first_seq} to {one.last_seq} lie in the file {one.file}" in str(told.value)
        for one in moved
    )


async def test_what_cannot_be_read_is_said_and_the_rest_goes_on(
    database_url: str, tmp_path: Path
) -> None:
    dice = random()
    async with running(database_url, segments=Segments(tmp_path)) as engine:
        await engine.send_all(*opening())
        await trade(engine, 250, dice.randrange(2**16))
        moved = await move_all(database_url, tmp_path, behind_projector=False)
        last = await last_of(engine)
        path = tmp_path / moved[1].file
        whole = path.read_bytes()
        await unreadable(engine.pool, None, moved[:1])
        for _ in range(30):
            flipped(path, dice)
            await unreadable(engine.pool, tmp_path, moved[1:2])
            path.write_bytes(whole)
        path.write_bytes(whole[: dice.randrange(len(whole))])
        await unreadable(engine.pool, tmp_path, moved[1:2])
        path.write_bytes((tmp_path / moved[0].file).read_bytes())
        with pytest.raises(SegmentUnreadable, match="another part"):
            await rows_at(JournalSource(engine.pool, Segments(tmp_path)), [moved[1].last_seq])
        path.unlink()
        (problem,) = await failed(database_url, tmp_path)
        assert moved[1].file in problem
        journal = JournalSource(engine.pool, Segments(tmp_path))
        for _ in range(2):
            with pytest.raises(SegmentUnreadable, match="isn't in the journal's folder"):
                await rows_between(journal, moved[1].first_seq, last)
        assert (await rows_after(journal, 0))[0].first_seq == 1, "the files beside it are read"
        assert (await rows_between(journal, moved[-1].last_seq, last))[-1].last_seq == last
        await trade(engine, 10, 1)
        path.write_bytes(whole)
        assert await failed(database_url, tmp_path) == []


async def test_an_export_without_its_files_says_so_and_writes_nothing(
    database_url: str, tmp_path: Path
) -> None:
    async with running(database_url) as engine:
        await engine.send_all(*opening())
        await trade(engine, 200, 9)
    await project_all(database_url)
    await move_all(database_url, tmp_path)
    export = Export(Kind.DELTAS, 1, 0, STORED_MAX, 60)
    written, said, code = [], b"", 0
    for folder in (tmp_path, tmp_path / "elsewhere"):
        process = await asyncio.create_subprocess_exec(
            *export_process.COMMAND, stdin=PIPE, stdout=PIPE, stderr=PIPE
        )
        order = export_process.Order(database_url, export, Format.CSV, 60, str(folder))
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode(order) + b"\n")
        assert process.stdout is not None
        written.append(await process.stdout.read())
        assert process.stderr is not None
        said, code = await process.stderr.read(), await process.wait()
    assert code == export_process.UNREADABLE
    assert b"isn't in the journal's folder" in said
    assert written[0].count(b"\n") > 3
    assert written[1] == b""


async def test_a_batch_that_is_in_no_place_is_missed(database_url: str, tmp_path: Path) -> None:
    async with running(database_url, segments=Segments(tmp_path)) as engine:
        await engine.send_all(*opening())
        await trade(engine, 200, 7)
        moved = await move_all(database_url, tmp_path, behind_projector=False)
        journal = JournalSource(engine.pool, Segments(tmp_path))
        seq = moved[-1].last_seq + 1
        await engine.pool.execute("DELETE FROM journal WHERE first_seq = $1", seq)
        for ask in (executions_at, rows_at, row_sizes):
            with pytest.raises(HistoryMismatch, match=f"doesn't hold command {seq}"):
                await ask(journal, [seq])
        (problem,) = await failed(database_url, tmp_path)
        assert f"follows {moved[-1].last_seq}" in problem


async def test_the_schema_of_before_is_refused_while_files_hold_something(
    database_url: str, tmp_path: Path
) -> None:
    async with running(database_url, segments=Segments(tmp_path)) as engine:
        await engine.send_all(*opening())
        await trade(engine, 200, 8)
        await move_all(database_url, tmp_path, behind_projector=False)
    with pytest.raises(SchemaError, match="lie in files"):
        await migrate.downgrade(database_url, "0023")
