"""What `probity doctor --production` wants beside: what does for a trial and not for strangers.

Laws: whatever would let a stranger in or lose something fails, whatever only hurts warns, so that
the exit code is a gate for a deployment; no secret is shown, not even a part of one. Facts that a
test can't bring about come in as arguments.
"""

import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import psutil

from exchange.compiled import COMPILED
from gateway.accounts.mail.settings import LOG
from gateway.bootstrap.settings import Settings
from gateway.cli.doctor.finding import Finding, fail, ok, warn
from gateway.cli.doctor.machine import open_files
from persistence.backups.noted import Noted, noted
from persistence.clock import MICROSECONDS, now_us
from persistence.embedded.server import running_url
from persistence.errors import DatabaseUnavailable
from persistence.postgres import migrate
from persistence.postgres.database import connect_plainly

SOCKETS: Final = 10_000
_PASSWORD_LENGTH: Final = 16
_LETTERS: Final = 8
_DAY_US: Final = 86_400 * MICROSECONDS
_WEEK_US: Final = 8 * _DAY_US
_THIS_MACHINE: Final = frozenset({"", "localhost", "127.0.0.1", "::1"})
_POSTGRES: Final = 5432
_REDIS: Final = 6379
_CLOSE_IT: Final = "let it listen on 127.0.0.1 alone, or a firewall keep everybody else away"
_TIME_SERVERS: Final = frozenset({"chronyd", "ntpd", "systemd-timesyn", "ntpd-rs"})


async def production(settings: Settings, sockets: int) -> AsyncIterator[Finding]:
    """Yield what is found of everything."""
    for finding in (*address(settings), *secrets(settings), *backups(settings)):
        yield finding
    for finding in open_ports(settings, _reachable_ports()):
        yield finding
    yield open_files(settings, max(sockets, SOCKETS))
    yield time_server()
    yield account()
    if not COMPILED:
        yield warn("rules: as written", "install the wheel of `make wheel`: it matches faster")
    async for finding in kept(settings):
        yield finding


def address(settings: Settings) -> Iterator[Finding]:
    """Judge how the exchange is reached: over TLS, and from its proxy only."""
    public = settings.sign_in.public_url
    if public is None:
        yield fail("PUBLIC_URL: is unset", "set it to the https address that users type")
    elif urlsplit(public).scheme != "https":
        yield fail("PUBLIC_URL: isn't https", "put a proxy with a certificate in front (deploy/)")
    else:
        yield ok("PUBLIC_URL: https")
    if not settings.http.trusted_proxies:
        yield fail(
            "TRUSTED_PROXIES: none, so all who come through the proxy share one address's limits",
            "name the proxy's address or network",
        )
    elif any(network.prefixlen == 0 for network in settings.http.trusted_proxies):
        yield fail(
            "TRUSTED_PROXIES: is everybody, so anybody can say who they are",
            "name the proxy's address or network",
        )
    if settings.mail.server == LOG:
        yield fail(
            "SMTP_URL: log, so mails stand in the log, addresses and all",
            "name a mail server, or leave it unset",
        )
    if "*" in settings.http.cors_origin:
        yield warn("CORS_ORIGIN: every page may read answers", "name the pages that are yours")


def secrets(settings: Settings) -> Iterator[Finding]:
    """Judge passwords that are settings, by their length and how many letters they are made of."""
    redis = settings.store.redis_url
    for name, url in (
        ("DATABASE_URL", settings.store.database_url),
        ("DIRECT_URL", settings.store.direct_url),
        ("REDIS_URL", redis),
    ):
        if url is None:
            continue
        parts = urlsplit(url)
        is_here = parts.scheme == "unix" or (parts.hostname or "") in _THIS_MACHINE
        if parts.password is None:
            if not is_here:
                yield fail(f"{name}: has no password", "give the server one, and name it here")
        elif weakness := weakness_of(unquote(parts.password)):
            yield fail(f"{name}: its password {weakness}", "openssl rand -hex 24 makes a good one")
        if not is_here and name != "REDIS_URL" and "sslmode=" not in parts.query:
            yield warn(
                f"{name}: isn't told to insist on TLS",
                "add ?sslmode=verify-full, or see that the network between is yours alone",
            )
    password = settings.sign_in.admin_password
    if password is None:
        yield ok("first admin: no password is kept in the settings")
    elif weakness := weakness_of(password):
        yield fail(f"PROBITY_ADMIN_PASSWORD: {weakness}", "openssl rand -hex 24 makes a good one")
    else:
        yield warn("PROBITY_ADMIN_PASSWORD: is set", "take it away after the first start")
    if not settings.second_factor.required_for_admins:
        yield warn(
            "admins: a password is all they need",
            "SECOND_FACTOR_REQUIRED_FOR_ADMINS=on when each has an authenticator or a passkey",
        )


def weakness_of(password: str) -> str:
    """Say what is weak about a password; empty: nothing."""
    if len(password) < _PASSWORD_LENGTH:
        return f"is shorter than {_PASSWORD_LENGTH} characters"
    if len(Counter(password)) < _LETTERS:
        return f"is made of fewer than {_LETTERS} different characters"
    return ""


def backups(settings: Settings) -> Iterator[Finding]:
    """Judge what would happen to a backup that a stranger gets."""
    if settings.backups.keys is None:
        yield fail(
            "BACKUP_KEY: is unset, so backups lie open",
            "openssl rand -base64 32, kept where the backups are not",
        )
    else:
        yield ok("BACKUP_KEY: backups are sealed")
    place = settings.backups.folder
    if place is None or settings.store.data_dir.resolve() in (place.resolve(), *place.parents):
        yield warn(
            "BACKUP_FOLDER: on the disk that may be lost",
            "set it to another disk, or copy what lies there away",
        )


def open_ports(settings: Settings, reachable: frozenset[int] | None) -> Iterator[Finding]:
    """Judge what other machines reach past the proxy; `reachable` are ports of this machine that
    somebody listens at for more than this machine, None if that can't be seen.
    """
    if reachable is None:
        yield warn("ports: what other machines reach of this one can't be seen", _CLOSE_IT)
        return
    is_safe = True
    for name, url, usual in (
        ("DATABASE_URL", settings.store.database_url, _POSTGRES),
        ("REDIS_URL", settings.store.redis_url, _REDIS),
    ):
        parts = urlsplit(url or "")
        if url is None or (parts.hostname or "") not in _THIS_MACHINE:
            continue
        port = parts.port or usual
        if port in reachable:
            is_safe = False
            judged = fail if name == "REDIS_URL" and parts.password is None else warn
            yield judged(f"{name}: other machines reach port {port} of this one", _CLOSE_IT)
    if settings.listen.port in reachable:
        is_safe = False
        yield warn(
            f"PORT: other machines reach {settings.listen.port} without the proxy, /metrics too",
            "HOST=127.0.0.1, or see that only the proxy gets there (firewall, network policy)",
        )
    if is_safe:
        yield ok("ports: nothing of ours listens here for other machines")


def _reachable_ports() -> frozenset[int] | None:
    try:
        found = psutil.net_connections("tcp")
    except (psutil.Error, OSError):
        return None
    return frozenset(
        one.laddr.port
        for one in found
        if one.status == psutil.CONN_LISTEN and one.laddr and not _is_loopback(one.laddr.ip)
    )


def _is_loopback(text: str) -> bool:
    address = ip_address(text)
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def time_server(running: frozenset[str] | None = None) -> Finding:
    """Judge whether somebody sets the clock; `running` are processes' names, for tests."""
    names = _process_names() if running is None else running
    if found := sorted(names & _TIME_SERVERS):
        return ok(f"clock: {found[0]} sets it")
    return warn("clock: nobody here sets it", "start chrony, unless the host does (containers)")


def _process_names() -> frozenset[str]:
    found = set()
    for path in Path("/proc").glob("[0-9]*/comm"):
        try:
            found.add(path.read_text("utf-8").strip())
        except OSError:
            continue
    return frozenset(found)


def account(uid: int | None = None) -> Finding:
    """Judge whose account runs it; `uid` is for tests."""
    if (os.geteuid() if uid is None else uid) == 0:
        return warn("account: root", "run it on an account of its own, as deploy/systemd does")
    return ok("account: not root")


async def kept(settings: Settings) -> AsyncIterator[Finding]:
    """Judge how old the last backup and the last proof are."""
    url = settings.store.database_url or running_url(settings.store.data_dir)
    if url is None:
        yield warn("last backup: not known, as no database runs", "look again when it does")
        return
    try:
        connection = await connect_plainly(url)
    except DatabaseUnavailable:
        return  # `database` says so
    try:
        async with connection.transaction(readonly=True):
            if await migrate.current_of(connection) != migrate.head():
                yield warn("last backup: not known to this schema", "look again after the upgrade")
                return
            found = await noted(connection)
    finally:
        await connection.close()
    for finding in judge(found, now_us()):
        yield finding


def judge(found: Noted, now: int) -> Iterator[Finding]:
    """Say what the audit log's lines mean."""
    if found.is_wrong:
        yield fail("last verify: found something wrong", "see docs/operations/runbook.md")
    elif now - found.verified_at > _WEEK_US:
        age = _age(found.verified_at, now)
        yield warn(f"last verify: {age}", "let a timer run `probity verify --note` each day")
    else:
        yield ok(f"last verify: {_age(found.verified_at, now)}")
    if now - found.backup_at > _DAY_US:
        age = _age(found.backup_at, now)
        yield fail(f"last backup: {age}", "run `probity backup`, and a timer that does")
    else:
        yield ok(f"last backup: {_age(found.backup_at, now)}")


def _age(at: int, now: int) -> str:
    return f"{(now - at) / (3_600 * MICROSECONDS):.1f} hours ago" if at else "never"
