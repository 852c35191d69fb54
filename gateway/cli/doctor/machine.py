"""What `probity doctor` looks at on this machine: Python, rules, folder, key, clock, files, port,
proxies.

Laws: nothing is changed and nothing stays behind; a check says what it found with its figure and
never raises for what it was made to find. Facts that a test can't bring about for real come in as
arguments. The database is `database_checks`.
"""

import asyncio
import errno
import http.client
import os
import resource
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Final

import msgspec

from exchange.compiled import COMPILED
from gateway.accounts.sessions.keys import KEY_FILE, find_key, key_files
from gateway.bootstrap.server import bind
from gateway.bootstrap.settings import Settings
from gateway.cli.doctor.finding import Finding, fail, ok, warn
from gateway.settings.reader import SettingsError

OLDEST_PYTHON: Final = (3, 11)
NEWEST_PYTHON: Final = (3, 14)
"""The newest that the tests run on."""
EMBEDDED_BYTES: Final = (256 * 2**20, 4 * 2**30)
"""Free space with the embedded database: below the first it stops, below the second it may soon."""
PLAIN_BYTES: Final = (2**20, 64 * 2**20)
"""The same if the folder holds the key and the tip only."""
OWN_FILES: Final = 100
"""Files and sockets a server has open before anybody connects, its pool apart; rather too many."""
_CLOCK_SECONDS: Final = 0.25
_CLOCK_STEP_US: Final = 20_000
_PROBE_SECONDS: Final = 2.0
_REACHED_AT: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared only
_THIS_MACHINE: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_MIB: Final = 2**20


def python(version: tuple[int, int] = sys.version_info[:2]) -> Finding:
    """Judge the interpreter."""
    name = f"Python {version[0]}.{version[1]}"
    if version < OLDEST_PYTHON:
        return fail(name, "install Python 3.11 or later")
    if version > NEWEST_PYTHON:
        return warn(f"{name}: not tried yet", "use one from 3.11 to 3.14 where it matters")
    return ok(name)


def rules(*, compiled: bool = COMPILED) -> Finding:
    """Say whether the rules are compiled; either way is right, one is faster."""
    if compiled:
        return ok("rules: compiled")
    return ok("rules: as written; a wheel of `make wheel` has them compiled and faster")


def data_folder(settings: Settings, *, free_bytes: int | None = None) -> Iterator[Finding]:
    """Judge whether DATA_DIR can be worked in, and for how long; `free_bytes` is for tests."""
    folder = settings.store.data_dir.resolve()
    # What isn't there yet will be made in the first folder above that is.
    place = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    if not place.is_dir():
        yield fail(f"DATA_DIR: {place} is no folder", "set DATA_DIR to another place")
        return
    try:
        # As root only the attempt tells: permissions don't bind it, a read-only disk does.
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        yield fail(
            f"DATA_DIR: {place} can't be written: {error.strerror}",
            "give it to the account that runs Probity, or set DATA_DIR to another place",
        )
        return
    yield ok(f"DATA_DIR: {folder} {'is' if place == folder else 'will be made, its place is'} ours")
    free = shutil.disk_usage(place).free if free_bytes is None else free_bytes
    least, enough = EMBEDDED_BYTES if settings.store.database_url is None else PLAIN_BYTES
    what = f"disk: {free // _MIB} MiB free in {place}"
    if free < least:
        yield fail(what, f"make room for {enough // _MIB} MiB, or set DATA_DIR to another disk")
    elif free < enough:
        yield warn(what, f"make room for {enough // _MIB} MiB before it runs full")
    else:
        yield ok(what)


def key(settings: Settings) -> Finding:
    """Judge the key that signs access tokens: whether it is one, and who can read it."""
    path = settings.store.data_dir / KEY_FILE
    try:
        found = find_key(settings.sign_in.private_key, settings.store.data_dir)
        modes = {one: stat.S_IMODE(one.stat().st_mode) for one in key_files(path.parent)}
    except SettingsError as error:
        return fail(str(error), "give it an Ed25519 key; without one, Probity makes its own")
    except OSError as error:
        return fail(f"key: {path} can't be read: {error.strerror}", "run this as its owner")
    if settings.sign_in.private_key is not None:
        return ok("key: JWT_PRIVATE_KEY is an Ed25519 key")
    if found is None:
        return ok(f"key: {path} will be made")
    for one, mode in modes.items():
        if mode & _OTHERS:
            return fail(
                f"key: {one} has mode {mode:04o}, so others can sign in as anybody",
                f"chmod 600 {one}; if they may have read it: probity keys rotate --at-once",
            )
    return ok(f"key: {path}, mode {modes[path]:04o}")


async def clock(*, wall_us: int | None = None, monotonic_us: int | None = None) -> Finding:
    """Compare how far the wall clock and the monotonic clock move; the figures are for tests."""
    wall, monotonic = time.time_ns(), time.monotonic_ns()
    if wall_us is None or monotonic_us is None:
        await asyncio.sleep(_CLOCK_SECONDS)
        wall_us = (time.time_ns() - wall) // 1_000
        monotonic_us = (time.monotonic_ns() - monotonic) // 1_000
    apart = wall_us - monotonic_us
    if abs(apart) > _CLOCK_STEP_US:
        return warn(
            f"clock: it jumped by {apart / 1_000:+.0f} ms while being looked at",
            "let it be slewed, not stepped (chrony, systemd-timesyncd), or see who sets it",
        )
    return ok("clock: runs evenly")


def open_files(settings: Settings, sockets: int, limit: int | None = None) -> Finding:
    """Judge the limit of open files against the clients wanted; `limit` is for tests."""
    if limit is None:
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return ok("open files: no limit")
    own = OWN_FILES + settings.store.pool_size
    advice = f"ulimit -n {own + sockets} before the start (systemd: LimitNOFILE=)"
    if limit < own:
        return fail(f"open files: {limit} don't even do for the server's own {own}", advice)
    if limit < own + sockets:
        return warn(f"open files: {limit} do for {limit - own} sockets, not {sockets}", advice)
    return ok(f"open files: {limit} do for {sockets} sockets")


def port(settings: Settings) -> Finding:
    """Judge whether HOST and PORT can be listened on, or whether we do already."""
    where = f"port: {settings.listen.host}:{settings.listen.port}"
    if settings.listen.port == 0:
        where = f"port: a free one on {settings.listen.host}"
    try:
        with bind(settings):
            return ok(f"{where} is free" if settings.listen.port else where)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            if _is_probity(settings):
                return ok(f"{where} is a running Probity's")
            return fail(f"{where} is taken by another program", "stop it, or set PORT to another")
        if error.errno == errno.EACCES:
            advice = "set PORT to 1024 or more and put a proxy in front of it"
            return fail(f"{where} is for root only", advice)
        return fail(f"{where}: {error.strerror}", "set HOST to an address of this machine")


def proxies(settings: Settings) -> Finding:
    """Judge whether clients can be told apart by their address, as the limits need it.

    Who runs a database of its own and listens on this machine alone has a proxy in front, and then
    all clients are the proxy, unless it is trusted.
    """
    trusted = settings.http.trusted_proxies
    if trusted:
        return ok(f"proxies: {', '.join(map(str, trusted))} say who a client is")
    if settings.store.database_url is not None and settings.listen.host in _THIS_MACHINE:
        return warn(
            f"proxies: none is trusted, and only this machine reaches {settings.listen.host}: all"
            " who come through a proxy share one address's limits, sign-in too",
            "name the proxy in TRUSTED_PROXIES, such as 127.0.0.1",
        )
    return ok("proxies: none is trusted; a client is who connects")


class _Health(msgspec.Struct):
    status: str


class _HealthAnswer(msgspec.Struct):
    success: bool
    data: _Health


def _is_probity(settings: Settings) -> bool:
    """Ask whoever listens for its health, in our own words."""
    host = _REACHED_AT.get(settings.listen.host, settings.listen.host)
    connection = http.client.HTTPConnection(host, settings.listen.port, timeout=_PROBE_SECONDS)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse().read(4_096)
        return msgspec.json.decode(answer, type=_HealthAnswer).data.status == "ok"
    except (OSError, http.client.HTTPException, msgspec.DecodeError, UnicodeDecodeError):
        return False
    finally:
        connection.close()
