"""A journal that was moved to files is looked at there, where they are; and while it is moved."""

import asyncio
from pathlib import Path

from persistence.journal.segments.segments import Segments
from tests.persistence.journal.segments.moving import flipped, move_all, mover, random, trade
from tests.persistence.proof.online.days import executed, findings, one_look
from tests.persistence.random_orders import opening
from tests.persistence.running import running


async def test_what_is_moved_meanwhile_is_no_finding(database_url: str, tmp_path: Path) -> None:
    dice = random()
    async with running(database_url, segments=Segments(tmp_path)) as engine:
        await engine.send_all(*opening())
        await trade(engine, 400, dice.randrange(2**16))
        is_over = asyncio.Event()

        async def move() -> None:
            async with mover(database_url, tmp_path, behind_projector=False) as one:
                await one.begin()
                while await one.move(partly=True) is not None:
                    pass
            is_over.set()

        moving = asyncio.create_task(move())
        looks = 0
        while not is_over.is_set() or looks < 3:
            assert (await one_look(database_url, folder=tmp_path)).found == 0
            looks += 1
        await moving
    assert await findings(database_url) == []


async def test_a_byte_of_a_file_that_was_changed_is_found(
    database_url: str, tmp_path: Path
) -> None:
    dice = random()
    async with running(database_url, segments=Segments(tmp_path)) as engine:
        await engine.send_all(*opening())
        await trade(engine, 300, dice.randrange(2**16))
        moved = await move_all(database_url, tmp_path, behind_projector=False)
    assert len(moved) > 1
    assert (await one_look(database_url, folder=tmp_path)).found == 0
    flipped(tmp_path / moved[0].file, dice)
    await one_look(database_url, folder=tmp_path)
    assert {(one.name, one.halts) for one in await findings(database_url)} == {("journal", True)}


async def test_a_file_that_is_not_there_is_told_and_halts_nothing(
    database_url: str, tmp_path: Path
) -> None:
    dice = random()
    async with running(database_url, segments=Segments(tmp_path)) as engine:
        await engine.send_all(*opening())
        await trade(engine, 300, dice.randrange(2**16))
        moved = await move_all(database_url, tmp_path, behind_projector=False)
    path = tmp_path / moved[0].file
    content = path.read_bytes()
    path.unlink()
    await one_look(database_url, folder=tmp_path)
    assert {(one.name, one.halts) for one in await findings(database_url)} == {("journal", False)}
    # There again, and changed, it is another finding.
    path.write_bytes(content[:-30] + bytes(30))
    await one_look(database_url, folder=tmp_path)
    assert {one.halts for one in await findings(database_url)} == {False, True}


async def test_where_there_are_no_files_their_part_is_added_up(
    database_url: str, tmp_path: Path
) -> None:
    dice = random()
    async with running(database_url, segments=Segments(tmp_path)) as engine:
        await engine.send_all(*opening())
        await trade(engine, 300, dice.randrange(2**16))
        await move_all(database_url, tmp_path, behind_projector=False)
    nowhere = tmp_path / "nothing"
    for folder in (nowhere, None):
        assert (await one_look(database_url, folder=folder)).found == 0
    entry = "(SELECT min(command_seq) FROM ledger WHERE kind = 4)"
    await executed(
        database_url, f"UPDATE ledger SET available = available + 1 WHERE command_seq = {entry}"
    )
    await one_look(database_url, folder=nowhere)
    assert {one.name for one in await findings(database_url)} == {"ledger"}
