"""Which account a server runs on, and what it keeps of root's powers: nothing, or one of them."""

import os
import pwd
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from persistence.embedded import unprivileged
from persistence.embedded.unprivileged import SystemAccount, account_for

_STATUS = ["/bin/grep", "-E", "^(Uid|Groups|CapEff|CapAmb):", "/proc/self/status"]
_DAC_READ_SEARCH = 1 << 2


def test_an_ordinary_user_runs_things_as_itself(tmp_path: Path) -> None:
    ours = SystemAccount(os.geteuid(), os.getegid())
    assert ours.command(["/bin/true", "-x"], [tmp_path]) == ["/bin/true", "-x"]


def test_a_folder_that_has_an_owner_keeps_it(tmp_path: Path) -> None:
    account = account_for(tmp_path)
    # The tests' own folder belongs to us; root never runs a server on root's account.
    assert account.uid != 0
    assert (account.uid == os.geteuid()) == (os.geteuid() != 0)


# Only root can become somebody else.
if os.geteuid() == 0:
    NOBODY = SystemAccount(pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("nobody").pw_gid)

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
        assert account_for(tmp_path) == SystemAccount(12_345, 12_346)


# -- what is asked of the kernel, wherever the tests run --------------------------------------


class Kernel:
    """Takes the place of every call that would change this process; tells what was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, withholds: frozenset[int]) -> None:
        self.asked: list[str] = []
        self.kept: list[int] = []
        self._withholds = withholds
        for name in ("setgroups", "setgid", "setuid"):
            monkeypatch.setattr(os, name, self._noted(name))
        monkeypatch.setattr(os, "execv", self._execv)
        monkeypatch.setattr(unprivileged, "_call", self._call)

    def _noted(self, name: str) -> Callable[[object], None]:
        return lambda argument: self.asked.append(f"{name}({argument})")

    def _call(self, name: str, *arguments: object) -> None:
        if name == "capset":
            (data, _) = cast("Any", arguments[1])
            self.kept = [bit for bit in range(32) if data.effective >> bit & 1]
            assert data.inheritable == data.effective
        elif name == "prctl" and arguments[0] == _RAISE_AMBIENT[0]:
            self.asked.append(f"ambient({arguments[2]})")
            if arguments[2] in self._withholds:
                raise PermissionError(1, "prctl: Operation not permitted")

    def _execv(self, path: str, _arguments: list[str]) -> None:
        self.asked.append(f"exec with {self.kept}")
        raise BecomesAnother(path)


class BecomesAnother(Exception):
    """Where the process would be another program's."""


ROOT_LEFT = ["setgroups([])", "setgid(7)", "setuid(6)"]
_RAISE_AMBIENT = (47, 2)
_DAC_OVERRIDE = 1


@pytest.mark.skipif(sys.platform != "linux", reason="capabilities are Linux's")
@pytest.mark.parametrize(
    ("withheld", "is_open", "asked"),
    [
        ((), True, ["exec with []"]),
        ((), False, ["ambient(2)", "exec with [2]"]),
        ((2,), False, ["ambient(2)", "ambient(1)", "exec with [1]"]),
    ],
)
def test_root_is_left_before_the_least_that_is_needed_is_kept(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    withheld: tuple[int, ...],
    is_open: bool,
    asked: list[str],
) -> None:
    kernel = Kernel(monkeypatch, withholds=frozenset(withheld))
    reaches = [str(tmp_path)] if is_open else [str(tmp_path / "closed")]
    with pytest.raises(BecomesAnother, match="/bin/postgres"):
        unprivileged._become(SystemAccount(6, 7), reaches, ["/bin/postgres", "-D", "x"])
    assert kernel.asked == [*ROOT_LEFT, *asked]


@pytest.mark.skipif(sys.platform != "linux", reason="capabilities are Linux's")
def test_it_says_which_account_could_not_become_the_program(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kernel = Kernel(monkeypatch, withholds=frozenset({_DAC_OVERRIDE, 2}))
    with pytest.raises(SystemExit, match=r"account 6 can't run /bin/postgres: .*not permitted"):
        unprivileged._become(SystemAccount(6, 7), [str(tmp_path / "closed")], ["/bin/postgres"])
    assert kernel.asked == [*ROOT_LEFT, "ambient(2)", "ambient(1)"]


def test_a_refused_call_is_named() -> None:
    with pytest.raises(OSError, match="prctl: Invalid argument"):
        unprivileged._call("prctl", -1, 0, 0, 0, 0)


def test_root_needs_an_account_to_become(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    def nobody(name: str) -> pwd.struct_passwd:
        raise KeyError(name)

    monkeypatch.setattr(pwd, "getpwnam", nobody)
    with pytest.raises(LookupError, match="none of the accounts probity, nobody exists"):
        account_for(tmp_path / "not made yet")
    monkeypatch.setattr(
        pwd, "getpwnam", lambda name: pwd.struct_passwd((name, "x", 5, 6, "", "", ""))
    )
    assert account_for(tmp_path / "not made yet") == SystemAccount(5, 6)
    command = SystemAccount(5, 6).command(["/bin/true", "-x"], [tmp_path])
    assert command[1:] == [*command[1:4], "5", "6", str(tmp_path), "--", "/bin/true", "-x"]
