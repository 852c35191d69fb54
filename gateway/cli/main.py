"""The `probity` command.

    probity serve           everything in one process (--gateways N: and N more that serve)
    probity engine          the engine alone, behind gateways
    probity gateway         sockets, reads and orders beside it, over Redis
    probity worker          jobs beside it, in a process of their own
    probity migrate         bring the schema to this version
    probity verify          prove the exchange from its journal
    probity doctor          check what the exchange needs
    probity backup          write all of the exchange to one file
    probity restore         make an exchange of a backup, and prove it
    probity export          write a market's past to a file, with a manifest
    probity journal move    move old parts of the journal to files
    probity user create     add a user
    probity user clear-2fa  take away the second factors that a user has lost
    probity user password   give a user another password
    probity keys rotate     sign access tokens with a new key
    probity smoke           trade once through a running exchange
    probity backtest        test a strategy on a tape, in the exchange's own engine
    probity run             run a strategy as a bot against a running exchange
    probity replay          send recorded trades through a running exchange

A wrong setting or a busy port is one line on stderr and exit code 2; a failure while running is
exit code 1. An engine that can't go on is followed by a new process (`cli/respawn.py`).
"""

import asyncio
import importlib
import secrets
import sys
from collections.abc import Callable, Coroutine
from typing import Any, Final, NoReturn

import click
import msgspec
import uvloop

from gateway.access.principals import Role
from gateway.accounts.fields import email_address, new_password
from gateway.bootstrap import compose
from gateway.bootstrap.credits.demonstration import demonstration
from gateway.bootstrap.feeds import demo_settings
from gateway.bootstrap.identity.people import ensure_admin
from gateway.bootstrap.server import Drain, StopSignal
from gateway.bootstrap.settings import Settings, load_settings
from gateway.bootstrap.worker import open_worker
from gateway.cli.banner import Opened, banner, gateway_banner, worker_banner
from gateway.cli.family import GATEWAYS_MAX, FamilyEnded, run_family
from gateway.cli.inherited import listening_socket
from gateway.cli.respawn import Respawn
from gateway.cli.second_factor import clear_second_factors
from gateway.cli.serving import MayFail, serve_until_ended
from gateway.cli.users import create_user, set_password
from gateway.cli.verify import verify_exchange
from gateway.cli.waiting import EndedWaiting, Start
from gateway.jobs.supervisor import WorkFailed
from gateway.observability.logs import process_logs
from gateway.operations.health_routes import EngineCondition
from gateway.settings.reader import SettingsError
from gateway.site.front_page import example_slug
from gateway.site.terminal import NOT_BUILT, is_built
from gateway.wire.errors import ApiError
from persistence.errors import (
    CommandNotTaken,
    DatabaseUnavailable,
    EmbeddedPostgresError,
    OutcomeUnknown,
    PersistenceError,
)
from persistence.postgres import migrate as schema
from persistence.postgres.database import is_absence

WRONG_SETTING: Final = 2
DEFAULT_ADMIN: Final = "admin@probity.local"
_OUTAGES: Final = (DatabaseUnavailable, EmbeddedPostgresError, OutcomeUnknown, CommandNotTaken)


class ChecksFailed(Exception):
    """`probity verify` found something wrong."""


class EngineStopped(Exception):
    """The engine, a gateway's view or work that they can't do without could not go on; what was
    acknowledged is safe, and a new start recovers.

    `final` if the operator has asked for the end meanwhile, or does while everything is closed.
    """

    def __init__(self, reason: BaseException, stop: StopSignal, what: str = "engine") -> None:
        if isinstance(reason, WorkFailed):
            what = reason.name
        super().__init__(f"the {what} stopped: {reason}")
        self.__cause__ = reason
        self._stop = stop

    @property
    def final(self) -> bool:
        """Whether no new process shall follow."""
        return self._stop.is_set


_SAID: Final = (PersistenceError, ApiError, ChecksFailed, EngineStopped, FamilyEnded)
"""What is wrong in their words, without a traceback."""


class _Commands(click.Group):
    """Loads a command of another file when it is called, so that a server's start doesn't."""

    elsewhere: Final = {
        "backup": ("gateway.cli.backups.backup", "backup_command"),
        "doctor": ("gateway.cli.doctor.command", "doctor"),
        "engine": ("gateway.cli.engine", "engine"),
        "export": ("gateway.cli.export", "export_command"),
        "journal": ("gateway.cli.journal", "journal"),
        "keys": ("gateway.cli.keys", "keys"),
        "backtest": ("gateway.cli.backtest.command", "backtest_command"),
        "run": ("gateway.cli.backtest.live", "run_command"),
        "replay": ("gateway.cli.replay.command", "replay"),
        "smoke": ("gateway.cli.smoke", "smoke"),
        "restore": ("gateway.cli.backups.restore", "restore_command"),
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted([*super().list_commands(ctx), *self.elsewhere])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; None if there is none of that name."""
        if cmd_name not in self.elsewhere:
            return super().get_command(ctx, cmd_name)
        module, name = self.elsewhere[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="probity")
def main() -> None:
    """Run a prediction-market exchange."""


_GATEWAYS: Final = click.IntRange(1, GATEWAYS_MAX)


def listens(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of every command that listens."""
    port = click.IntRange(0, 65_535)
    command = click.option("--port", type=port, help="Port to listen on (PORT).")(command)
    return click.option("--host", help="Address to listen on (HOST).")(command)


@main.command()
@listens
@click.option("--demo", is_flag=True, help="With some markets and simulated traders in them.")
@click.option("--accept-tip", is_flag=True, help="The database was put back in time on purpose.")
@click.option("--no-worker", is_flag=True, help="Leave jobs to `probity worker` (WORKER=off).")
@click.option("--gateways", type=_GATEWAYS, help="Serve by so many processes beside the engine's.")
def serve(
    host: str | None,
    port: int | None,
    demo: bool,
    accept_tip: bool,
    no_worker: bool,
    gateways: int | None,
) -> None:
    """Run everything in this process until Ctrl-C."""
    settings = given_settings(host, port)
    if gateways:
        kept = [*["--demo"] * demo, *["--no-worker"] * no_worker]
        logger = process_logs(settings.reports.log_level)
        run_process(run_family(settings, gateways, logger, kept, ["--accept-tip"] * accept_tip))
        return
    if no_worker:
        worker = msgspec.structs.replace(settings.worker, in_serve=False)
        settings = msgspec.structs.replace(settings, worker=worker)
    respawn = Respawn()
    run_process(_serve(settings, respawn, demo=demo, accept_tip=accept_tip), respawn)


async def _serve(settings: Settings, respawn: Respawn, *, demo: bool, accept_tip: bool) -> None:
    logger = process_logs(settings.reports.log_level)
    stop = StopSignal()
    if demo:
        settings = await demo_settings(settings, logger)
    with listening_socket(settings) as listening, stop.listen():
        start = Start(settings, logger, listening, stop, waits=respawn.is_again)
        async with start.opened(
            lambda: compose.open_exchange(settings, logger, accept_tip=accept_tip)
        ) as running:
            email, password = first_admin(settings)
            admin = await ensure_admin(running.people, email, password)
            async with demonstration(running, settings, logger, wanted=demo) as traders:
                opened = Opened(
                    settings.listen.host,
                    listening.getsockname()[1],
                    settings.store.data_dir if settings.store.database_url is None else None,
                    email if admin else None,
                    password if admin and settings.sign_in.admin_password is None else None,
                    example_slug(running.engine.view),
                    feed=settings.feeds.platforms or (),
                )
                if not is_built():
                    logger.warning(NOT_BUILT)
                click.echo(banner(opened), err=True)
                drains: list[Drain] = [*running.drains, *([traders.stop] if traders else [])]
                may_fail = MayFail(running.failed, respawn)
                await serve_until_ended(running, settings, listening, stop, drains, may_fail)
            if running.failed.done():
                raise EngineStopped(running.failed.result(), stop)


@main.command()
@listens
def gateway(host: str | None, port: int | None) -> None:
    """Serve sockets, reads and orders beside an engine that runs elsewhere."""
    respawn = Respawn()
    run_process(_gateway(given_settings(host, port), respawn), respawn)


async def _gateway(settings: Settings, respawn: Respawn) -> None:
    logger = process_logs(settings.reports.log_level)
    stop = StopSignal()
    with listening_socket(settings) as listening, stop.listen():
        start = Start(settings, logger, listening, stop, waits=respawn.is_again)
        async with start.opened(lambda: compose.open_gateway(settings, logger)) as running:
            takes, port = settings.engine.gateway_commands, listening.getsockname()[1]
            click.echo(gateway_banner(settings.listen.host, port, takes_commands=takes), err=True)
            is_ready = EngineCondition(running.engine).is_ready
            may_fail = MayFail(running.failed, None)
            await serve_until_ended(
                running, settings, listening, stop, running.drains, may_fail, is_ready
            )
            if running.failed.done():
                raise EngineStopped(running.failed.result(), stop, "gateway's view")


@main.command()
@listens
def worker(host: str | None, port: int | None) -> None:
    """Run jobs in this process; on its port it answers /health, /ready and /metrics."""
    run_process(_worker(given_settings(host, port)))


async def _worker(settings: Settings) -> None:
    logger = process_logs(settings.reports.log_level)
    stop = StopSignal()
    with listening_socket(settings) as listening, stop.listen():
        start = Start(settings, logger, listening, stop, waits=False)
        async with start.opened(lambda: open_worker(settings, logger)) as running:
            click.echo(worker_banner(settings.listen.host, listening.getsockname()[1]), err=True)
            await serve_until_ended(running, settings, listening, stop, running.drains)


def first_admin(settings: Settings) -> tuple[str, str]:
    """Return address and password of the first admin, made up where they aren't set."""
    if settings.sign_in.admin_email is None or settings.sign_in.admin_password is None:
        return DEFAULT_ADMIN, secrets.token_urlsafe(12)
    try:
        return email_address(settings.sign_in.admin_email), settings.sign_in.admin_password
    except ApiError:
        raise SettingsError("PROBITY_ADMIN_EMAIL: is no e-mail address") from None


@main.command()
def migrate() -> None:
    """Bring the database's schema to this version."""
    run_process(_migrate(given_settings()))


async def _migrate(settings: Settings) -> None:
    async with compose.open_database(settings, join=True) as url:
        target = settings.store.direct_url or url
        await schema.upgrade(target)
        click.echo(f"The schema is at {await schema.current(target)}.")


@main.command()
@click.option("--note", is_flag=True, help="Note the result in the audit log, for /metrics.")
def verify(note: bool) -> None:
    """Prove the exchange from its journal, one line a check; exit code 1 if one fails."""
    run_process(_verify(given_settings(), note=note))


async def _verify(settings: Settings, *, note: bool) -> None:
    if not await verify_exchange(settings, click.echo, note=note):
        raise ChecksFailed("the exchange isn't what its journal says")


@main.group()
def user() -> None:
    """Look after users."""


@user.command()
@click.option("--email", required=True)
@click.option("--admin", is_flag=True, help="Give the role ADMIN.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def create(email: str, admin: bool, password_stdin: bool) -> None:
    """Add a user; the account in the exchange opens at the first login."""
    password = _new_password(password_stdin)
    role = Role.ADMIN if admin else Role.USER
    run_process(create_user(given_settings(), email, password, role))


@user.command("password")
@click.option("--email", required=True)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def password_command(email: str, password_stdin: bool) -> None:
    """Give a user another password and end all their sessions."""
    password = _new_password(password_stdin)
    run_process(set_password(given_settings(), email, password))


@user.command("clear-2fa")
@click.option("--email", required=True)
def clear_2fa(email: str) -> None:
    """Take away the second factors of a user who has lost them; every session ends."""
    run_process(clear_second_factors(given_settings(), email))


def _new_password(from_stdin: bool) -> str:
    if from_stdin:
        password = sys.stdin.readline().rstrip("\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        return new_password(password)
    except ValueError as error:
        _fail(f"password: {error}", WRONG_SETTING)


def given_settings(host: str | None = None, port: int | None = None) -> Settings:
    """Return the settings, with what was said on the command line; ends the process if one is
    wrong.
    """
    try:
        settings = load_settings()
    except SettingsError as error:
        _fail(str(error), WRONG_SETTING)
    changes = {k: v for k, v in (("host", host), ("port", port)) if v is not None}
    listen = msgspec.structs.replace(settings.listen, **changes)
    return msgspec.structs.replace(settings, listen=listen)


def run_process(work: Coroutine[Any, Any, None], respawn: Respawn | None = None) -> None:
    """Do a command's work, and end as the module says; with `respawn` a new process may follow."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work)
    except SettingsError as error:
        _fail(str(error), WRONG_SETTING)
    except EndedWaiting as end:
        click.echo(f"probity: {end}", err=True)  # as it was told to, so nothing failed
    except Exception as error:
        is_said = isinstance(error, _SAID)
        if respawn is not None and _may_pass(error, respawn):
            process_logs("info").warning("starting again", reason=_line(error))
            respawn.start_again(is_try=not is_absence(error))
        if respawn is not None:
            respawn.end()
        if not is_said:
            raise
        _fail(str(error), 1)


def _may_pass(error: Exception, respawn: Respawn) -> bool:
    """Say whether a new process may succeed where this one ended with `error`."""
    if isinstance(error, EngineStopped):
        return not error.final and (is_absence(error) or respawn.pause_seconds() is not None)
    # A first start has to say at once what is wrong; a later one waits for the database.
    if not respawn.is_again or isinstance(error, EndedWaiting):
        return False
    if is_absence(error):
        return True
    return isinstance(error, _OUTAGES) and respawn.pause_seconds() is not None


def _line(error: Exception) -> str:
    return str(error) or type(error).__name__


def _fail(line: str, code: int) -> NoReturn:
    click.echo(f"probity: {line}", err=True)
    sys.exit(code)
