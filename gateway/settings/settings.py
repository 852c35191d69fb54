"""Every setting, read from the environment (and an optional `.env`) into one struct.

Laws: a name is read in this module and nowhere else; an empty value counts as unset; what the
environment says wins over `.env`; a wrong value stops the start with one line that names the
setting (`SettingsError`). Each limit of the gateway is a setting; limits of the core are in
`exchange.messages.bounds`. `.env.example` is `example_file()`, and a test keeps the two equal.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway.settings import values

ENV_FILE: Final = Path(".env")


class SettingsError(Exception):
    """One line that names the setting and says what is wrong with it."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What `probity` runs with; durations without a unit in the name are seconds."""

    host: str
    port: int
    database_url: str | None
    direct_url: str | None
    redis_url: str | None
    data_dir: Path
    database_pool_size: int
    database_timeout_seconds: float
    jwt_private_key: str | None
    jwt_access_expires_in: int
    jwt_refresh_expires_in: int
    refresh_grace_seconds: int
    token_cache_size: int
    password_hash_workers: int
    password_hash_queue: int
    cors_origin: tuple[str, ...]
    trusted_proxies: tuple[values.Network, ...]
    log_level: str
    sentry_dsn: str | None
    starting_credits: int
    rate_limit_max_requests: int
    rate_limit_window_ms: int
    rate_limit_user_max_requests: int
    rate_limit_user_window_ms: int
    rate_limit_sockets_per_address: int
    rate_limit_sockets_window_ms: int
    rate_limit_tracked_keys: int
    request_head_max_bytes: int
    request_head_timeout_seconds: float
    request_body_max_bytes: int
    request_body_timeout_seconds: float
    page_size: int
    page_size_max: int
    page_offset_max: int
    http_keep_alive_seconds: int
    socket_frame_max_bytes: int
    socket_in_flight_max: int
    socket_send_queue_size: int
    socket_connect_timeout_seconds: float
    socket_ping_interval_seconds: float
    socket_ping_timeout_seconds: float
    engine_queue_size: int
    shutdown_timeout_seconds: int
    demo_seed: int | None
    demo_step_seconds: float
    admin_email: str | None
    admin_password: str | None


@dataclass(frozen=True, slots=True)
class _Setting:
    name: str
    default: str
    parse: Callable[[str], Any]
    about: str
    field: str = ""

    @property
    def attribute(self) -> str:
        return self.field or self.name.lower()


_S = _Setting
_whole = values.whole
_GROUPS: Final[tuple[tuple[str, tuple[_Setting, ...]], ...]] = (
    (
        "Where it listens and keeps things",
        (
            _S("HOST", "127.0.0.1", values.host, "Address to listen on; 0.0.0.0 for all."),
            _S("PORT", "8080", _whole(0, 65_535), "Port to listen on; 0 takes a free one."),
            _S(
                "DATA_DIR",
                "data",
                values.folder,
                "Folder of the embedded database, keys and the tip.",
            ),
        ),
    ),
    (
        "Database and Redis",
        (
            _S(
                "DATABASE_URL",
                "",
                values.optional(values.postgres_url),
                "PostgreSQL 15 or later; unset: an embedded one under DATA_DIR.",
            ),
            _S(
                "DIRECT_URL",
                "",
                values.optional(values.postgres_url),
                "The same database past any pooler, for the engine; unset: DATABASE_URL.",
            ),
            _S(
                "REDIS_URL",
                "",
                values.optional(values.redis_url),
                "Redis 6.2 or later, for `probity gateway` processes; unset: there are none.",
            ),
            _S("DATABASE_POOL_SIZE", "20", _whole(2, 1_000), "Connections for reads."),
            _S("DATABASE_TIMEOUT_SECONDS", "5", values.seconds, "Deadline of one read."),
        ),
    ),
    (
        "Sign-in",
        (
            _S(
                "JWT_PRIVATE_KEY",
                "",
                values.optional(values.text),
                "Ed25519 key as PEM (\\n for line ends); unset: made once in DATA_DIR.",
            ),
            _S("JWT_ACCESS_EXPIRES_IN", "15m", values.duration, "Life of an access token."),
            _S("JWT_REFRESH_EXPIRES_IN", "7d", values.duration, "Life of a refresh token."),
            _S(
                "REFRESH_GRACE_SECONDS",
                "10",
                _whole(0, 300),
                "How long a just-used refresh token still works, for concurrent tabs.",
            ),
            _S("TOKEN_CACHE_SIZE", "10000", _whole(1, 10**7), "Verified tokens remembered."),
            _S("PASSWORD_HASH_WORKERS", "2", _whole(1, 64), "Threads that hash passwords."),
            _S("PASSWORD_HASH_QUEUE", "32", _whole(1, 10_000), "Hashes waiting; more: 429."),
            _S(
                "PROBITY_ADMIN_EMAIL",
                "",
                values.optional(values.text),
                "First admin; unset: admin@probity.local with a password printed once.",
                "admin_email",
            ),
            _S(
                "PROBITY_ADMIN_PASSWORD",
                "",
                values.optional(values.password),
                "The first admin's password, 8 to 128 characters.",
                "admin_password",
            ),
        ),
    ),
    (
        "Web",
        (
            _S(
                "CORS_ORIGIN",
                "",
                values.origins,
                "Origins of other sites' pages that may call, comma-separated; * for any.",
            ),
            _S(
                "TRUSTED_PROXIES",
                "",
                values.networks,
                "Networks whose X-Forwarded-For and -Proto are believed, comma-separated.",
            ),
            _S("REQUEST_HEAD_MAX_BYTES", "32768", _whole(1_024, 2**20), "More: 400."),
            _S("REQUEST_HEAD_TIMEOUT_SECONDS", "10", values.seconds, "Wait for a head."),
            _S("REQUEST_BODY_MAX_BYTES", "65536", _whole(1_024, 2**24), "More: 413."),
            _S("REQUEST_BODY_TIMEOUT_SECONDS", "10", values.seconds, "Wait for a body."),
            _S("PAGE_SIZE", "50", _whole(1, 10_000), "Items of a page when not asked for."),
            _S("PAGE_SIZE_MAX", "200", _whole(1, 10_000), "Most items of a page."),
            _S("PAGE_OFFSET_MAX", "100000", _whole(0, 10**9), "Largest offset."),
            _S("HTTP_KEEP_ALIVE_SECONDS", "30", _whole(1, 3_600), "Idle connections."),
            _S("SHUTDOWN_TIMEOUT_SECONDS", "10", _whole(1, 300), "Draining at the end."),
        ),
    ),
    (
        "Rate limits",
        (
            _S("RATE_LIMIT_MAX_REQUESTS", "100", _whole(1, 10**9), "Per address, no login."),
            _S("RATE_LIMIT_WINDOW_MS", "60000", values.window_ms, "Window of the above."),
            _S("RATE_LIMIT_USER_MAX_REQUESTS", "1000", _whole(1, 10**9), "Per user."),
            _S("RATE_LIMIT_USER_WINDOW_MS", "60000", values.window_ms, "Window of the above."),
            _S("RATE_LIMIT_SOCKETS_PER_ADDRESS", "10", _whole(1, 10**9), "New sockets."),
            _S("RATE_LIMIT_SOCKETS_WINDOW_MS", "60000", values.window_ms, "Window of the above."),
            _S(
                "RATE_LIMIT_TRACKED_KEYS",
                "100000",
                _whole(100, 10**8),
                "Counters kept for each limit.",
            ),
        ),
    ),
    (
        "Sockets",
        (
            _S("SOCKET_FRAME_MAX_BYTES", "16384", _whole(1_024, 2**20), "Of one frame."),
            _S("SOCKET_IN_FLIGHT_MAX", "64", _whole(1, 10_000), "Unanswered events."),
            _S("SOCKET_SEND_QUEUE_SIZE", "1024", _whole(16, 10**6), "Messages; more: closed."),
            _S("SOCKET_CONNECT_TIMEOUT_SECONDS", "5", values.seconds, "To join a namespace."),
            _S("SOCKET_PING_INTERVAL_SECONDS", "20", values.seconds, "Between pings."),
            _S("SOCKET_PING_TIMEOUT_SECONDS", "20", values.seconds, "Wait for a pong."),
        ),
    ),
    (
        "Exchange",
        (
            _S("STARTING_CREDITS", "1000", values.money, "Credits of a new account."),
            _S("ENGINE_QUEUE_SIZE", "10000", _whole(1, 10**6), "Waiting commands; more: 503."),
        ),
    ),
    (
        "Demonstration (serve --demo)",
        (
            _S(
                "DEMO_SEED",
                "",
                values.optional(_whole(0, 2**62)),
                "Seed of the simulated traders; unset: a new one, logged.",
            ),
            _S(
                "DEMO_STEP_SECONDS",
                "1.5",
                values.seconds,
                "Between a market's steps, about: each requotes and perhaps trades.",
            ),
        ),
    ),
    (
        "Operation",
        (
            _S("LOG_LEVEL", "info", values.log_level, "debug, info, warning or error."),
            _S("SENTRY_DSN", "", values.optional(values.text), "Reports errors to Sentry."),
        ),
    ),
)


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of `environment` (default: the process's, over `.env`).

    Raises SettingsError with one line that names the first missing or wrong setting.
    """
    if environment is None:
        environment = {**_env_file(ENV_FILE), **os.environ}
    found: dict[str, Any] = {}
    for _, group in _GROUPS:
        for setting in group:
            text = environment.get(setting.name, "").strip() or setting.default
            try:
                found[setting.attribute] = setting.parse(text)
            except ValueError as error:
                raise SettingsError(f"{setting.name}: {error}") from None
    settings = Settings(**found)
    _check_together(settings)
    return settings


def _check_together(settings: Settings) -> None:
    if settings.page_size > settings.page_size_max:
        raise SettingsError("PAGE_SIZE: must not be larger than PAGE_SIZE_MAX")
    if settings.direct_url is not None and settings.database_url is None:
        raise SettingsError("DATABASE_URL: is missing, but DIRECT_URL is set")
    if (settings.admin_email is None) != (settings.admin_password is None):
        missing = "EMAIL" if settings.admin_email is None else "PASSWORD"
        raise SettingsError(f"PROBITY_ADMIN_{missing}: is missing, but its twin is set")


def _env_file(path: Path) -> dict[str, str]:
    """Return the assignments of a `.env` file: NAME=value lines, quotes around a value optional."""
    try:
        content = path.read_text("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"{path}: can't be read as UTF-8 text") from None
    found = {}
    for number, line in enumerate(content.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        name, equals, value = stripped.removeprefix("export ").partition("=")
        if not equals or not name.strip().isidentifier():
            raise SettingsError(f"{path}, line {number}: must be NAME=value")
        found[name.strip()] = values.unquoted(value.strip())
    return found


def example_file() -> str:
    """Return the text of `.env.example`: every setting with what it does and its default."""
    lines = ["# Every setting with its default; copy to .env and change what you need."]
    for title, group in _GROUPS:
        lines += ["", f"# -- {title}"]
        for setting in group:
            lines += [f"# {setting.about}", f"{setting.name}={setting.default}"]
    return "\n".join(lines) + "\n"
