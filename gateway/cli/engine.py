"""`probity engine`: the process that trades, behind gateways, or waits to.

What it prints and how it ends is as of `serve`: an engine that can't go on is followed by a new
process, which reads the truth.
"""

from contextlib import AbstractAsyncContextManager

import click

from gateway.bootstrap.identity.people import ensure_admin
from gateway.bootstrap.roles.engine import Leading, open_engine
from gateway.bootstrap.roles.standby import open_standby
from gateway.bootstrap.server import StopSignal
from gateway.bootstrap.settings import Settings
from gateway.cli import main as process
from gateway.cli.banner import engine_banner, standby_banner
from gateway.cli.inherited import listening_socket
from gateway.cli.respawn import Respawn
from gateway.cli.serving import MayFail, serve_until_ended
from gateway.cli.waiting import Start
from gateway.observability.logs import process_logs


@click.command()
@process.listens
@click.option("--standby", is_flag=True, help="Wait, and take over when the engine is gone.")
@click.option("--accept-tip", is_flag=True, help="The database was put back in time on purpose.")
def engine(host: str | None, port: int | None, standby: bool, accept_tip: bool) -> None:
    """Run the engine alone, behind gateways; on its port it answers /health, /ready, /metrics."""
    respawn = Respawn()
    settings = process.given_settings(host, port)
    work = _engine(settings, respawn, standby=standby, accept_tip=accept_tip)
    process.run_process(work, respawn)


async def _engine(settings: Settings, respawn: Respawn, *, standby: bool, accept_tip: bool) -> None:
    logger = process_logs(settings.reports.log_level)
    stop = StopSignal()

    def opened() -> AbstractAsyncContextManager[Leading]:
        if standby:
            return open_standby(settings, logger, accept_tip=accept_tip)
        return open_engine(settings, logger, accept_tip=accept_tip)

    with listening_socket(settings) as listening, stop.listen():
        start = Start(settings, logger, listening, stop, waits=respawn.is_again)
        async with start.opened(opened) as running:
            await _welcome(running, settings, listening.getsockname()[1])
            may_fail = MayFail(running.failed, respawn)
            await serve_until_ended(running, settings, listening, stop, running.drains, may_fail)
            if running.failed.done():
                raise process.EngineStopped(running.failed.result(), stop)


async def _welcome(running: Leading, settings: Settings, port: int) -> None:
    """Add the first admin if there is none and an engine leads; print where the process is."""
    if running.people is None:
        click.echo(standby_banner(settings.listen.host, port), err=True)
        return
    email, password = process.first_admin(settings)
    admin = await ensure_admin(running.people, email, password)
    is_made_up = admin is not None and settings.sign_in.admin_password is None
    shown = (email, password) if is_made_up else None
    click.echo(engine_banner(settings.listen.host, port, shown), err=True)
