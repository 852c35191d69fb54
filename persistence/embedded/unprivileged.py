"""Run a program on an account without root's powers, since PostgreSQL refuses to run as root.

Laws: no account is created and no folder's permissions are opened for it. Where the account can't
reach what it needs (a clone below a 0700 folder is the common case) the program keeps exactly one
capability: to pass folders and read files (CAP_DAC_READ_SEARCH), or, in containers that withhold
that one, CAP_DAC_OVERRIDE. Everything else of root is dropped for good.

This file is also the launcher: it runs itself as a script, drops, and becomes the program. It must
import nothing but the standard library. Starting PostgreSQL itself belongs to `embedded`.
"""

import ctypes
import os
import pwd
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

# An operator who wants the server on an account of its own creates the first one.
_PREFERRED_ACCOUNTS: Final = ("probity", "nobody")

# linux/prctl.h, linux/securebits.h and linux/capability.h
_PR_SET_KEEPCAPS: Final = 8
_PR_SET_SECUREBITS: Final = 28
_SECBIT_NO_SETUID_FIXUP: Final = 1 << 2
_PR_CAP_AMBIENT: Final = 47
_PR_CAP_AMBIENT_RAISE: Final = 2
_CAPABILITY_VERSION_3: Final = 0x20080522
_DAC_OVERRIDE: Final = 1
_DAC_READ_SEARCH: Final = 2
_SETPCAP: Final = 8


class SystemAccount(NamedTuple):
    """The operating system's account that a program runs on."""

    uid: int
    gid: int

    def command(self, program: Sequence[str], reaches: Sequence[Path]) -> list[str]:
        """Say how to run ``program`` on this account from ours.

        Args:
            program: the absolute path of the program and its arguments.
            reaches: files and folders that the program must be able to read and pass.
        """
        if self.uid == os.geteuid():
            return list(program)
        drop = [sys.executable, "-I", "-S", __file__, str(self.uid), str(self.gid)]
        return [*drop, *map(str, reaches), "--", *program]


def account_for(folder: Path) -> SystemAccount:
    """Choose the account for a server whose files are, or will be, in ``folder``.

    Ours, unless we are root; then the owner of an existing folder, else the first of `probity`
    and `nobody` that exists.

    Raises:
        LookupError: we are root and the machine has neither account.
    """
    if os.geteuid() != 0:
        return SystemAccount(os.geteuid(), os.getegid())
    if folder.exists() and (owner := folder.stat()).st_uid != 0:
        return SystemAccount(owner.st_uid, owner.st_gid)
    for name in _PREFERRED_ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return SystemAccount(entry.pw_uid, entry.pw_gid)
    raise LookupError(f"none of the accounts {', '.join(_PREFERRED_ACCOUNTS)} exists")


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapabilityData(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def _drop_to(account: SystemAccount) -> None:
    """Leave root; on Linux the capabilities stay permitted, but none is in effect."""
    if sys.platform == "linux":
        _call("prctl", _PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(account.gid)
    os.setuid(account.uid)


def _inherit(capabilities: Sequence[int]) -> None:
    """Let the program we become have these capabilities and no other.

    What is merely permitted is lost at exec, so a second choice can still be taken before it.
    """
    if sys.platform != "linux":
        return
    if capabilities:
        # Programs ask access(2) whether they may run one another; by default it answers as if the
        # account had no capabilities.
        _put_in_effect((_SETPCAP,))
        _call("prctl", _PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    _put_in_effect(capabilities)
    for capability in capabilities:
        _call("prctl", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0)


def _put_in_effect(capabilities: Sequence[int]) -> None:
    """Use exactly these of the permitted capabilities, and let them be inherited."""
    mask = sum(1 << capability for capability in capabilities)
    header = _CapabilityHeader(_CAPABILITY_VERSION_3, 0)
    words = (_CapabilityData * 2)()
    _call("capget", ctypes.byref(header), words)
    words[0] = _CapabilityData(mask, words[0].permitted, mask)
    words[1] = _CapabilityData(0, words[1].permitted, 0)
    _call("capset", ctypes.byref(header), words)


def _is_open(path: str) -> bool:
    """Tell whether the account reaches ``path`` by itself; the kernel ignores capabilities here."""
    return os.access(path, os.R_OK | os.X_OK)


def _become(account: SystemAccount, reaches: Sequence[str], program: list[str]) -> NoReturn:
    _drop_to(account)
    choices: list[tuple[int, ...]] = [(_DAC_READ_SEARCH,), (_DAC_OVERRIDE,)]
    if all(map(_is_open, reaches)):
        choices = [()]
    refusal: OSError | None = None
    for capabilities in choices:
        try:
            _inherit(capabilities)
            os.execv(program[0], program)
        except OSError as error:
            refusal = error
    sys.exit(f"account {account.uid} can't run {program[0]}: {refusal}")


if __name__ == "__main__":
    _uid, _gid, *_rest = sys.argv[1:]
    _split = _rest.index("--")
    _become(SystemAccount(int(_uid), int(_gid)), _rest[:_split], _rest[_split + 1 :])
