"""How the text of a setting becomes a value; a ValueError's reason is fit to be shown."""

import ipaddress
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import SplitResult, parse_qsl, urlsplit

from exchange.messages.bounds import CREDIT_MAX
from exchange.messages.errors import MalformedNumber
from exchange.messages.units import parse_money

T = TypeVar("T")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_DURATION: Final = re.compile(r"([1-9][0-9]{0,8})(s|m|h|d)", re.ASCII)
_UNIT_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_SECONDS: Final = re.compile(r"[0-9]{1,6}(\.[0-9]{1,3})?", re.ASCII)
_NO_POSTGRES_URL: Final = (
    "must be postgresql://user:password@host:port/name, with / : @ # ? [ % encoded"
)
_NO_REDIS_URL: Final = (
    "must be redis://host:port/0, rediss://host:port/0 or unix:///path?db=0, with / : @ # ? [ %"
    " encoded"
)
_REDIS_DATABASE: Final = re.compile(r"[0-9]{1,4}", re.ASCII)
_FILE: Final = re.compile(r".+")
_REDIS_QUERY: Final = {
    "db": _REDIS_DATABASE,
    "ssl_ca_certs": _FILE,
    "ssl_cert_reqs": re.compile("none|optional|required"),
    "ssl_certfile": _FILE,
    "ssl_check_hostname": re.compile("true|false"),
    "ssl_keyfile": _FILE,
}
"""What may stand behind the "?": anything else reaches the library as an argument it may not know,
or changes what the exchange relies on."""
_WHOLE: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


def text(value: str) -> str:
    """Return it as it is; an empty one is missing."""
    if not value:
        raise ValueError("is missing")
    return value


def host(value: str) -> str:
    """Return an address or a machine's name."""
    if not value.isascii():
        raise ValueError("must be an address or a name in ASCII")
    return text(value)


def folder(value: str) -> Path:
    """Return a folder's path; "~" is somebody's home, as in a shell."""
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise ValueError(f'"{value}" names the home of nobody here') from None


def optional(parse: Callable[[str], T]) -> Callable[[str], T | None]:
    """Return a parser that gives None for an empty value."""
    return lambda value: parse(value) if value else None


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return a parser of whole numbers between `least` and `most`."""

    def parse(value: str) -> int:
        if _WHOLE.fullmatch(value) is None or not least <= int(value) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(value)

    return parse


def window_ms(value: str) -> int:
    """Return the milliseconds of a rate limit's window: whole seconds, as the limiter counts."""
    milliseconds = whole(1_000, 86_400_000)(value)
    if milliseconds % 1_000:
        raise ValueError("must be whole seconds, such as 60000")
    return milliseconds


def seconds(value: str) -> float:
    """Return seconds, e.g. "2.5"."""
    if _SECONDS.fullmatch(value) is None or float(value) <= 0:
        raise ValueError("must be seconds above 0, such as 2.5")
    return float(value)


def share(value: str) -> float:
    """Return a part of a whole, e.g. "0.1"."""
    if _SECONDS.fullmatch(value) is None or float(value) > 1:
        raise ValueError("must be a part from 0 to 1, such as 0.1")
    return float(value)


def duration(value: str) -> int:
    """Return the seconds of e.g. "90s", "15m", "12h" or "7d"."""
    match = _DURATION.fullmatch(value)
    if match is None:
        raise ValueError('must be a duration such as "90s", "15m", "12h" or "7d"')
    return int(match.group(1)) * _UNIT_SECONDS[match.group(2)]


def interval(value: str) -> int:
    """Return the seconds of what divides a minute, an hour or a day, e.g. "30s", "10m" or "6h"."""
    found = duration(value)
    larger = next((one for one in (60, 3_600, 86_400) if found <= one), 0)
    is_whole = found % {60: 1, 3_600: 60}.get(larger, 3_600) == 0
    if larger == 0 or larger % found or not is_whole:
        raise ValueError('must divide a minute, an hour or a day, such as "30s", "10m" or "6h"')
    return found


def money(value: str) -> int:
    """Return money units, at most what one credit may be; "0" is allowed."""
    if value == "0":
        return 0
    try:
        return parse_money(value, CREDIT_MAX)
    except MalformedNumber as error:
        raise ValueError(str(error)) from None


def listed(value: str) -> tuple[str, ...]:
    """Return the parts of a comma-separated list, without blanks and empty parts."""
    return tuple(part for part in (piece.strip() for piece in value.split(",")) if part)


def origins(value: str) -> tuple[str, ...]:
    """Return web origins, or ("*",)."""
    found = listed(value)
    for origin in found:
        if origin == "*":
            continue
        parts = urlsplit(origin)
        if parts.scheme not in {"http", "https"} or f"{parts.scheme}://{parts.netloc}" != origin:
            raise ValueError(f'"{origin}" is no origin such as https://example.org')
    if "*" in found and len(found) > 1:
        raise ValueError('"*" stands alone')
    return found


def networks(value: str) -> tuple[Network, ...]:
    """Return addresses and networks in CIDR notation."""
    try:
        return tuple(ipaddress.ip_network(part) for part in listed(value))
    except ValueError as error:
        raise ValueError(f"must be addresses or networks: {error}") from None


def postgres_url(value: str) -> str:
    """Return a PostgreSQL URL; the value itself is never shown, as it holds a password."""
    parts = _url_parts(value, _NO_POSTGRES_URL)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ValueError("must start with postgresql://")
    # Several servers may be named; of a password that isn't encoded, a part looks like a port.
    for host in parts.netloc.rpartition("@")[2].split(","):
        _check_port(_url_parts(f"//{host}", _NO_POSTGRES_URL), _NO_POSTGRES_URL)
    return value


def redis_url(value: str) -> str:
    """Return a Redis URL; the value itself is never shown, as it may hold a password."""
    parts = _url_parts(value, _NO_REDIS_URL)
    _check_port(parts, _NO_REDIS_URL)
    is_socket = parts.scheme == "unix"
    if parts.scheme not in {"redis", "rediss", "unix"} or not (
        parts.path if is_socket else parts.hostname
    ):
        raise ValueError(_NO_REDIS_URL)
    database = parts.path.removeprefix("/")
    if parts.fragment or not (is_socket or not database or _REDIS_DATABASE.fullmatch(database)):
        raise ValueError(_NO_REDIS_URL)
    _check_redis_query(parts)
    return value


def http_url(value: str) -> str:
    """Return the base URL of an API, without a "/" at its end."""
    return _base_url(value, ("http", "https"))


def socket_url(value: str) -> str:
    """Return the URL of a WebSocket."""
    return _base_url(value, ("ws", "wss"))


def _base_url(value: str, schemes: tuple[str, str]) -> str:
    """Return a URL without user, query and fragment; it is never shown, in case it holds a key."""
    wrong = f"must be a URL such as {schemes[1]}://example.org/path, without user and query"
    parts = _url_parts(value, wrong)
    _check_port(parts, wrong)
    extra = parts.username or parts.password or parts.query or parts.fragment
    if parts.scheme not in schemes or not parts.hostname or extra or not value.isascii():
        raise ValueError(wrong)
    if any(character.isspace() for character in value):
        raise ValueError(wrong)
    return value.rstrip("/")


def _check_redis_query(parts: SplitResult) -> None:
    """Refuse what redis-py would take for an argument of its own, or pass over in silence."""
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    known = [name for name in _REDIS_QUERY if name == "db" or parts.scheme == "rediss"]
    for number, (name, text) in enumerate(pairs):
        if name not in known or name in [earlier for earlier, _ in pairs[:number]]:
            raise ValueError(f"may have each of {', '.join(known)} once behind the ?")
        if _REDIS_QUERY[name].fullmatch(text) is None:
            raise ValueError(f"has a wrong {name} behind the ?")


def _url_parts(value: str, wrong: str) -> SplitResult:
    try:
        return urlsplit(value)
    except ValueError:
        raise ValueError(wrong) from None


def _check_port(parts: SplitResult, wrong: str) -> None:
    try:
        _ = parts.port
    except ValueError:
        raise ValueError(wrong) from None


def switch(value: str) -> bool:
    """Return whether something is on; true and false say the same."""
    if value.lower() not in {"on", "off", "true", "false"}:
        raise ValueError("must be on or off")
    return value.lower() in {"on", "true"}


def log_level(value: str) -> str:
    """Return a level's name in lower case."""
    if value.lower() not in {"debug", "info", "warning", "error"}:
        raise ValueError("must be debug, info, warning or error")
    return value.lower()


def level_number(name: str) -> int:
    """Return the standard library's number of a level's name."""
    return logging.getLevelNamesMapping()[name.upper()]


def unquoted(value: str) -> str:
    """Return a value of `.env` without the quotes around it."""
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value
