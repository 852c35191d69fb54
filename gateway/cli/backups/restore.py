"""`probity restore`: make an exchange of a backup, in an empty database, and prove it.

Laws: the whole file is read and found right before anything is touched; what was acknowledged after
the backup is gone by a restore, so where DATA_DIR knows of such commands it has to be asked for by
`--accept-tip`; the exit code is 0 only if `probity verify` finds everything right afterwards.
"""

import asyncio
import sys
from pathlib import Path

import click
import uvloop

from gateway.accounts.sessions.keys import KEY_FILE
from gateway.bootstrap.compose import open_database
from gateway.bootstrap.settings import Settings, load_settings
from gateway.cli.verify import line, note_in_audit
from gateway.sealing.settings import KEY_FILE as SEALING_KEY_FILE
from gateway.settings.reader import SettingsError
from persistence.backups.manifest import Manifest
from persistence.backups.noted import RESTORED
from persistence.backups.restore import check_backup, restore
from persistence.errors import HistoryMismatch, PersistenceError
from persistence.journal.segments.segments import Segments
from persistence.journal.tip import TipFile
from persistence.postgres.database import connect
from persistence.proof.verification import verify


@click.command("restore")
@click.argument("backup", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Only read it whole and say what is in it.")
@click.option("--accept-tip", is_flag=True, help="What came after the backup may be gone.")
def restore_command(backup: Path, check: bool, accept_tip: bool) -> None:
    """Put a backup into an empty database (DATABASE_URL, or DATA_DIR) and verify it."""
    try:
        settings = load_settings()
        manifest = check_backup(backup, settings.backups.keys or ())
        click.echo(_said(manifest))
        if check:
            return
        _look_at_tip(settings, manifest, accept_tip=accept_tip)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            passed = runner.run(_restore(settings, backup, manifest))
    except SettingsError as error:
        click.echo(f"probity: {error}", err=True)
        sys.exit(2)
    except (PersistenceError, OSError) as error:
        click.echo(f"probity: {backup}: {error}", err=True)
        sys.exit(1)
    if not passed:
        click.echo("probity: the restored exchange isn't what its journal says", err=True)
        sys.exit(1)
    click.echo(f"Restored up to command {manifest.last_seq}.")
    for name, kept in (
        ("JWT_PRIVATE_KEY", settings.sign_in.private_key or _has(settings, KEY_FILE)),
        ("ENCRYPTION_KEY", settings.sealing.keys or _has(settings, SEALING_KEY_FILE)),
    ):
        if not kept:
            click.echo(f"Bring {name} of the old exchange before the start: no backup holds it.")


def _has(settings: Settings, name: str) -> bool:
    return (settings.store.data_dir / name).exists()


def _said(manifest: Manifest) -> str:
    rows = sum(table.rows for table in manifest.tables)
    return (
        f"A whole backup of {manifest.made_at}, by Probity {manifest.probity}: exchange"
        f" {manifest.exchange} up to command {manifest.last_seq} (chain"
        f" {manifest.chain_hash[:16]}), {rows} rows in"
        f" {len(manifest.tables)} tables, {len(manifest.files)} files of the journal"
    )


def _look_at_tip(settings: Settings, manifest: Manifest, *, accept_tip: bool) -> None:
    """Refuse to lose what DATA_DIR knows to be acknowledged; raises HistoryMismatch."""
    tip = TipFile(settings.store.data_dir / "tip", manifest.exchange).read()
    if tip is None or tip.seq <= manifest.last_seq or accept_tip:
        return
    raise HistoryMismatch(
        f"command {tip.seq} was acknowledged, and the backup ends at {manifest.last_seq}: take a"
        " newer one, or say --accept-tip (and start with `probity serve --accept-tip`)"
    )


async def _restore(settings: Settings, backup: Path, manifest: Manifest) -> bool:
    async with open_database(settings, join=True) as url:
        target = settings.store.direct_url or url
        folder = settings.store.segments_folder
        await restore(target, backup, settings.backups.keys or (), manifest, folder)
        passed = True
        connection = await connect(target)
        try:
            # Not the tip: whether it may be behind was asked before.
            async for result in verify(connection, segments=Segments(folder)):
                click.echo(line(result))
                passed = result.passed
        finally:
            await connection.close()
        await note_in_audit(target, RESTORED, manifest.last_seq, passed=passed)
    return passed
