"""Find, judge and end the server process of one cluster folder.

Laws: a pid alone proves nothing, since pids are given anew: a process is ours only if it works in
our folder, and every signal goes to the process that was judged, not to its number; a zombie is
dead; leftovers of a dead server are ended before another one starts, since two would destroy the
data. What the server is told to do (settings, accounts) belongs to `embedded`.
"""

import contextlib
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import psutil

_POLL_S: Final = 0.005
_FAST_STOP_S: Final = 20.0
_IMMEDIATE_STOP_S: Final = 5.0
_LEFTOVERS_LEAVE_S: Final = 2.0
_CONNECT_S: Final = 2.0
_SOCKET_NAME: Final = ".s.PGSQL.5432"
_READY: Final = "ready"


class Postmaster(NamedTuple):
    """A living server process, as its ``postmaster.pid`` describes it."""

    process: psutil.Process
    socket_folder: Path
    status: str

    @property
    def is_ready(self) -> bool:
        """Whether it says that it takes connections."""
        return self.status == _READY

    def accepts(self) -> bool:
        """Whether its socket is still there and something listens behind it."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(_CONNECT_S)
            try:
                probe.connect(str(self.socket_folder / _SOCKET_NAME))
            except OSError:
                return False
        return True


def find(cluster: Path) -> Postmaster | None:
    """Return the living server of ``cluster``, starting or stopping ones included."""
    try:
        lines = (cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        process = psutil.Process(int(lines[0]))
    except (OSError, IndexError, ValueError, psutil.NoSuchProcess):
        return None
    if not _works_in(process, cluster):
        return None
    status = lines[7].strip() if len(lines) > 7 else "starting"  # noqa: PLR2004 - the eighth line
    socket_folder = Path(lines[4]) if len(lines) > 4 else cluster  # noqa: PLR2004 - the fifth line
    return Postmaster(process, socket_folder, status)


def await_status(
    cluster: Path, settled: Callable[[Postmaster | None], bool], timeout_s: float
) -> Postmaster | None:
    """Wait until ``settled`` holds of the server; return what was found last."""
    deadline = time.monotonic() + timeout_s
    while not settled(found := find(cluster)) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    return found


def stop(process: psutil.Process, cluster: Path) -> None:
    """End a server: orderly, else at once, else by force; nothing of it is left behind.

    An orderly stop is what ``pg_ctl stop -m fast`` asks for, one at once what ``-m immediate``
    does: the next start then recovers from the write-ahead log. One that was stopped (SIGSTOP)
    hears no order but the last.
    """
    for order, patience_s in (
        (signal.SIGINT, _FAST_STOP_S),
        (signal.SIGQUIT, _IMMEDIATE_STOP_S),
        (signal.SIGKILL, _IMMEDIATE_STOP_S),
    ):
        try:
            if order != signal.SIGKILL and process.status() == psutil.STATUS_STOPPED:
                continue
            process.send_signal(order)
        except psutil.NoSuchProcess:
            break
        if not _still_alive([process], patience_s):
            break
    end_leftovers(cluster)


def end_leftovers(cluster: Path) -> None:
    """Wait for the children of a dead server to leave, and kill those that don't.

    They notice their parent's death at once unless they are deep in a query. Call it only when
    :func:`find` returned None.
    """
    staying = _still_alive(list(_processes_in(cluster)), _LEFTOVERS_LEAVE_S)
    for process in staying:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    _still_alive(staying, _LEFTOVERS_LEAVE_S)


def _still_alive(processes: Sequence[psutil.Process], timeout_s: float) -> list[psutil.Process]:
    """Wait for processes to die, and return those that didn't.

    psutil's own wait would also wait for a zombie's burial, which some containers' first process
    takes seconds over.
    """
    deadline = time.monotonic() + timeout_s
    while alive := [process for process in processes if _is_alive(process)]:
        if time.monotonic() >= deadline:
            break
        time.sleep(_POLL_S)
    return alive


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _processes_in(cluster: Path) -> Iterator[psutil.Process]:
    return (process for process in psutil.process_iter() if _works_in(process, cluster))


def _works_in(process: psutil.Process, cluster: Path) -> bool:
    """Tell whether it is a living postgres process whose working folder is the cluster."""
    try:
        return (
            process.name() == "postgres" and _is_alive(process) and Path(process.cwd()) == cluster
        )
    except psutil.Error:
        return False
