"""Client ids: a command under an id takes effect once, for ever (RULEBOOK 7).

The core remembers the ids of open orders and of the last RECENT_IDS commands, and of these no more
than RECENT_IDS ids (a batch of orders may use many).  For any other id
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
from collections.abc import Callable, Container, Mapping
from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec.structs import astuple

from exchange.messages.admin.commands import EditMarket, ForceCancel
from exchange.messages.bounds import BATCH_COMMANDS, RECENT_IDS, STORED_MAX
from exchange.messages.command_bases import Prior
from exchange.messages.commands import (
    AmendOrder,
    BatchOrders,
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
    NamedOrder,
    OpenAccount,
    Operation,
    PayHolders,
    PlaceOco,
    PlaceOrder,
    RefuseUnstorable,
    RenewLease,
    ResolveMarket,
    SetDeadMan,
    SetExchangeMode,
    SetMarketStatus,
    SuspendAccount,
    TransferCash,
    TriggerOrder,
)
from exchange.messages.completeness import require_all
from exchange.messages.group_commands import ResetOrderGroup, SetOrderGroup
from exchange.messages.limit_commands import (
    BeginPostOnly,
    EndHalt,
    EndPostOnly,
    HaltMarket,
    SetAccountLimits,
    SetMarketLimits,
)
from exchange.messages.terms import MoneyKind

ORDER_ID: Final = 0
REQUEST_ID: Final = 1
SYSTEM_ID: Final = 2

Key = tuple[int, int, str]
"""(account id, ORDER_ID, REQUEST_ID or SYSTEM_ID, the client's id)."""

_NONE: Final = STORED_MAX
_REQUEST_TAGS: Final = tuple(
    kind.__struct_config__.tag for kind in (CreditAccount, BatchOrders, PlaceOco)
)
_PRIORS: Final[dict[type[Any], tuple[str, int]]] = {
    kind: (str(kind.__struct_config__.tag), kind.__struct_fields__.index("prior") + 1)
    for kind in (PlaceOrder, CreditAccount, DebitAccount, TransferCash, BatchOrders, PlaceOco)
}
"""Of each command that takes effect once: its tag, and where behind it the shell writes."""
_CONDITIONS: Final = PlaceOrder.__struct_fields__.index("conditions") + 1
_PLAIN_ORDER: Final = bytes((0x90 + _PRIORS[PlaceOrder][1] + 1,))
"""How msgpack begins an array that ends with an order's `prior`."""
_OPERATIONS: Final = BatchOrders.__struct_fields__.index("operations") + 1
_encode: Final = msgspec.msgpack.Encoder().encode


def key_of(command: Command) -> Key | None:
    """Return under which key the command takes effect once; None if it may be repeated."""
    if type(command) is PlaceOrder:
        return _order_key(command)
    key_of_kind = _KEYS.get(type(command))
    return None if key_of_kind is None else key_of_kind(command)


def keys_of(command: Command) -> list[Key]:
    """Return every id under which the command, or an operation of it, takes effect once."""
    key = key_of(command)
    keys = [] if key is None else [key]
    if isinstance(command, BatchOrders):
        placings = [one for one in command.operations if isinstance(one, PlaceOrder)]
        keys += [key for one in placings if (key := _order_key(one)) is not None]
    return keys


def with_priors(command: Command, priors: Mapping[Key, Prior]) -> Command:
    """Return the command with what the store knew of its ids."""
    if type(command) not in _PRIORS:
        return command
    if isinstance(command, BatchOrders):
        operations = tuple(
            with_priors(one, priors) if isinstance(one, PlaceOrder) else one
            for one in command.operations
        )
        command = msgspec.structs.replace(command, operations=operations)
    key = key_of(command)
    prior = None if key is None else priors.get(key)
    return command if prior is None else msgspec.structs.replace(command, prior=prior)


def _order_key(command: PlaceOrder) -> Key | None:
    text = command.client_order_id
    if text is None:
        return None
    rare = command.conditions
    space = SYSTEM_ID if rare is not None and rare.system else ORDER_ID
    return command.account_id, space, text


def _money_key(command: CreditAccount | DebitAccount | TransferCash) -> Key | None:
    text = command.request_id
    if text is None:
        return None
    space = REQUEST_ID if command.kind is MoneyKind.ADMIN else SYSTEM_ID
    return command.account_id, space, text


def _request_key(command: BatchOrders | PlaceOco) -> Key | None:
    text = command.request_id
    return None if text is None else (command.account_id, REQUEST_ID, text)


def _unstorable_key(command: RefuseUnstorable) -> Key | None:
    text = command.client_order_id
    space = command.space
    if space is None:
        space = REQUEST_ID if command.command_tag in _REQUEST_TAGS else ORDER_ID
    return None if text is None else (command.account_id, space, text)


_KEYS: Final[dict[type[Any], Callable[[Any], Key | None]]] = {
    PlaceOrder: _order_key,
    CreditAccount: _money_key,
    DebitAccount: _money_key,
    TransferCash: _money_key,
    PlaceOco: _request_key,
    RefuseUnstorable: _unstorable_key,
    BatchOrders: _request_key,
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
    TriggerOrder,
    SetOrderGroup,
    ResetOrderGroup,
    SetMarketLimits,
    SetAccountLimits,
    HaltMarket,
    EndHalt,
    EndPostOnly,
    BeginPostOnly,
    ForceCancel,
    EditMarket,
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
    if isinstance(command, PlaceOco):
        # Each of the two is a content of its own, which new fields of orders leave as it was.
        content[2:4] = [_content(command.first), _content(command.second)]
    content[prior] = None
    if isinstance(command, PlaceOrder) and command.conditions is not None:
        content[_CONDITIONS] = command.conditions.content()
    elif isinstance(command, BatchOrders):
        content[_OPERATIONS] = [_operation_content(one) for one in command.operations]
    defaults: list[Any] = list(type(command).__struct_defaults__)
    while len(content) > prior + 1 and defaults and content[-1] == defaults.pop():
        content.pop()
    return content


def _operation_content(operation: Operation) -> list[Any]:
    if isinstance(operation, PlaceOrder):
        return _content(operation)
    content: list[Any] = [type(operation).__struct_config__.tag, *astuple(operation)]
    if isinstance(operation, NamedOrder):
        content[-1] = _operation_content(operation.operation)
    while content[-1] is None:
        content.pop()
    return content


class RecentIds:
    """The memory of client ids.  Constant time per command."""

    __slots__ = ("_order", "_priors", "added", "oldest")

    def __init__(self) -> None:
        self._priors: dict[Key, Prior] = {}
        self._order: deque[tuple[int, Key]] = deque()
        self.oldest: int = _NONE
        """Sequence of the oldest id in the window, so that a check is one comparison; long ago if
        there are more than RECENT_IDS.
        """
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
        if prior is None or prior.seq <= last_seq - RECENT_IDS + BATCH_COMMANDS:
            return False
        # Batches use ids faster than commands are counted; twice the margin, as each has its own
        # id as well.
        going = len(self._order) + 2 * BATCH_COMMANDS - RECENT_IDS
        return going <= 0 or prior.seq > self._order[going - 1][0]

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
        order, gone = self._order, last_seq - RECENT_IDS
        if len(order) > RECENT_IDS:
            # Of a command all ids or none, so that the window is one of commands.
            gone = max(gone, order[len(order) - RECENT_IDS - 1][0])
        while order and order[0][0] <= gone:
            key = order.popleft()[1]
            if key not in is_open:
                # Gone already if the order ended in this very command: `order_closed`.
                self._priors.pop(key, None)
        self._note_oldest()

    def _enqueue(self, key: Key, prior: Prior) -> None:
        self._order.append((prior.seq, key))
        if len(self._order) == 1 or len(self._order) > RECENT_IDS:
            self._note_oldest()

    def _note_oldest(self) -> None:
        if len(self._order) > RECENT_IDS:
            self.oldest = -_NONE
        else:
            self.oldest = self._order[0][0] if self._order else _NONE

    def order_closed(self, key: Key, last_seq: int) -> None:
        """Drop an ended order's id if it was kept only because the order was open."""
        prior = self._priors.get(key)
        if prior is None:
            return
        order = self._order
        if prior.seq <= last_seq - RECENT_IDS or not order or prior.seq < order[0][0]:
            del self._priors[key]

    def reopened(self, key: Key, prior: Prior) -> None:
        """Take back what `order_closed` did."""
        self._priors[key] = prior

    def take_back(self, count: int) -> None:
        """Forget the ids that were added last, so many of them, as if they had not been."""
        for _ in range(count):
            del self._priors[self._order.pop()[1]]
            self.added.pop()
        self._note_oldest()

    def snapshot(self) -> list[tuple[Key, Prior]]:
        """Return everything remembered, sorted."""
        return sorted(self._priors.items(), key=lambda item: (item[1].seq, item[0]))
