"""Client ids: a command under an id takes effect once, for ever (RULEBOOK 7).

The core remembers the ids of open orders and of the last RECENT_IDS commands.  For any other id
the shell asks the store before the command is stamped and writes what it found into the command
(`prior`).  Between that look-up and the execution at most BATCH_COMMANDS commands run, so the
shell trusts the memory only for ids that are that much younger than the oldest it keeps
(`remembers`): an id can't fall between the two.

What is remembered is a function of the history alone, so live state, replayed state and the state
loaded from the tables agree on it.

A fingerprint is for ever, too: the fields up to `prior` are those that the first fingerprints were
made of; a field behind it counts only if it or one after it isn't at its default. So a new
optional field changes no fingerprint that was made before it came.
"""

from collections import deque
from collections.abc import Callable, Container
from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec.structs import astuple

from exchange.messages.bounds import BATCH_COMMANDS, RECENT_IDS, STORED_MAX
from exchange.messages.commands import (
    AmendOrder,
    CancelAll,
    CancelOrder,
    CloseAccount,
    CloseMarket,
    Command,
    CreateMarket,
    CreditAccount,
    DebitAccount,
    EndLease,
    EndSession,
    ExpireOrder,
    FireDeadMan,
    OpenAccount,
    PayHolders,
    PlaceOrder,
    Prior,
    RefuseUnstorable,
    RenewLease,
    ResolveMarket,
    SetDeadMan,
    SetExchangeMode,
    SetMarketStatus,
    SuspendAccount,
    TransferCash,
)
from exchange.messages.completeness import require_all
from exchange.messages.terms import MoneyKind

ORDER_ID: Final = 0
REQUEST_ID: Final = 1
SYSTEM_ID: Final = 2

Key = tuple[int, int, str]
"""(account id, ORDER_ID, REQUEST_ID or SYSTEM_ID, the client's id)."""

_NONE: Final = STORED_MAX
_CREDIT_TAG: Final = CreditAccount.__struct_config__.tag
_PRIORS: Final[dict[type[Any], tuple[str, int]]] = {
    kind: (str(kind.__struct_config__.tag), kind.__struct_fields__.index("prior") + 1)
    for kind in (PlaceOrder, CreditAccount, DebitAccount, TransferCash)
}
"""Of each command that takes effect once: its tag, and where behind it the shell writes."""
_CONDITIONS: Final = PlaceOrder.__struct_fields__.index("conditions") + 1
_PLAIN_ORDER: Final = bytes((0x90 + _PRIORS[PlaceOrder][1] + 1,))
"""How msgpack begins an array that ends with an order's `prior`."""
_encode: Final = msgspec.msgpack.Encoder().encode


def key_of(command: Command) -> Key | None:
    """Return under which key the command takes effect once; None if it may be repeated."""
    if type(command) is PlaceOrder:
        return _order_key(command)
    key_of_kind = _KEYS.get(type(command))
    return None if key_of_kind is None else key_of_kind(command)


def _order_key(command: PlaceOrder) -> Key | None:
    text = command.client_order_id
    return None if text is None else (command.account_id, ORDER_ID, text)


def _money_key(command: CreditAccount | DebitAccount | TransferCash) -> Key | None:
    text = command.request_id
    if text is None:
        return None
    space = REQUEST_ID if command.kind is MoneyKind.ADMIN else SYSTEM_ID
    return command.account_id, space, text


def _unstorable_key(command: RefuseUnstorable) -> Key | None:
    text = command.client_order_id
    space = command.space
    if space is None:
        space = REQUEST_ID if command.command_tag == _CREDIT_TAG else ORDER_ID
    return None if text is None else (command.account_id, space, text)


_KEYS: Final[dict[type[Any], Callable[[Any], Key | None]]] = {
    PlaceOrder: _order_key,
    CreditAccount: _money_key,
    DebitAccount: _money_key,
    TransferCash: _money_key,
    RefuseUnstorable: _unstorable_key,
}
_WITHOUT_KEY: Final = (
    OpenAccount,
    CreateMarket,
    SetMarketStatus,
    ResolveMarket,
    SetExchangeMode,
    AmendOrder,
    CancelOrder,
    CancelAll,
    CloseMarket,
    ExpireOrder,
    PayHolders,
    SetDeadMan,
    FireDeadMan,
    RenewLease,
    EndSession,
    EndLease,
    SuspendAccount,
    CloseAccount,
)
"""Done twice, they do no harm: what they ask for is so already, or refused. (An amend done twice
makes of the order what it was made already; whoever must know gives the version.)"""
require_all(Command, [*_KEYS, *_WITHOUT_KEY], "the table of client ids")


def fingerprint(command: Command) -> bytes:
    """Return 16 bytes that stand for the content of a command with a key, what the shell wrote into
    it left out.
    """
    if isinstance(command, RefuseUnstorable):
        return command.fingerprint or b""
    if type(command) is PlaceOrder and command.prior is None and command.conditions is None:
        # Nearly every order: as it stands, with one field less and without the nil at its end.
        content = _PLAIN_ORDER + _encode(command)[1:-1]
    else:
        content = _encode(_content(command))
    return blake2b(content, digest_size=16).digest()


def _content(command: Command) -> list[Any]:
    tag, prior = _PRIORS[type(command)]
    content: list[Any] = [tag, *astuple(command)]
    content[prior] = None
    if isinstance(command, PlaceOrder) and command.conditions is not None:
        content[_CONDITIONS] = command.conditions.content()
    defaults = type(command).__struct_defaults__
    for default in reversed(defaults):
        if len(content) <= prior + 1 or content[-1] != default:
            break
        content.pop()
    return content


class RecentIds:
    """The memory of client ids.  Constant time per command."""

    __slots__ = ("_order", "_priors", "added", "oldest")

    def __init__(self) -> None:
        self._priors: dict[Key, Prior] = {}
        self._order: deque[tuple[int, Key]] = deque()
        self.oldest: int = _NONE
        """Sequence of the oldest id in the window, so that a check is one comparison."""
        self.added: list[tuple[Key, Prior]] = []
        """Ids used since the journal last looked; not part of the state."""

    def __len__(self) -> int:
        return len(self._priors)

    def find(self, key: Key) -> Prior | None:
        """Return the command that used the id first, as far as it is remembered."""
        return self._priors.get(key)

    def remembers(self, key: Key, last_seq: int) -> bool:
        """Return whether the id will still be known after BATCH_COMMANDS more commands."""
        prior = self._priors.get(key)
        return prior is not None and prior.seq > last_seq - RECENT_IDS + BATCH_COMMANDS

    def add(self, key: Key, prior: Prior) -> None:
        """Remember an id that was used for the first time."""
        self._priors[key] = prior
        self._enqueue(key, prior)
        self.added.append((key, prior))

    def restore(self, key: Key, prior: Prior, last_seq: int) -> None:
        """Remember an id read from the store; call in order of `prior.seq`."""
        self._priors[key] = prior
        if prior.seq > last_seq - RECENT_IDS:
            self._enqueue(key, prior)

    def forget_older(self, last_seq: int, is_open: Container[Key]) -> None:
        """Drop the ids that left the window and whose order is not open."""
        while self._order and self._order[0][0] <= last_seq - RECENT_IDS:
            key = self._order.popleft()[1]
            if key not in is_open:
                # Gone already if the order ended in this very command: `order_closed`.
                self._priors.pop(key, None)
        self.oldest = self._order[0][0] if self._order else _NONE

    def _enqueue(self, key: Key, prior: Prior) -> None:
        if not self._order:
            self.oldest = prior.seq
        self._order.append((prior.seq, key))

    def order_closed(self, key: Key, last_seq: int) -> None:
        """Drop an ended order's id if it was kept only because the order was open."""
        prior = self._priors.get(key)
        if prior is not None and prior.seq <= last_seq - RECENT_IDS:
            del self._priors[key]

    def snapshot(self) -> list[tuple[Key, Prior]]:
        """Return everything remembered, sorted."""
        return sorted(self._priors.items(), key=lambda item: item[1].seq)
