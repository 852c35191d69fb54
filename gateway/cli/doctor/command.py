"""`probity doctor`: look at everything a start needs, and say what to do about what is wrong.

    settings   each that is wrong named; nothing else can be looked at then but Python
    python, data folder, key, clock, open files, port, proxies      machine
    database   reachable, version, durability, schema, clock; the embedded server's state
    redis      reachable and new enough, if one is set
    production with `--production`: TLS, secrets, backups, limits, whose account it is

Laws: it changes nothing, so it may be run beside a running exchange and as often as wanted; every
check runs whatever the others found; one line each; the exit code is 1 if one failed. A new check
is a function that yields findings, put into `CHECKS`.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from typing import Final

import click
import uvloop

from gateway.bootstrap.settings import Settings, examine_settings
from gateway.cli.doctor import machine
from gateway.cli.doctor.database import database, redis
from gateway.cli.doctor.finding import Finding, Level, fail, ok
from gateway.cli.doctor.production import production

SOCKETS: Final = 500

Check = Callable[[Settings, int], AsyncIterator[Finding]]


async def _machine(settings: Settings, sockets: int) -> AsyncIterator[Finding]:
    for finding in machine.data_folder(settings):
        yield finding
    yield machine.key(settings)
    yield await machine.clock()
    yield machine.open_files(settings, sockets)
    yield await asyncio.to_thread(machine.port, settings)
    yield machine.proxies(settings)


async def _database(settings: Settings, _sockets: int) -> AsyncIterator[Finding]:
    async for finding in database(settings):
        yield finding


async def _redis(settings: Settings, _sockets: int) -> AsyncIterator[Finding]:
    async for finding in redis(settings):
        yield finding


CHECKS: Final[tuple[Check, ...]] = (_machine, _database, _redis)


async def examine_everything(
    sockets: int, *, in_production: bool = False
) -> AsyncIterator[Finding]:
    """Yield what every check finds; `sockets` is how many clients are wanted at once."""
    yield machine.python()
    yield machine.rules()
    settings, wrong = examine_settings()
    for error in wrong:
        yield fail(f"settings: {error}", "correct it (environment, or .env); see .env.example")
    if settings is None:
        return
    yield ok("settings: every one is readable")
    for check in (*CHECKS, production) if in_production else CHECKS:
        async for finding in check(settings, sockets):
            yield finding


@click.command(epilog="Exit code: 1 if a check failed, else 0.")
@click.option(
    "--sockets",
    type=click.IntRange(0, 10**7),
    default=SOCKETS,
    show_default=True,
    help="Clients wanted at once.",
)
@click.option("--production", "in_production", is_flag=True, help="With what strangers need.")
def doctor(sockets: int, in_production: bool) -> None:
    """Check what the exchange needs and say what to do; changes nothing."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        failed = runner.run(_report(sockets, in_production=in_production))
    sys.exit(1 if failed else 0)


async def _report(sockets: int, *, in_production: bool) -> bool:
    failed = False
    async for finding in examine_everything(sockets, in_production=in_production):
        click.echo(finding.line)
        failed = failed or finding.level is Level.FAIL
    return failed
