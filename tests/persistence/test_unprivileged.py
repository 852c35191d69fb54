"""Which account a server runs on, and what it keeps of root's powers: nothing, or one of them."""

import os
import pwd
import subprocess
from pathlib import Path

import pytest

from persistence.unprivileged import Account, account_for

_STATUS = ["/bin/grep", "-E", "^(Uid|Groups|CapEff|CapAmb):", "/proc/self/status"]
_DAC_READ_SEARCH = 1 << 2


def test_an_ordinary_user_runs_things_as_itself(tmp_path: Path) -> None:
    ours = Account(os.geteuid(), os.getegid())
    assert ours.command(["/bin/true", "-x"], [tmp_path]) == ["/bin/true", "-x"]


def test_a_folder_that_has_an_owner_keeps_it(tmp_path: Path) -> None:
    account = account_for(tmp_path)
    # The tests' own folder belongs to us; root never runs a server on root's account.
    assert account.uid != 0
    assert (account.uid == os.geteuid()) == (os.geteuid() != 0)


# Only root can become somebody else.
if os.geteuid() == 0:
    NOBODY = Account(pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("nobody").pw_gid)

    def status(reaches: list[Path]) -> dict[str, list[str]]:
        done = subprocess.run(
            NOBODY.command(_STATUS, reaches), capture_output=True, text=True, check=True
        )
        lines = (line.split(":") for line in done.stdout.splitlines())
        return {name: value.split() for name, value in lines}

    @pytest.fixture
    def closed(tmp_path: Path) -> Path:
        (tmp_path / "closed").mkdir(mode=0o700)
        (tmp_path / "closed" / "file").write_text("secret")
        return tmp_path / "closed" / "file"

    def test_nothing_of_root_is_kept_where_nothing_is_closed() -> None:
        found = status([Path("/bin/grep"), Path("/usr")])
        assert found["Uid"] == [str(NOBODY.uid)] * 4
        assert found["Groups"] == []
        assert int(found["CapEff"][0], 16) == int(found["CapAmb"][0], 16) == 0

    def test_one_capability_is_kept_to_pass_a_closed_folder(closed: Path) -> None:
        assert int(status([closed])["CapEff"][0], 16) == _DAC_READ_SEARCH
        read = NOBODY.command(["/bin/cat", str(closed)], [closed])
        assert subprocess.run(read, capture_output=True, check=True).stdout == b"secret"

    def test_the_program_is_told_what_it_may_do(closed: Path) -> None:
        ask = NOBODY.command(["/usr/bin/test", "-r", str(closed)], [closed])
        assert subprocess.run(ask, check=False).returncode == 0

    def test_it_does_not_let_the_program_write(closed: Path) -> None:
        write = NOBODY.command(["/usr/bin/touch", str(closed)], [closed])
        assert subprocess.run(write, capture_output=True, check=False).returncode != 0

    def test_says_why_the_program_cannot_run(closed: Path) -> None:
        done = subprocess.run(
            NOBODY.command([str(closed)], [closed]), capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert f"can't run {closed}: [Errno 13] Permission denied" in done.stderr

    def test_the_server_of_an_ordinary_user_is_run_as_that_user_by_root(tmp_path: Path) -> None:
        os.chown(tmp_path, 12_345, 12_346)
        assert account_for(tmp_path) == Account(12_345, 12_346)
