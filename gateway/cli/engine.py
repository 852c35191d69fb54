"""`probity engine`: the process that trades, behind gateways.

What it prints and how it ends is as of `serve`: an engine that can't go on is followed by a new
process, which reads the truth.
"""

import click

from gateway.bootstrap.identity.people import ensure_admin
from gateway.bootstrap.roles.engine import Leading, open_engine
from gateway.bootstrap.server import StopSignal
from gateway.bootstrap.settings import Settings
from gateway.cli import main as process
from gateway.cli.banner import engine_banner
from gateway.cli.respawn import Respawn
from gateway.cli.waiting import Start
from gateway.observability.logs import process_logs


@click.command()
@process.listens
@click.option("--accept-tip", is_flag=True, help="The database was put back in time on purpose.")
def engine(host: str | None, port: int | None, accept_tip: bool) -> None:
    """Run the engine alone, behind gateways; on its port it answers /health, /ready, /metrics."""
    respawn = Respawn()
    settings = process.given_settings(host, port)
    process.run_process(_engine(settings, accept_tip=accept_tip, waits=respawn.is_again), respawn)


async def _engine(settings: Settings, *, accept_tip: bool, waits: bool) -> None:
    logger = process_logs(settings.reports.log_level)
    stop = StopSignal()
    with process.bound(settings) as listening, stop.listen():
        start = Start(settings, logger, listening, stop, waits=waits)
        async with start.opened(
            lambda: open_engine(settings, logger, accept_tip=accept_tip)
        ) as running:
            await _welcome(running, settings, listening.getsockname()[1])
            await process.serve_until_ended(
                running, settings, listening, stop, running.drains, running.failed
            )
            if running.failed.done():
                raise process.EngineStopped(running.failed.result(), stop)


async def _welcome(running: Leading, settings: Settings, port: int) -> None:
    """Add the first admin if there is none, and print where the engine is."""
    email, password = process.first_admin(settings)
    admin = await ensure_admin(running.people, email, password)
    is_made_up = admin is not None and settings.sign_in.admin_password is None
    shown = (email, password) if is_made_up else None
    click.echo(engine_banner(settings.listen.host, port, shown), err=True)
