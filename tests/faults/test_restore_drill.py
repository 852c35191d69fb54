"""The drill: back up under load, lose the machine, put the backup back, prove it and trade on.

What was answered before the backup began is in it, word for word; what came after its head is gone,
and said to be; nothing else differs.
"""

import asyncio
import random
import shutil
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from gateway.accounts.sessions.keys import key_files
from gateway.sealing.settings import KEY_FILE
from persistence.journal.tip import Tip
from tests.faults.conftest import MakeServer
from tests.faults.trading_load import Trader, answered, everybody_trades, some_answers
from tests.lengths import length
from tests.server_process import ServerProcess, until

BACKUP_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
BEFORE, AFTER = length(300, long=20_000), 150
SLUG = "rain-tomorrow"


async def trades(server: ServerProcess, up_to: int) -> list[Any]:
    async with server.database() as connection:
        rows = await connection.fetch(
            "SELECT * FROM trades WHERE command_seq <= $1 ORDER BY market_id, trade_no", up_to
        )
        return [tuple(row) for row in rows]


async def last_seq(server: ServerProcess) -> int:
    async with server.database() as connection:
        seq: int = await connection.fetchval("SELECT last_seq FROM engine_state")
        return seq


def known_to_tip(server: ServerProcess) -> int:
    [tip] = msgspec.json.decode(
        (server.data_dir / "tip").read_bytes(), type=dict[str, Tip]
    ).values()
    return tip.seq


def done(server: ServerProcess, *arguments: str) -> str:
    ran = server.run(*arguments)
    print(ran.stdout, ran.stderr)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def lose_the_machine(server: ServerProcess, kept: Path) -> Path:
    """Keep what an operator has elsewhere, the keys, in a folder; the rest is gone."""
    kept.mkdir()
    for path in (*key_files(server.data_dir), server.data_dir / KEY_FILE):
        if path.exists():
            shutil.copy2(path, kept)
    server.kill()
    server.kill_database()
    server.clean_up()
    shutil.rmtree(server.data_dir)
    return kept


@pytest.mark.slow
async def test_what_was_acknowledged_before_a_backup_is_there_after_a_restore(
    make_server: MakeServer, tmp_path: Path
) -> None:
    settings = {"BACKUP_KEY": BACKUP_KEY, "BACKUP_FOLDER": str(tmp_path / "elsewhere")}
    lost = make_server("lost", **settings)
    await asyncio.to_thread(lost.start)
    await asyncio.to_thread(lost.market, SLUG)
    people = [await asyncio.to_thread(lost.trader) for _ in range(4)]
    traders = [Trader(lost, SLUG, *who, random.Random(n)) for n, who in enumerate(people)]
    stop = asyncio.Event()
    lanes = [*everybody_trades(traders, stop)]
    await some_answers(traders, BEFORE)
    told = {t.id: [p for p in t.placings.values() if p.told is not None] for t in traders}
    said = await asyncio.to_thread(done, lost, "backup")
    assert "sealed" in said
    await some_answers(traders, answered(traders) + AFTER)
    stop.set()
    await asyncio.gather(*lanes)
    [backup] = (tmp_path / "elsewhere").iterdir()
    head = int(backup.stem.rpartition("-")[2])
    last = await last_seq(lost)
    assert last > head
    before = await trades(lost, head)
    assert before

    # The file follows a commit within half a second, and all of AFTER may take less than that.
    await until(lambda: known_to_tip(lost) == last, 10)
    tip = (lost.data_dir / "tip").read_bytes()
    kept = lose_the_machine(lost, tmp_path / "kept")

    found = make_server("found", **settings)
    shutil.copytree(kept, found.data_dir)
    (found.data_dir / "tip").write_bytes(tip)
    refused = await asyncio.to_thread(found.run, "restore", str(backup))
    assert refused.returncode == 1
    assert f"the backup ends at {head}" in refused.stderr
    assert not (found.data_dir / "postgres").exists()
    said = await asyncio.to_thread(done, found, "restore", str(backup), "--accept-tip")
    assert "FAIL" not in said
    assert said.endswith(f"Restored up to command {head}.\n")
    await asyncio.to_thread(found.start, "--accept-tip")
    assert await last_seq(found) >= head
    assert await trades(found, head) == before
    async with httpx.AsyncClient(base_url=f"{found.url}/api/v1", timeout=30) as client:
        for trader in traders:
            trader.server = found
            await trader.repeat(client, told[trader.id])
            placing = trader.new_placing()
            placing.told = await trader.post(client, placing.body)
            assert placing.told is not None
            assert not placing.told.replayed
    assert await asyncio.to_thread(found.end) == 0
    await asyncio.to_thread(done, found, "verify")
