"""`probity export`: files and manifests that `docs/examples/check_export.py` finds to be whole, and
finds out when they are not.
"""

import asyncio
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from exchange.messages.commands import OpenAccount
from gateway.cli.main import main
from gateway.markets.exports.jobs import DailySummaries
from gateway.observability.logs import configure_logs
from persistence.clock import now_us
from persistence.exports import parquet
from persistence.exports.kept_summaries import KeptSummaries
from persistence.postgres.database import create_pool
from persistence.repositories.candles import DAY_US
from tests.gateway.markets.past.recorded import project_all, run_all
from tests.persistence.random_orders import commands, opening
from tests.persistence.running import running

ROOT = Path(__file__).parents[3]
FORMATS = ("csv", "parquet") if parquet.is_there() else ("csv",)


def export(database_url: str, *arguments: str) -> Result:
    return CliRunner(env={"DATABASE_URL": database_url}).invoke(main, ["export", *arguments])


def check(*manifests: Path) -> tuple[int, str]:
    """Run the example as a reader does."""
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "examples" / "check_export.py", *manifests],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


async def a_past(url: str) -> None:
    async with running(url) as engine:
        await run_all(engine, [*opening(), *commands(31, 250)])
    await project_all(url)


@pytest.mark.parametrize("form", FORMATS)
def test_files_are_what_their_manifests_say(database_url: str, tmp_path: Path, form: str) -> None:
    asyncio.run(a_past(database_url))
    manifests: list[Path] = []
    for kind in ("trades", "candles", "deltas", "orders"):
        done = export(
            database_url,
            *(kind, "--market", "market-0", "--format", form, "--folder", str(tmp_path / "out")),
        )
        assert done.exit_code == 0, done.output
        name = f"market-0-{kind}{'-1m' if kind == 'candles' else ''}.{form}"
        manifest: dict[str, Any] = json.loads(
            (tmp_path / "out" / f"{name}.manifest.json").read_text("utf-8")
        )
        assert f"{name}: {manifest['rows']} rows, {manifest['bytes']} bytes" in done.stdout
        assert manifest["rows"] > 0
        assert (manifest["kind"], manifest["slug"], manifest["marketId"]) == (kind, "market-0", "1")
        assert manifest["asOfSeq"] > 250
        assert all(column["name"] for column in manifest["columns"])
        manifests.append(tmp_path / "out" / f"{name}.manifest.json")
    assert not list((tmp_path / "out").glob("*.part"))
    code, said = check(*manifests)
    assert (code, said.count(": ok\n")) == (0, 4)
    damaged = tmp_path / "out" / f"market-0-trades.{form}"
    body = bytearray(damaged.read_bytes())
    body[len(body) // 2] ^= 1
    damaged.write_bytes(body)
    code, said = check(*manifests)
    assert code == 1
    assert "has the SHA-256" in said
    damaged.write_bytes(bytes(body[:-1]))
    assert "bytes, not" in check(manifests[0])[1]
    damaged.unlink()
    assert "isn't there" in check(manifests[0])[1]


def test_candles_reach_as_far_as_the_projector_and_their_files_say_which_they_are(
    database_url: str, tmp_path: Path
) -> None:
    projected = 0

    async def half_projected() -> None:
        nonlocal projected
        async with running(database_url) as engine:
            await run_all(engine, [*opening(), *commands(31, 250)])
            projected = await project_all(database_url)
            await run_all(engine, [*commands(32, 60)])

    asyncio.run(half_projected())

    def manifest(*arguments: str, name: str) -> dict[str, Any]:
        folder = ("--folder", str(tmp_path))
        done = export(database_url, *arguments, "--market", "market-0", *folder)
        assert done.exit_code == 0, done.output
        found: dict[str, Any] = json.loads((tmp_path / f"{name}.manifest.json").read_text("utf-8"))
        assert found["file"] == name
        return found

    candles = [
        manifest("candles", "--interval", span, name=f"market-0-candles-{span}.csv")
        for span in ("1m", "1h", "1d")
    ]
    assert [one["asOfSeq"] for one in candles] == [projected] * 3
    assert [one["intervalSeconds"] for one in candles] == [60, 3_600, 86_400]
    trades = manifest("trades", name="market-0-trades.csv")
    assert trades["asOfSeq"] > projected
    assert check(*tmp_path.glob("*.manifest.json"))[0] == 0


def test_a_day_is_summed_up_as_it_is_served(database_url: str, tmp_path: Path) -> None:
    today = now_us() // DAY_US

    async def served() -> tuple[bytes, bytes]:
        async with running(database_url) as engine:
            await run_all(engine, [*opening(), *commands(31, 250)])
            engine.clock.fixed = (today + 1) * DAY_US
            await engine.send(OpenAccount(99, 0))
        await project_all(database_url)
        pool = await create_pool(database_url, size=1)
        kept = KeptSummaries(pool)
        await DailySummaries(kept, configure_logs("error", io.StringIO())).run({})
        found = await kept.find(today)
        await pool.close()
        assert found is not None
        return found

    manifest, body = asyncio.run(served())
    day = json.loads(manifest)["day"]
    done = export(database_url, "summary", "--day", day, "--folder", str(tmp_path))
    assert done.exit_code == 0, done.output
    file = tmp_path / f"{day}-summary.csv"
    beside = tmp_path / f"{day}-summary.csv.manifest.json"
    assert (beside.read_bytes(), file.read_bytes()) == (manifest, body)
    assert check(beside) == (0, f"{beside}: ok\n")
    assert {*tmp_path.iterdir()} == {file, beside}


def test_what_cannot_be_exported_is_said_in_a_line(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = ("--folder", str(tmp_path))
    for arguments, code, said in (
        (("trades", "--market", "none"), 1, "there is no market 'none'"),
        (("trades", "--market", "1", "--from", "soon"), 2, "--from: must be an ISO-8601 time"),
        (
            ("trades", "--market=1", "--from=2026-02-01T00:00:00Z", "--to=2026-01-01T00:00:00Z"),
            2,
            "--to: must not lie before --from",
        ),
        (
            ("trades", "--market=1", "--from=2099-02-01T00:00:00Z"),
            2,
            "--from: lies in the future",
        ),
        (("fills", "--market", "1"), 2, "'fills' is not one of"),
        (("trades",), 2, "--market: is needed"),
        (("trades", "--market", "1", "--day", "2026-01-01"), 2, "no --day, but for a summary"),
        (("summary",), 2, "--day: must be a day, e.g. 2026-11-25"),
        (("summary", "--day", "2026-02-30"), 2, "--day: must be a day"),
        (("summary", "--day", "2026-01-01", "--market", "1"), 2, "--day: goes with --folder"),
        (("summary", "--day", "2099-01-01"), 1, "--day: the day isn't over"),
    ):
        done = export(database_url, *arguments, *folder)
        assert done.exit_code == code, done.output
        assert said in done.output
    monkeypatch.setattr(parquet, "is_there", lambda: False)
    done = export(database_url, "trades", "--market", "1", "--format", "parquet")
    assert (done.exit_code, parquet.MISSING in done.output) == (1, True)
    done = export("postgresql://nobody@127.0.0.1:1/none", "trades", "--market", "1", *folder)
    assert done.exit_code == 1
    assert "can't be reached" in done.output
    assert not list(tmp_path.iterdir())
