"""Find a private folder for the embedded server's socket whose path is short enough for one.

Laws: the folder is the server account's own and closed to all others (0700); one that somebody
else has put in its place is refused, not used. The kernel holds a socket's path in about a hundred
bytes, so a data folder far down gets a folder named by its hash elsewhere.
"""

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from persistence.embedded.unprivileged import SystemAccount
from persistence.errors import EmbeddedPostgresError

_LONGEST_PATH: Final = 103  # bytes: macOS takes 104 with the final zero, Linux 108
_SOCKET_NAME: Final = ".s.PGSQL.5432.lock"
# These mean something in PostgreSQL's list of folders.
_SPECIAL: Final = frozenset("\"'\\,\n")


def make_socket_folder(data_folder: Path, account: SystemAccount) -> Path:
    """Make, or find again, the socket's folder for the server of ``data_folder``.

    Raises:
        EmbeddedPostgresError: no place is short enough, or somebody else's folder is in it.
    """
    for folder in _places(data_folder):
        path = str(folder / _SOCKET_NAME)
        if len(os.fsencode(path)) <= _LONGEST_PATH and not _SPECIAL & set(path):
            _make_private(folder, account)
            return folder
    raise EmbeddedPostgresError(f"no folder is short enough for the socket of {data_folder}")


def _places(data_folder: Path) -> Iterator[Path]:
    yield data_folder / "run"
    key = hashlib.sha256(os.fsencode(data_folder)).hexdigest()[:16]
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / f"probity-{key}"
    yield Path(tempfile.gettempdir()) / f"probity-{key}"
    yield Path("/tmp") / f"probity-{key}"  # noqa: S108 - made private, and refused if another's


def _make_private(folder: Path, account: SystemAccount) -> None:
    try:
        folder.mkdir(mode=0o700)
        os.chown(folder, account.uid, account.gid)
    except FileExistsError:
        pass
    except OSError as error:
        raise EmbeddedPostgresError(f"the socket's folder can't be made: {error}") from error
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid:
        raise EmbeddedPostgresError(f"{folder} is not ours: remove it")
    if stat.S_IMODE(found.st_mode) != stat.S_IRWXU:
        folder.chmod(stat.S_IRWXU, follow_symlinks=False)
