"""What can be asked about order groups; `commands` says how commands are made, and lists all."""

from typing import ClassVar

from exchange.messages.command_bases import AccountCommand


class SetOrderGroup(AccountCommand, frozen=True):
    """Make an order group of the account, or give the one of this name other limits.

    It is over its limit when its orders have filled `max_filled` within `window` seconds, or when
    they have bought `max_net` more than they have sold there (or sold so much more than bought), in
    terms of YES; None: that isn't bounded.
    """

    name: str
    max_filled: int
    window: int
    max_net: int | None = None


class ResetOrderGroup(AccountCommand, frozen=True):
    """Forget what a group has filled, and let it take orders again."""

    urgent: ClassVar[bool] = True

    name: str
