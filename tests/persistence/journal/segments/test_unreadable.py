"""What of the moved journal can't be read is said, with its file and commands; the rest goes on."""

import asyncio
from asyncio.subprocess import PIPE
from pathlib import Path

import msgspec
import pytest

from exchange.messages.bounds import STORED_MAX
from persistence.errors import HistoryMismatch, SchemaError, SegmentUnreadable
from persistence.exports import process as export_process
from persistence.exports.kinds import Export, Format, Kind
from persistence.journal.reader import (
    executions_at,
    rows_after,
    rows_between,
)
from persistence.journal.scattered import row_sizes, rows_at
from persistence.journal.segments.segments import Segment, Segments
from persistence.journal.source import JournalSource
from persistence.postgres import migrate
from persistence.postgres.database import DeadlinePool
from tests.gateway.markets.past.recorded import project_all
from tests.persistence.journal.segments.moving import (
    failed,
    flipped,
    last_of,
    move_all,
    random,
    streamed,
    trade,
)
from tests.persistence.random_orders import opening
from tests.persistence.running import running


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
