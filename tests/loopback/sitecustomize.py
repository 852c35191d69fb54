"""The guard at the edge of this machine: in a test, and in every Python that one starts, whoever
would connect beyond loopback is stopped and written down.

Python itself imports a module of this name when it starts and finds it, so a child is guarded from
its first line if this folder is on its `PYTHONPATH` (`guard.py` puts it there). Stopping isn't
enough: a feed takes a connection that fails for a venue that is down, which is its normal day. What
is written down fails the test.

A server that a test starts doesn't find what only tests install, as where it is installed alone.

Laws: nothing is imported that a start would pay for; what goes through Python's `socket` is seen by
an audit hook, what goes through uvloop (which has sockets of its own) by its event loop. libpq's
connections to PostgreSQL aren't seen; those of asyncpg to the same address are.
"""

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, Final

REPORT: Final = "PROBITY_BEYOND_LOOPBACK"
"""The file where it is written down; without it nothing is guarded."""
ALLOWED: Final = "PROBITY_ALLOWED_HOSTS"
"""Further hosts, comma-separated: of a database that the tests were given."""
ABSENT: Final = "PROBITY_NOT_INSTALLED"
"""Modules that this process doesn't find, comma-separated."""
_NAMES: Final = frozenset({"", "localhost", "::1", "::", "0.0.0.0"})  # noqa: S104 - only compared
_CONNECTS: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_LOOKS_UP: Final = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})


class BeyondLoopback(OSError):
    """A test, or what it started, would leave this machine."""


def is_here(host: object) -> bool:
    """Say whether a name or an address is this machine's, without asking anybody."""
    if isinstance(host, bytes | bytearray):
        host = host.decode("latin-1")
    if not isinstance(host, str):
        return True
    name = host.lower().rpartition("%")[0] or host.lower()
    name = name.removeprefix("::ffff:")
    digits = name.split(".")
    if digits[0] == "127" and all(part.isdigit() for part in digits):
        return True
    return name in _NAMES or name in os.environ.get(ALLOWED, "").split(",")


def check(what: str, host: object) -> None:
    """Raise BeyondLoopback, and write it down, if a host isn't here."""
    report = os.environ.get(REPORT)
    if not report or is_here(host):
        return
    line = f"{what} {host!r} by {' '.join(sys.argv)[:200] or sys.executable}\n"
    # Opened anew each time: several processes write to it.
    with open(report, "a", encoding="utf-8") as file:  # noqa: PTH123 - no pathlib at a start
        file.write(line)
    raise BeyondLoopback(line.strip())


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _CONNECTS:
        address = arguments[1]
        # A path is a socket in the file system; None is an address that was checked before.
        if isinstance(address, tuple) and address:
            check("connects to", address[0])
    elif event in _LOOKS_UP:
        check("looks up", arguments[0])


class _Watched(PathFinder):
    """Finds uvloop as ever, and guards its loops once it is there."""

    @classmethod
    def find_spec(cls, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return uvloop's spec, whose loader guards; None for any other module."""
        if fullname != "uvloop" or path is not None:
            return None
        found = PathFinder.find_spec(fullname, path, target)
        if found is not None and found.loader is not None:
            execute = found.loader.exec_module

            def guarded(module: ModuleType) -> None:
                execute(module)
                guard_loops(module)

            found.loader.exec_module = guarded  # type: ignore[method-assign]
        return found


def guard_loops(uvloop: Any) -> None:
    """Check where uvloop's event loops connect to."""
    if getattr(uvloop.Loop, "is_guarded", False):
        return
    connect, datagrams = uvloop.Loop.create_connection, uvloop.Loop.create_datagram_endpoint
    look_up, by_socket = uvloop.Loop.getaddrinfo, uvloop.Loop.sock_connect

    async def create_connection(
        loop: Any, factory: Any, host: Any = None, port: Any = None, **more: Any
    ) -> Any:
        check("connects to", host)
        return await connect(loop, factory, host, port, **more)

    async def create_datagram_endpoint(
        loop: Any, factory: Any, local_addr: Any = None, remote_addr: Any = None, **more: Any
    ) -> Any:
        check("connects to", remote_addr[0] if isinstance(remote_addr, tuple) else None)
        return await datagrams(loop, factory, local_addr, remote_addr, **more)

    async def getaddrinfo(loop: Any, host: Any, port: Any, **more: Any) -> Any:
        check("looks up", host)
        return await look_up(loop, host, port, **more)

    async def sock_connect(loop: Any, sock: Any, address: Any) -> Any:
        check("connects to", address[0] if isinstance(address, tuple) else None)
        return await by_socket(loop, sock, address)

    for one in (create_connection, create_datagram_endpoint, getaddrinfo, sock_connect):
        setattr(uvloop.Loop, one.__name__, one)
    uvloop.Loop.is_guarded = True


def install() -> None:
    """Guard this process from now on; once."""
    # By name: a worker may have this module twice, by Python's start and by the tests' import.
    if any(getattr(finder, "__name__", "") == _Watched.__name__ for finder in sys.meta_path):
        return
    sys.addaudithook(_hear)
    sys.meta_path.insert(0, _Watched)
    if (uvloop := sys.modules.get("uvloop")) is not None:
        guard_loops(uvloop)


if os.environ.get(REPORT):
    install()
for _absent in filter(None, os.environ.get(ABSENT, "").split(",")):
    sys.modules[_absent] = None  # type: ignore[assignment]
