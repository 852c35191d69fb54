"""`probity backtest`, as somebody at a terminal has it."""

import re
import shlex
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from gateway.cli.backtest.command import backtest_command
from gateway.cli.main import main
from gateway.research.tape.events import TapeEvent
from gateway.research.tape.files import read_tape, write_tape
from tests.gateway.research.told import book, bought, ended, listed, sold

MINE = """
import msgspec
from gateway.research.strategy import Book, Strategy


class Once(Strategy):
    class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        size: int = 100

    def on_book(self, book: Book) -> None:
        if not self.desk.position(book.market).net and book.asks:
            self.desk.bid(book.market, book.asks[0].price, self.parameters.size)
"""


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    """A tape of a market that ends YES."""
    path = tmp_path / "tape.jsonl"
    events: list[TapeEvent] = [
        listed(title="<script>alert(1)</script>"),
        book(1, [(5_000, 300)], [(5_200, 400)]),
        sold(2, 5_000, 10),
        bought(3, 5_200, 10),
        book(4, [(5_000, 300)], [(5_200, 400)]),
        ended(9, 10_000),
    ]
    write_tape(path, events)
    return path


def run(*arguments: str | Path) -> Result:
    """Run the command."""
    return CliRunner().invoke(backtest_command, [str(one) for one in arguments])


def results(path: Path) -> list[dict[str, Any]]:
    """Read what `--json` wrote."""
    read: list[dict[str, Any]] = msgspec.json.decode(path.read_bytes())
    return read


def test_a_strategy_of_ones_own_runs_on_a_tape(tmp_path: Path, tape: Path) -> None:
    mine, written, page = tmp_path / "once.py", tmp_path / "r.json", tmp_path / "r.html"
    mine.write_text(MINE)
    arguments = ("--tape", tape, "--json", written, "--report", page, "--latency-ms", "0")
    done = run(mine, *arguments)
    assert done.exit_code == 0, done.output
    assert "Once on 6 events, fill model trades" in done.stdout
    assert "0.480000" in done.stdout
    [result] = results(written)
    assert result["figures"]["net"] == 4_800 * 100
    assert result["executions"][0]["price"] == 5_200
    text = page.read_text()
    assert text.count("<svg") == text.count('<div class="wide" tabindex="0"><svg') == 3
    assert "color: var(--up)" in text, "the triangles of the legend look like those in the picture"
    assert "BUY" in text
    for foreign in ("http:", "https:", "<script", "src=", "@import"):
        assert foreign not in text
    before = written.read_bytes()
    run(mine, *arguments)
    assert written.read_bytes() == before


def test_a_strategy_may_have_annotations_that_are_looked_up_later(
    tmp_path: Path, tape: Path
) -> None:
    mine = tmp_path / "once.py"
    imports = "from __future__ import annotations\nfrom dataclasses import dataclass\n"
    noted = "@dataclass\nclass Noted:\n    at: int\n"
    mine.write_text(imports + MINE.replace("size: int", "size: Size") + noted)
    mine.write_text(mine.read_text().replace("class Once", "Size = int\n\n\nclass Once", 1))
    done = run(mine, "--tape", tape, "--param", "size=5")
    assert done.exit_code == 0, done.output


def test_a_sweep_is_a_run_for_each(tmp_path: Path, tape: Path) -> None:
    mine, written = tmp_path / "once.py", tmp_path / "r.json"
    mine.write_text(MINE)
    done = run(
        mine, "--tape", tape, "--sweep", "size=100,200", "--latency-ms", "0", "--json", written
    )
    assert [one["figures"]["net"] for one in results(written)] == [480_000, 960_000]
    assert "size=100" in done.stdout
    assert "size=200" in done.stdout


def test_the_table_says_of_what_a_ratio_is_under_a_heading_of_one_line(tape: Path) -> None:
    done = run("market-maker", "--tape", tape)
    assert "MarketMaker on 6 events, fill model trades" in done.stdout
    for row in ("returns of an hour", "Sharpe of these, a year", "Sortino of these, a year"):
        assert row in done.stdout


def test_a_range_of_a_tape(tmp_path: Path, tape: Path) -> None:
    written = tmp_path / "r.json"
    start = "1970-01-01T00:00:03Z"
    done = run(
        "momentum", "--tape", tape, "--from", start, "--to", "1970-01-01T00:00:06Z",
        "--json", written,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert results(written)[0]["events"] == 4, "the listing, and three within"


def test_the_figures_of_a_range_are_the_ranges(tmp_path: Path) -> None:
    """Neither the days before it count, nor markets that ended in them."""
    path, written = tmp_path / "tape.jsonl", tmp_path / "r.json"
    hour, begin = 3_600, 240 * 3_600
    books = [book(begin + n * hour, [(5_000 - n * 100, 900)], []) for n in range(4)]
    write_tape(path, [listed("over"), listed(), ended(9, 0, "over"), *books])
    start = "1970-01-11T00:00:01Z"
    done = run("momentum", "--tape", path, "--from", start, "--json", written)
    assert done.exit_code == 0, done.output
    [result] = results(written)
    assert result["begunAt"] == (begin + 1) * 1_000_000
    assert (result["events"], result["figures"]["periods"]) == (5, 3)


def test_the_sample_needs_no_file(tmp_path: Path) -> None:
    done = run("market-maker", "--tape", "sample", "--json", tmp_path / "r.json")
    assert done.exit_code == 0, done.output
    assert results(tmp_path / "r.json")[0]["figures"]["fills"] > 30


def test_the_command_is_one_of_probitys() -> None:
    assert "backtest" in CliRunner().invoke(main, ["--help"]).output


BACKWARDS = ("--from", "2026-01-02T00:00:00Z", "--to", "2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nobody", "--tape", "sample"), "nobody: neither a file of Python nor one of"),
        (("gone.py", "--tape", "sample"), "gone.py: there is no such file"),
        (("momentum", "--tape", "gone.jsonl"), "gone.jsonl: No such file"),
        (("momentum", "--tape", "sample", "--param", "most"), "--param most: must be name=value"),
        (("momentum", "--tape", "sample", "--param", "pace=1"), "pace"),
        (("momentum", "--tape", "sample", "--param", "most=0"), "most"),
        (
            ("momentum", "--tape", "sample", "--param", "most=1", "--sweep", "most=1,2"),
            "most: is both set and swept",
        ),
        (
            ("momentum", "--tape", "sample", "--sweep", "most=" + ",".join("1" * 1_001)),
            "1001 runs are more than 1000",
        ),
        (("momentum", "--tape", "sample", "--cash", "0"), "--cash must lie between"),
        (("momentum", "--tape", "sample", "--cash", "many"), "--cash must be"),
        (("momentum", "--tape", "sample", "--from", "yesterday"), "from"),
        (("momentum", "--tape", "sample", "--latency-ms", "-1"), "--latency-ms"),
        (("momentum", "--tape", "sample", "--latency-ms", "nan"), "--latency-ms"),
        (("momentum", "--tape", "sample", *BACKWARDS), "to: must not lie before from"),
        (
            ("momentum", "--tape", "sample", "--from", "2027-01-01T00:00:00Z"),
            "there is no event to play",
        ),
    ],
)
def test_what_is_given_wrongly_is_named(arguments: tuple[str, ...], told: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert told in done.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = 1", "defines 0 strategies"),
        (MINE + "\nclass Other(Once): ...", "defines 2 strategies"),
        ("raise RuntimeError('no')", "RuntimeError: no"),
        ("def (", "SyntaxError"),
    ],
)
def test_a_file_that_is_no_strategy_is_named(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(text)
    done = run(path, "--tape", "sample")
    assert done.exit_code == 2
    assert told in done.stderr


def test_a_tape_that_breaks_its_laws_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    write_tape(path, [listed(), bought(1, 5_001, 1)])
    done = run("momentum", "--tape", path)
    assert done.exit_code == 2
    assert "event 2 (m): price 5001" in done.stderr


def test_the_document_says_what_runs(tmp_path: Path) -> None:
    """Its tape, its strategy and its commands are taken out of it and run."""
    text = (Path(__file__).parents[3] / "docs" / "backtesting.md").read_text()
    blocks = dict(re.findall(r"```(json|python)\n(.*?)```", text, re.DOTALL))
    tape, mine = tmp_path / "tape.jsonl", tmp_path / "cheap.py"
    tape.write_text(blocks["json"])
    mine.write_text(blocks["python"])
    assert len(list(read_tape(tape))) == 4
    commands = re.findall(r"^probity backtest (.* --tape .*)$", text, re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        given = shlex.split(command.replace("cheap.py", str(mine)))
        written = {"report.html": "report.html", "results.json": "results.json"}
        done = run(*(tmp_path / one if one in written else one for one in given))
        assert done.exit_code == 0, done.output
    assert results(tmp_path / "results.json")[0]["figures"]["fills"] > 100
    done = run(mine, "--tape", "sample", "--param", "below=9000", "--json", tmp_path / "r.json")
    assert results(tmp_path / "r.json")[0]["figures"]["filled"] == 100


@pytest.mark.parametrize("option", ["--json", "--report"])
def test_where_nothing_can_be_written_is_told_before_the_run(
    tmp_path: Path, tape: Path, option: str
) -> None:
    missing = tmp_path / "nowhere" / "file"
    done = run("momentum", "--tape", tape, option, missing)
    assert (done.exit_code, done.stdout) == (2, "")
    assert str(missing) in done.stderr
    done = run("momentum", "--tape", tape, option, tmp_path)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "is a directory" in done.stderr
