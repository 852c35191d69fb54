"""`probity backtest`: run a strategy on a tape, and show what became of it.

Laws: nothing is written to an exchange. The bar is drawn on stderr, on a terminal only; the table
goes to stdout, JSON and the report to files. The same tape, strategy, parameters and seed give the
same JSON, byte for byte.
"""

import asyncio
import math
import os
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from exchange.messages.bounds import MONEY_SCALE
from exchange.messages.errors import MalformedNumber
from exchange.messages.units import parse_money
from gateway.bootstrap.compose import open_database
from gateway.bootstrap.parts import segments_of
from gateway.bootstrap.settings import Settings, load_settings
from gateway.cli.backtest.loading import NotLoaded, pairs, strategy_of, sweep
from gateway.cli.backtest.report import report
from gateway.cli.backtest.rows import ROWS, shown
from gateway.feeds.known import OURS, MarketRef
from gateway.research.backtest.result import CASH, CASH_MAX, LATENCY_US, Result, Setup, backtest
from gateway.research.playing import SAMPLE, Played, Span, play_own, play_tape, play_venue
from gateway.research.strategies import STRATEGIES
from gateway.research.strategy import ParametersRefused, Strategy
from gateway.research.tape.events import TapeRefused
from gateway.research.tape.files import TapeFile
from gateway.research.tape.journal import JournalTape
from gateway.research.tape.snapshots import SnapshotTape
from gateway.settings.reader import SettingsError
from gateway.wire.errors import ValidationFailed
from gateway.wire.scalars import parse_range
from persistence.errors import PersistenceError

_WRITTEN: Final = click.Path(path_type=Path, dir_okay=False, writable=True)
_GIVEN_WRONGLY: Final = (
    NotLoaded,
    ParametersRefused,
    TapeRefused,
    MalformedNumber,
    ValidationFailed,
    SettingsError,
)
_HELP = f"""Test STRATEGY, one of {", ".join(STRATEGIES)} or a file of Python, on a tape."""


@click.command("backtest", help=_HELP)
@click.argument("strategy")
@click.option("--tape", help="A file (.jsonl, .jsonl.gz), or `sample`: made up.")
@click.option(
    "--market",
    "markets",
    multiple=True,
    help="Instead: slug or id of a market of this exchange, or PLATFORM:ID of another venue's, as"
    " the feed has stored it; several of those are one question.",
)
@click.option("--from", "from_time", help="ISO-8601 time from which the tape is played.")
@click.option("--to", "to_time", help="ISO-8601 time up to which it is.")
@click.option("--param", "params", multiple=True, help="name=value; may be given again.")
@click.option("--sweep", "swept", multiple=True, help="name=a,b,c: a run for each of them.")
@click.option("--cash", default=str(CASH // MONEY_SCALE), show_default=True, help="Credits.")
@click.option(
    "--latency-ms",
    type=click.FloatRange(0, 3_600_000),
    default=LATENCY_US / 1_000,
    show_default=True,
    help="From sending an order to its arrival.",
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option("--prints-only", is_flag=True, help="Let each print show the book behind it.")
@click.option("--json", "json_path", type=_WRITTEN, help="Write results here.")
@click.option("--report", "report_path", type=_WRITTEN, help="Write HTML here.")
def backtest_command(strategy: str, **given: Any) -> None:  # noqa: ANN401 - as click has it
    """Run the command; exit code 2 for what was given wrongly, 1 for what failed."""
    try:
        for name in ("json_path", "report_path"):
            _require_folder(given[name])
        results = list(_runs(strategy_of(strategy), given))
        if results[0].events == 0:
            raise NotLoaded("there is no event to play, or none between --from and --to")
    except _GIVEN_WRONGLY as error:
        click.echo(f"probity backtest: {error}", err=True)
        sys.exit(2)
    except PersistenceError as error:
        click.echo(f"probity backtest: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        click.echo(f"probity backtest: {given['tape']}: {error.strerror}", err=True)
        sys.exit(2)
    Console().print(table(results))
    if given["json_path"] is not None:
        given["json_path"].write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")
    if given["report_path"] is not None:
        best = max(results, key=lambda one: one.figures.net)
        given["report_path"].write_text(report(best), encoding="utf-8")


def _require_folder(path: Path | None) -> None:
    """Raise NotLoaded, before a long run is lost, if a file can't be made where it should be."""
    if path is not None and not (path.parent.is_dir() and os.access(path.parent, os.W_OK)):
        raise NotLoaded(f"{path}: its folder isn't there, or can't be written to")


def _runs(strategy: type[Strategy], given: dict[str, Any]) -> Iterator[Result]:
    """Yield the result of each run."""
    try:
        cash = parse_money(given["cash"], CASH_MAX)
    except MalformedNumber as error:
        raise NotLoaded(f"--cash {error}") from error
    if math.isnan(given["latency_ms"]):
        raise NotLoaded("--latency-ms nan: is no number")
    setup = Setup(latency_us=round(given["latency_ms"] * 1_000), seed=given["seed"])
    span = Span(*parse_range(given["from_time"], given["to_time"]))
    sets = list(sweep(pairs(given["params"], "--param"), pairs(given["swept"], "--sweep")))
    with _played(given, cash, span) as played:
        for number, parameters in enumerate(sets, 1):
            with _bar() as bar:
                shown = f"run {number} of {len(sets)}" if len(sets) > 1 else "run"
                task = bar.add_task(shown, total=1.0)
                draw = partial(_draw, bar, task, played)
                model, tape = played.begin()
                yield backtest(strategy, parameters, model, tape, setup, on_progress=draw)
                bar.update(task, completed=1.0)


@contextmanager
def _played(given: dict[str, Any], cash: int, span: Span) -> Iterator[Played]:
    """Yield what is played; raises NotLoaded unless one thing is asked for."""
    name, markets = given["tape"], given["markets"]
    if (name is None) is (not markets):
        raise NotLoaded("give one of --tape and --market")
    if name is not None:
        source = None if name == SAMPLE else TapeFile(Path(name))
        yield play_tape(source, cash, span, prints_only=given["prints_only"])
        return
    if given["prints_only"]:
        raise NotLoaded("--prints-only: goes with --tape")
    refs = [_venue_market(market) for market in markets]
    theirs = [ref for ref in refs if ref is not None]
    if len(markets) > 1 and len(theirs) < len(refs):
        raise NotLoaded("--market: several are markets of other venues, PLATFORM:ID")
    with _database() as (url, settings), ExitStack() as stack:
        if theirs:
            tape = stack.enter_context(SnapshotTape(url))
            yield play_venue(tape, [tape.market(ref) for ref in theirs], cash, span)
        else:
            journal = stack.enter_context(JournalTape(url, segments_of(settings)))
            yield play_own(journal, markets[0], cash, span)


def _venue_market(name: str) -> MarketRef | None:
    """Return the market of another venue that a name means; None if it means one of ours."""
    platform, colon, external_id = name.partition(":")
    return MarketRef(platform, external_id) if colon and platform != OURS else None


@contextmanager
def _database() -> Iterator[tuple[str, Settings]]:
    """Yield the database of this exchange, whether that runs or not, and its settings."""
    settings = load_settings()
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            database = open_database(settings, join=True, make=False)
            url = runner.run(stack.enter_async_context(database))
            yield settings.store.direct_url or url, settings
        finally:
            runner.run(stack.aclose())


def _draw(bar: Progress, task: TaskID, played: Played, done: int, _at: int) -> None:
    bar.update(task, completed=played.part(done))


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )


def table(results: list[Result]) -> Table:
    """Return a table with a column for each run."""
    first = results[0]
    heading = f"{first.strategy} on {first.events:,} events, fill model {first.model}"
    # On one line, where the terminal has room for it.
    made = Table(title=heading, min_width=len(heading) + 2)
    made.add_column("")
    for result in results:
        swept = {
            name: value
            for name, value in result.parameters.items()
            if any(other.parameters[name] != value for other in results)
        }
        title = "\n".join(f"{name}={value}" for name, value in swept.items())
        made.add_column(title or "all defaults" if len(results) > 1 else "", justify="right")
    for name, title in ROWS:
        made.add_row(title, *(shown(result.figures, name) for result in results))
    return made
