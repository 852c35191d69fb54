"""`probity backup`: all of the exchange in one file, beside whatever it does meanwhile.

Laws: nothing is written to the exchange but a line in its audit log, by which `/metrics` and
`probity doctor` know how old the newest backup is; old files go only after a new one is whole, and
the newest stays whatever its age. If no exchange runs, the embedded database is started for it and
stopped again.
"""

import asyncio
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click
import uvloop

from gateway.bootstrap.compose import open_database
from gateway.bootstrap.settings import Settings, load_settings
from gateway.cli.verify import note_in_audit
from gateway.settings.reader import SettingsError
from persistence.backups.backup import SUFFIX, Made, make_backup
from persistence.backups.noted import MADE
from persistence.errors import PersistenceError
from persistence.postgres.database import connect

_NAME: Final = re.compile(rf"probity-([0-9]{{8}}T[0-9]{{6}})Z-[0-9]+{re.escape(SUFFIX)}")


@click.command("backup")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where it goes (BACKUP_FOLDER).",
)
def backup_command(folder: Path | None) -> None:
    """Write all of the exchange to one file, sealed if BACKUP_KEY is set.

    Backups older than BACKUP_KEPT_DAYS in the same folder are thrown away.
    """
    try:
        settings = load_settings()
        place = folder or settings.backups.folder or settings.store.data_dir / "backups"
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            made = runner.run(back_up(settings, place))
        gone = throw_away_old(place, settings.backups.kept_days)
    except SettingsError as error:
        click.echo(f"probity: {error}", err=True)
        sys.exit(2)
    except (PersistenceError, OSError) as error:
        click.echo(f"probity: {error}", err=True)
        sys.exit(1)
    rows = sum(table.rows for table in made.manifest.tables)
    sealed = "sealed" if settings.backups.keys else "not sealed: set BACKUP_KEY"
    click.echo(
        f"{made.path}: up to command {made.manifest.last_seq}, {rows} rows,"
        f" {len(made.manifest.files)} files of the journal, {made.bytes} bytes, {sealed}"
    )
    if gone:
        click.echo(f"{gone} older than {settings.backups.kept_days} days thrown away")


async def back_up(settings: Settings, folder: Path) -> Made:
    """Make a backup in a folder and note it in the audit log.

    Raises:
        PersistenceError: the database or a file of the journal isn't there, or not as it must be,
            or the backup can't be written.
    """
    async with open_database(settings, join=True, make=False) as url:
        target = settings.store.direct_url or url
        connection = await connect(target, settings={"application_name": "probity backup"})
        try:
            is_standby = await connection.fetchval("SELECT pg_is_in_recovery()")
            keys = settings.backups.keys
            made = await make_backup(
                connection, settings.store.segments_folder, folder, keys[0] if keys else None
            )
        finally:
            await connection.close()
        if is_standby:
            click.echo("taken from a standby, so nobody could note that there is one", err=True)
            return made
        await note_in_audit(target, MADE, made.manifest.last_seq, passed=True)
    return made


def throw_away_old(folder: Path, days: int, now: datetime | None = None) -> int:
    """Remove backups that are older than so many days but for the newest; return how many."""
    found = sorted(
        (when, path)
        for path in folder.iterdir()
        if (name := _NAME.fullmatch(path.name))
        for when in (datetime.strptime(name[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC),)
    )
    end = (now or datetime.now(UTC)) - timedelta(days=days)
    old = [path for when, path in found[:-1] if when < end]
    for path in old:
        # Another backup that ends now does the same.
        path.unlink(missing_ok=True)
    return len(old)
