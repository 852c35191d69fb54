"""What `serve`, `engine`, `gateway` and `worker` print when they are open: where to look.

Plain text for a terminal. The commands can be pasted as they stand, also a second time: Ada is
registered once and logs in every time.
"""

from pathlib import Path
from typing import Final, NamedTuple

from gateway.feeds.sample.market import PLATFORM as SAMPLE
from gateway.site.front_page import trade_commands

_THIS_MACHINE: Final = frozenset({"127.0.0.1", "0.0.0.0", "::", "::1"})  # noqa: S104 - compared only


class Opened(NamedTuple):
    """What there is to say; `market` is the slug of an open market, `password` a made-up one."""

    host: str
    port: int
    data_dir: Path | None
    """Of the embedded database; None for DATABASE_URL."""
    admin: str | None = None
    password: str | None = None
    market: str | None = None
    feed: tuple[str, ...] = ()
    """The platforms beside ours that were named."""


def address(host: str, port: int) -> str:
    """Return the URL under which a browser on this machine finds the server."""
    if host in _THIS_MACHINE:
        host = "localhost"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def banner(opened: Opened) -> str:
    """Return the text."""
    where = address(opened.host, opened.port)
    embedded = opened.data_dir
    database = "DATABASE_URL" if embedded is None else f"embedded, in {embedded / 'postgres'}"
    lines = [
        f"Probity is open at {where}",
        "",
        f"  markets   {where}",
        f"  API       {where}/api/v1/docs",
        f"  database  {database}",
    ]
    if SAMPLE in opened.feed:
        lines.append(f"  samples   {where}/api/v1/markets?platform={SAMPLE}   (invented markets)")
    if opened.admin is not None:
        lines.append(f"  admin     {opened.admin}")
    if opened.password is not None:
        lines.append(f"  password  {opened.password}   (shown this once)")
    if opened.market is not None:
        lines += ["", "Trade from another terminal:", "", *trade_commands(where, opened.market)]
    return "\n".join([*lines, "", "Ctrl-C stops it."])


def gateway_banner(host: str, port: int, *, takes_commands: bool) -> str:
    """Return what `probity gateway` prints when it is open."""
    where = address(host, port)
    what = "sockets, reads and orders, which go to the engine over Redis"
    if not takes_commands:
        what = "reads, market data and sockets; orders go to the engine's own address"
    return f"Probity's gateway is open at {where}\n\n  {what}\n\nCtrl-C stops it."


def engine_banner(host: str, port: int, admin: tuple[str, str] | None) -> str:
    """Return what `probity engine` prints when it trades; `admin` is a new one and its password."""
    where = address(host, port)
    lines = [f"Probity's engine trades behind gateways; it says how it is at {where}", ""]
    lines += ["  /health, /ready, /metrics"]
    if admin is not None:
        lines += ["", f"  admin     {admin[0]}", f"  password  {admin[1]}   (shown this once)"]
    return "\n".join([*lines, "", "Ctrl-C stops it."])


def standby_banner(host: str, port: int) -> str:
    """Return what `probity engine --standby` prints when it waits."""
    where = address(host, port)
    return (
        f"Probity's standby waits to take over; it says how it is at {where}\n\n"
        "  /health, /ready, /metrics\n\n"
        "Ctrl-C stops it."
    )


def worker_banner(host: str, port: int) -> str:
    """Return what `probity worker` prints when it is open."""
    where = address(host, port)
    return (
        f"Probity's worker runs jobs; it says how it is at {where}\n\n"
        "  /health, /ready, /metrics\n\n"
        "Ctrl-C stops it."
    )
