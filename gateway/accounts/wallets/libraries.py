"""The one door to what checks wallets' signatures: the extra `probity[wallets]`, imported when it
is first needed.

Laws: nothing else imports these libraries, not even tests; whoever needs one asks here, in a
thread, since the import takes a second. One of them (py_ecc) raises the interpreter's recursion
limit to 100 000 as it is imported, past which a text of many brackets ends the process: `sys` takes
no new limit meanwhile.
"""

import importlib.util
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import msgspec

from gateway.wire.errors import Unavailable

NOT_INSTALLED: Final = (
    "Signing in by a wallet is not installed here: the operator needs the extra probity[wallets]"
)
_MODULES: Final = ("base58", "eth_account")
_LOCK: Final = threading.Lock()


class Ethereum(msgspec.Struct, frozen=True):
    """What is asked about wallets of Ethereum."""

    account: Any
    """`eth_account.Account`."""
    signable: Callable[..., Any]
    """`eth_account.messages.encode_defunct`: the text as a wallet signs it (EIP-191)."""
    keccak: Callable[[bytes], bytes]
    checksummed: Callable[[str], str]
    """An address as EIP-55 writes it."""


class Solana(msgspec.Struct, frozen=True):
    """What is asked about wallets of Solana."""

    decoded: Callable[[str], bytes]
    """Bytes of base58; raises ValueError."""
    encoded: Callable[[bytes], bytes]


def require_installed() -> None:
    """Raise Unavailable where the extra isn't installed; imports nothing."""
    if any(importlib.util.find_spec(name) is None for name in _MODULES):
        raise Unavailable(NOT_INSTALLED, retry_after_seconds=3_600)


def ethereum() -> Ethereum:
    """Return what knows Ethereum; takes a second the first time. Raises Unavailable."""
    require_installed()
    with _LOCK:
        return _ethereum()


def solana() -> Solana:
    """Return what knows Solana; raises Unavailable."""
    require_installed()
    with _LOCK:
        return _solana()


@cache
def _ethereum() -> Ethereum:
    with recursion_limit_kept():
        import eth_account  # noqa: PLC0415 - the extra may not be there, and takes a second
        import eth_account.messages  # noqa: PLC0415
        from eth_utils.address import to_checksum_address  # noqa: PLC0415
        from eth_utils.crypto import keccak  # noqa: PLC0415
    return Ethereum(
        eth_account.Account,
        eth_account.messages.encode_defunct,
        keccak,
        to_checksum_address,
    )


@cache
def _solana() -> Solana:
    import base58  # noqa: PLC0415 - the extra may not be there

    return Solana(base58.b58decode, base58.b58encode)


@contextmanager
def recursion_limit_kept() -> Iterator[None]:
    """Let nobody change the interpreter's recursion limit within the block."""
    taken, limit = sys.setrecursionlimit, sys.getrecursionlimit()
    sys.setrecursionlimit = _ignored
    try:
        yield
    finally:
        sys.setrecursionlimit = taken
        if sys.getrecursionlimit() != limit:
            sys.setrecursionlimit(limit)


def _ignored(_limit: int, /) -> None:
    """Stand for `sys.setrecursionlimit`."""
