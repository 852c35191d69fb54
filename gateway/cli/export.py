"""`probity export`: a market's past, or the summary of a day, as a file, past any server, with a
manifest beside it.

Laws: nothing is written to the exchange, so a running one may be exported; if none runs, the
embedded database is started for it and stopped again. A file gets its name when it is whole: what
was broken off is left as `.part`. The bar is drawn on stderr, on a terminal only.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar, cast

import click
import msgspec
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from exchange.messages.bounds import STORED_MAX
from gateway.bootstrap.compose import open_database
from gateway.bootstrap.settings import Settings, load_settings
from gateway.markets.exports.summary_routes import parse_day
from gateway.settings.reader import SettingsError
from gateway.wire.errors import ValidationFailed
from gateway.wire.scalars import parse_id, parse_range
from persistence.clock import now_us
from persistence.errors import PersistenceError
from persistence.exports import day_summary, parquet
from persistence.exports.day_summary import DayManifest
from persistence.exports.export import write_export
from persistence.exports.kinds import Export, Format, Kind
from persistence.exports.manifest import HashingSink, Manifest, manifest_of, manifest_text
from persistence.exports.sources import count_of
from persistence.journal.segments.segments import Segments
from persistence.postgres.database import Connection, connect

_SECONDS: Final = {"1m": 60, "1h": 3_600, "1d": 86_400}
T = TypeVar("T")


class CannotExport(Exception):
    """What is asked for isn't there, or can't be written."""


@click.command("export")
@click.argument("kind", type=click.Choice([*(kind.value for kind in Kind), day_summary.KIND]))
@click.option("--market", help="Slug or id of one of our markets; a summary has none.")
@click.option("--day", help="Of a summary, and with it only: e.g. 2026-11-25, UTC.")
@click.option("--from", "from_time", help="ISO-8601 time of the first row; unset: from the first.")
@click.option("--to", "to_time", help="ISO-8601 time of the last row; unset: to the last.")
@click.option(
    "--format",
    "form",
    type=click.Choice([form.value for form in Format]),
    default=Format.CSV.value,
    show_default=True,
)
@click.option(
    "--interval",
    type=click.Choice([*_SECONDS]),
    default="1m",
    show_default=True,
    help="Of candles.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Where the file and its manifest go.",
)
def export_command(
    kind: str,
    market: str | None,
    day: str | None,
    from_time: str | None,
    to_time: str | None,
    form: str,
    interval: str,
    folder: Path,
) -> None:
    """Write a market's trades, candles, deltas or orders, or the summary of a day, to a file, and a
    manifest beside it.

    Numbers are integers in the exchange's units, as the manifest's columns say.
    """
    try:
        settings = load_settings()
        manifest: Manifest | DayManifest
        if kind == day_summary.KIND:
            if market or from_time or to_time or form != Format.CSV.value:
                raise ValidationFailed.of("--day", "goes with --folder alone")
            manifest = _run(export_day(settings, parse_day(day or "", "--day"), folder))
        else:
            if market is None or day is not None:
                raise ValidationFailed.of("--market", "is needed, and no --day, but for a summary")
            wanted = _wanted(Kind(kind), from_time, to_time, form, interval)
            manifest = _run(export_to(settings, market, wanted, Format(form), folder))
    except (SettingsError, ValidationFailed) as error:
        click.echo(f"probity: {error}", err=True)
        sys.exit(2)
    except (PersistenceError, CannotExport, OSError) as error:
        click.echo(f"probity: {error}", err=True)
        sys.exit(1)
    click.echo(f"{folder / manifest.file}: {manifest.rows} rows, {manifest.bytes} bytes")


def _run(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def _wanted(
    kind: Kind, from_time: str | None, to_time: str | None, form: str, interval: str
) -> Export:
    """Return what is wanted of a market that isn't found yet; raises ValidationFailed."""
    first, last = parse_range(from_time, to_time, ("--from", "--to"))
    begin, end = first or 0, STORED_MAX if last is None else last
    if begin > now_us():
        raise ValidationFailed.of("--from", "lies in the future")
    if form == Format.PARQUET.value and not parquet.is_there():
        raise CannotExport(parquet.MISSING)
    return Export(kind, 0, begin, end, _SECONDS[interval])


async def export_day(settings: Settings, day: int, folder: Path) -> DayManifest:
    """Write the summary of a day into a folder, made anew; return its manifest.

    Raises:
        CannotExport: the day isn't over, or not read whole.
        PersistenceError: the database isn't there.
        OSError: the folder can't be written.
    """
    async with _connected(settings) as connection:
        try:
            made = await day_summary.make_summary(connection, day)
        except day_summary.NotOver as error:
            raise CannotExport(f"--day: {error}") from None
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - nobody else waits for this loop
    path = folder / made.manifest.file
    part = path.with_name(path.name + ".part")
    part.write_bytes(made.body)
    path.with_name(path.name + ".manifest.json").write_bytes(manifest_text(made.manifest))
    part.replace(path)
    return made.manifest


@asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[Connection]:
    """Yield a session with the database; raises PersistenceError if there is none."""
    async with open_database(settings, join=True, make=False) as url:
        session = {"application_name": "probity export"}
        connection = await connect(settings.store.direct_url or url, settings=session)
        try:
            yield connection
        finally:
            await connection.close()


async def export_to(
    settings: Settings, market: str, wanted: Export, form: Format, folder: Path
) -> Manifest:
    """Write an export of a market, by slug or id, into a folder; return its manifest.

    Raises:
        CannotExport: there is no such market.
        PersistenceError: the database isn't there.
        OSError: the folder can't be written.
    """
    async with _connected(settings) as connection:
        market_id, slug = await _market(connection, market)
        export = msgspec.structs.replace(wanted, market_id=market_id)
        segments = Segments(settings.store.segments_folder)
        return await _write(connection, export, slug, form, folder, segments)


async def _market(connection: Connection, name: str) -> tuple[int, str]:
    row: Any = await connection.fetchrow(
        "SELECT id, slug FROM markets WHERE slug = $1 OR id = $2", name, parse_id(name) or 0
    )
    if row is None:
        raise CannotExport(f"--market: there is no market {name!r}")
    return row["id"], row["slug"]


async def _write(
    connection: Connection,
    export: Export,
    slug: str,
    form: Format,
    folder: Path,
    segments: Segments,
) -> Manifest:
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - nobody else waits for this loop
    path = folder / export.file_name(slug, form)
    part = path.with_name(path.name + ".part")
    total = await count_of(connection, export)
    with part.open("wb") as file, _bar() as bar:
        task = bar.add_task(path.name, total=total)
        sink = HashingSink(file)
        done = await write_export(
            connection,
            export,
            form,
            cast("BinaryIO", sink),
            segments,
            lambda more: bar.advance(task, more),
        )
    manifest = manifest_of(export, slug, form, sink, rows=done.rows, as_of_seq=done.as_of_seq)
    path.with_name(path.name + ".manifest.json").write_bytes(manifest_text(manifest))
    part.replace(path)
    return manifest


def _bar() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
