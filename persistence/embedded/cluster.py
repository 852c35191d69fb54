"""The files of one PostgreSQL server, and the programs of PostgreSQL that work on them.

Laws: a cluster is made beside its place and moved there, so that half of one is never used; its
settings are rewritten at every start; what a dead server left is cleared only after nothing lives
in the folder. All calls block; whose turn it is to call is decided in `embedded`, by a lock.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

import psutil

from persistence.embedded import postmaster
from persistence.embedded import settings as embedded_settings
from persistence.embedded.postmaster import Postmaster
from persistence.embedded.settings import SUPERUSER
from persistence.embedded.socket_folder import make_socket_folder
from persistence.embedded.unprivileged import account_for
from persistence.errors import EmbeddedPostgresError

_START_S: Final = 120.0  # recovery after a crash may have a lot of log to read
_LINES_SHOWN: Final = 5
_SHOWN: Final = 1_000


class Cluster:
    """One server's folder below a data folder, and what can be done to it."""

    def __init__(self, folder: Path, binaries: Path) -> None:
        self._folder = folder
        self._path = folder / "postgres"
        self._unfinished = folder / "postgres.new"
        self._binaries = binaries
        self._child: subprocess.Popen[bytes] | None = None
        try:
            self._account = account_for(self._path)
        except LookupError as error:
            raise EmbeddedPostgresError(f"PostgreSQL can't run as root: {error}") from error
        self._socket_folder = make_socket_folder(folder, self._account)

    def connect_or_start(self) -> Postmaster:
        """Return a server that takes connections: the one that is there, or a new one."""
        if not (self._path / "PG_VERSION").exists():
            self._create()
        self._write_settings()
        found = postmaster.await_status(
            self._path, lambda server: server is None or server.is_ready, _START_S
        )
        if found is not None and found.is_ready and found.accepts():
            return found
        if found is not None:
            postmaster.stop(found.process, self._path)
        return self._launch()

    def stop(self, process: psutil.Process) -> None:
        """End the server and clear away its socket's folder."""
        postmaster.stop(process, self._path)
        if self._child is not None:
            self._child.wait()
        if self._socket_folder.parent != self._folder:
            shutil.rmtree(self._socket_folder, ignore_errors=True)

    def _create(self) -> None:
        """Make a new cluster beside its place and move it there."""
        unfinished = self._unfinished
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        os.chown(unfinished, self._account.uid, self._account.gid)
        arguments = embedded_settings.initdb_arguments(self._server_version)
        self._run("initdb", f"--pgdata={unfinished}", f"--username={SUPERUSER}", *arguments)
        unfinished.rename(self._path)

    def _launch(self) -> Postmaster:
        postmaster.end_leftovers(self._path)
        # Nothing lives here now, so these are stale; a recycled pid in them would stop the start.
        (self._path / "postmaster.pid").unlink(missing_ok=True)
        for stale in self._socket_folder.glob(".s.PGSQL.*"):
            stale.unlink()
        log = self._folder / "postgres.log"
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        with log.open("wb") as output:
            self._child = subprocess.Popen(
                self._command("postgres", "-D", str(self._path)),
                cwd="/",
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for us; we stop the server when we are done
            )
        child = self._child
        found = postmaster.await_status(
            self._path,
            lambda server: child.poll() is not None or (server is not None and server.is_ready),
            _START_S,
        )
        if found is not None and found.is_ready:
            return found
        child.kill()
        child.wait()
        postmaster.end_leftovers(self._path)
        said = _one_line(log.read_text(encoding="utf-8", errors="replace"))
        raise EmbeddedPostgresError(f"PostgreSQL did not start: {said} (more in {log})")

    def _write_settings(self) -> None:
        made_by = int((self._path / "PG_VERSION").read_text(encoding="ascii"))
        if made_by != (version := self._server_version):
            raise EmbeddedPostgresError(
                f"{self._path} was made by PostgreSQL {made_by}, this is {version}: dump the"
                " database with the old version and restore it with this one"
            )
        try:
            operator = pwd.getpwuid(os.geteuid()).pw_name
        except KeyError as error:
            raise EmbeddedPostgresError(
                f"account {os.geteuid()} has no name on this machine: PostgreSQL needs one"
            ) from error
        files = embedded_settings.files(version, self._socket_folder, operator)
        for name, text in files.items():
            self._replace(self._path / name, text)

    def _replace(self, path: Path, text: str) -> None:
        """Write a file anew, never through a link that the server's account may have put there."""
        new = path.with_suffix(".new")
        new.unlink(missing_ok=True)
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            os.fchown(fd, self._account.uid, self._account.gid)
            file.write(text)
        new.replace(path)

    @cached_property
    def _server_version(self) -> int:
        """The major version, from the likes of `postgres (PostgreSQL) 18.4`."""
        return int(self._run("postgres", "--version").split()[2].split(".")[0])

    def _run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            self._command(program, *arguments),
            cwd="/",
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise EmbeddedPostgresError(
                f"{program} failed: {_one_line(done.stderr or done.stdout)}"
            )
        return done.stdout

    def _command(self, program: str, *arguments: str) -> Sequence[str]:
        place = self._path if self._path.exists() else self._unfinished
        reaches = [self._binaries, self._binaries / program, self._socket_folder, place]
        return self._account.command([str(self._binaries / program), *arguments], reaches)


def _one_line(said: str) -> str:
    """Return the end of what a program said, its lines joined."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return " / ".join(lines[-_LINES_SHOWN:])[-_SHOWN:] or "it said nothing"


def _environment() -> dict[str, str]:
    """Give the server nothing of ours: no secrets, and no PG* variables that would move it."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", **kept}
