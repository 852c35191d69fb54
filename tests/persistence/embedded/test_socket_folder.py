"""Where the embedded server's socket goes: short enough, private, and never somebody else's."""

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from persistence.embedded.socket_folder import make_socket_folder
from persistence.embedded.unprivileged import SystemAccount
from persistence.errors import EmbeddedPostgresError

ME = SystemAccount(os.geteuid(), os.getegid())
SOMEBODY_ELSE = SystemAccount(os.geteuid() + 1, os.getegid())


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A short folder that the machine offers for such things."""
    with tempfile.TemporaryDirectory(prefix="r", dir="/tmp") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        yield Path(folder)


@pytest.fixture
def short(runtime: Path) -> Path:
    return runtime / "data"


def test_beside_the_data_and_private_and_found_again(short: Path) -> None:
    short.mkdir()
    made = make_socket_folder(short, ME)
    assert made == short / "run"
    made.chmod(0o755)
    assert make_socket_folder(short, ME) == made
    assert stat.S_IMODE(made.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["far" * 40, "a,b", "it's", 'a"b'])
def test_elsewhere_where_the_path_is_no_good_for_a_socket(runtime: Path, name: str) -> None:
    data = runtime / name
    found = make_socket_folder(data, ME)
    assert found.parent == runtime
    assert found == make_socket_folder(data, ME)
    assert found != make_socket_folder(runtime / f"{name},other", ME)
    assert len(os.fsencode(found / ".s.PGSQL.5432.lock")) <= 103


def test_no_place_is_good(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("persistence.embedded.socket_folder._LONGEST_PATH", 10)
    with pytest.raises(EmbeddedPostgresError, match="no folder is short enough"):
        make_socket_folder(short, ME)


def test_what_another_has_put_there_is_refused(short: Path) -> None:
    short.mkdir()
    (short / "elsewhere").mkdir(mode=0o700)
    (short / "run").symlink_to(short / "elsewhere")
    with pytest.raises(EmbeddedPostgresError, match="is not ours: remove it"):
        make_socket_folder(short, ME)
    (short / "run").unlink()
    make_socket_folder(short, ME)
    with pytest.raises(EmbeddedPostgresError, match="is not ours: remove it"):
        make_socket_folder(short, SOMEBODY_ELSE)


def test_folder_that_cannot_be_made_is_said(short: Path) -> None:
    short.write_text("a file where the data folder should be")
    with pytest.raises(EmbeddedPostgresError, match="the socket's folder can't be made"):
        make_socket_folder(short, ME)
