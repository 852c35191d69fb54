"""`probity journal move`: move what is old of the journal to files, now.

Laws: a running exchange goes on meanwhile; if none runs, the embedded database is started for it
and stopped again; stopped or killed anywhere, nothing is lost and the next run goes on.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import Final

import click
import uvloop

from gateway.bootstrap.compose import open_database
from gateway.bootstrap.settings import Settings, load_settings
from gateway.settings.reader import SettingsError
from persistence.errors import PersistenceError
from persistence.journal.segments.mover import MoverBusy
from persistence.journal.segments.process import Order, move_all
from persistence.postgres import migrate

_DAY_US: Final = 86_400_000_000


@click.group()
def journal() -> None:
    """Look after the journal."""


@journal.command()
@click.option(
    "--days",
    type=click.IntRange(0, 36_500),
    help="How old it has to be; 0: whatever may go. Unset: JOURNAL_KEPT_DAYS.",
)
def move(days: int | None) -> None:
    """Move what is old of the journal to files in JOURNAL_FOLDER, with a last file that isn't full.

    The last 20000 commands stay, and what the projector has not followed yet.
    """
    try:
        settings = load_settings()
        days = settings.retention.journal_kept_days or None if days is None else days
        if days is None:
            raise SettingsError("JOURNAL_KEPT_DAYS: is 0, so nothing is old: set it, or say --days")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            moved = runner.run(move_journal(settings, days * _DAY_US, click.echo))
    except SettingsError as error:
        click.echo(f"probity: {error}", err=True)
        sys.exit(2)
    except (PersistenceError, MoverBusy, OSError) as error:
        click.echo(f"probity: {error}", err=True)
        sys.exit(1)
    click.echo(f"{moved} files in {settings.store.segments_folder}" if moved else "Nothing to move")


async def move_journal(settings: Settings, kept_us: int, say: Callable[[str], None]) -> int:
    """Move all that may go, say each file, and return how many they are.

    Raises:
        PersistenceError: there is no database of this version, or what it holds doesn't chain.
        MoverBusy: another process moves the journal.
        OSError: a file can't be written.
    """
    files = 0
    async with open_database(settings, join=True, make=False) as url:
        target = settings.store.direct_url or url
        await migrate.require_newest(target)
        folder = str(settings.store.segments_folder)
        order = Order(target, folder, kept_us, settings.past.projector)
        async for segment in move_all(order, partly=True):
            commands = f"commands {segment.first_seq} to {segment.last_seq}"
            say(f"{segment.file}: {commands}, {segment.size} bytes")
            files += 1
    return files
