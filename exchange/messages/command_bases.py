"""How every command is built, and of whom it is. `commands` lists them."""

from typing import ClassVar, Final

import msgspec

NO_ACCOUNT: Final = 0
"""Stands for the exchange itself where a command must be somebody's; no account has it."""


class Prior(msgspec.Struct, frozen=True, array_like=True):
    """What the shell found in the store for a client id: the command that used it first."""

    seq: int
    fingerprint: bytes


class _Command(
    msgspec.Struct, frozen=True, array_like=True, tag=True, tag_field="command", gc=False
):
    """How every command is built and encoded."""

    urgent: ClassVar[bool] = False
    """Whether it may overtake commands of other accounts that wait (RULEBOOK 8)."""


class AccountCommand(_Command, frozen=True):
    """A command for one account; those of an account run in the order in which they came."""

    account_id: int


class ExchangeCommand(_Command, frozen=True):
    """A command for everybody, of an admin or of a timer."""

    urgent: ClassVar[bool] = True
    account_id: ClassVar[int] = NO_ACCOUNT


class Timer(ExchangeCommand, frozen=True):
    """A command that the engine gives itself when its time has come: nobody waits for its answer,
    and it comes again by itself if it was lost.
    """
