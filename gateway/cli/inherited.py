"""What a process of a family (`family.py`) has from its parent: sockets that are bound already, and
a pipe whose end is the parent's.

    PROBITY_SOCKETS = "9,7"    its own address first; behind it that which all gateways serve

Laws: a socket stays bound by the parent whoever dies, so nothing that comes meanwhile is refused
for want of a listener; a process that starts again by `respawn.py` finds the same. A process whose
parent is gone, however that ended, drains and ends like one that is told to.
"""

import errno
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from typing import Final

from gateway.bootstrap.server import bind
from gateway.bootstrap.settings import Settings
from gateway.cli.stand_in import kept_socket
from gateway.settings.reader import SettingsError

SOCKETS: Final = "PROBITY_SOCKETS"
"""How the sockets reach a child; no setting."""


def listening_socket(settings: Settings) -> socket.socket:
    """Return where this process listens: what its family has bound for it, what the process before
    it listened on, or HOST and PORT.

    Raises SettingsError for an address that can't be had.
    """
    numbers = _numbers()
    if numbers:
        end_with_family()
        return _copy(numbers[0])
    kept = kept_socket()
    if kept is not None:
        return kept
    try:
        return bind(settings)
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise SettingsError(f"HOST: {settings.listen.host}: {error.strerror}") from None
        raise SettingsError(
            f"PORT: {settings.listen.host}:{settings.listen.port}: {error.strerror}"
        ) from None


def shared_sockets() -> list[socket.socket]:
    """Return what this process serves together with others of its family; nothing without one."""
    return [_copy(number) for number in _numbers()[1:]]


def _numbers(environment: Mapping[str, str] = os.environ) -> list[int]:
    return [int(number) for number in environment.get(SOCKETS, "").split(",") if number]


def _copy(number: int) -> socket.socket:
    # Whoever closes it, or starts again, leaves the inherited one as it is.
    return socket.socket(fileno=os.dup(number))


def end_with_family() -> None:
    """End as by SIGTERM when the parent is gone: it never writes to our stdin."""

    def wait() -> None:
        os.read(sys.stdin.fileno(), 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="family", daemon=True).start()
