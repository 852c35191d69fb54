"""The protocol of docs/scaling.md at its smallest: engines that lend one another an account's cash.

Laws: an engine's books change in one transaction, numbers of its channels included; what it says
is in its books before it is said (an outbox), and what it has heard is in its books with its effect
(a number); so a message may be lost, come twice, late and in any order. Each message of a channel
names the one before by its hash, so that a sender whose books were put back in time is noticed. An
engine that another has taken over from can't write its books any more: the epoch decides.

It is a model: no matching, no collateral, no wire. What a trade does to cash is a transfer here.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

NOTHING = ""
"""The hash before a channel's first message."""


@dataclass(frozen=True)
class Move:
    """Cash on its way: the numbered message, the only kind that moves money."""

    number: int
    account: int
    amount: int
    previous: str

    @property
    def hash(self) -> str:
        said = f"{self.number} {self.account} {self.amount} {self.previous}"
        return hashlib.sha256(said.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Ack:
    """How far a channel was heard, and by which hash."""

    number: int
    hash: str


@dataclass(frozen=True)
class Ask:
    """A wish for cash at an engine; forgotten if it is lost."""

    account: int
    amount: int


@dataclass(frozen=True)
class Recall:
    """A wish that free cash comes home; forgotten if it is lost."""

    account: int


Message = Move | Ack | Ask | Recall
Sent = tuple[int, Message]
"""To which engine, and what."""


class HistoryMismatch(Exception):
    """Two engines remember different pasts of their channel: neither goes on."""


class FenceLost(Exception):
    """Another engine leads these books."""


@dataclass
class Channel:
    """One engine's end of what goes to and comes from another."""

    out_number: int = 0
    out_hash: str = NOTHING
    outbox: dict[int, Move] = field(default_factory=dict)
    in_number: int = 0
    in_hash: str = NOTHING


@dataclass
class Books:
    """What an engine's database holds."""

    epoch: int = 0
    cash: dict[int, int] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)

    def channel(self, other: int) -> Channel:
        """Return this engine's end of the channel to another."""
        return self.channels.setdefault(other, Channel())

    def copy(self) -> "Books":
        """Return books that can be changed without these."""
        channels = {
            other: replace(channel, outbox=dict(channel.outbox))
            for other, channel in self.channels.items()
        }
        return Books(self.epoch, dict(self.cash), channels)


Work = Callable[[Books], list[Sent]]


class Protocol:
    """What an engine does with its books; the planted bugs of the tests change one method each."""

    def __init__(self, me: int, home_of: Callable[[int], int]) -> None:
        self.me = me
        self.home_of = home_of

    def move(self, books: Books, other: int, account: int, amount: int) -> list[Sent]:
        """Send up to so much of an account's free cash away."""
        amount = min(amount, books.cash.get(account, 0))
        if amount <= 0 or other == self.me:
            return []
        channel = books.channel(other)
        channel.out_number += 1
        said = Move(channel.out_number, account, amount, channel.out_hash)
        channel.outbox[said.number] = said
        channel.out_hash = said.hash
        books.cash[account] -= amount
        return [(other, said)]

    def hear(self, books: Books, other: int, message: Message) -> list[Sent]:
        """Take a message; what is returned is said once the books are written."""
        match message:
            case Move():
                return self.hear_move(books, other, message)
            case Ack():
                return self.hear_ack(books, other, message)
            case Ask(account=account, amount=amount):
                if self.home_of(account) != self.me:
                    return []
                return self.move(books, other, account, amount)
            case Recall(account=account):
                return self.move(books, self.home_of(account), account, 1 << 62)

    def hear_move(self, books: Books, other: int, move: Move) -> list[Sent]:
        """Credit what comes next; say how far this channel was heard in any case."""
        channel = books.channel(other)
        if move.number == channel.in_number + 1:
            if move.previous != channel.in_hash:
                raise HistoryMismatch(f"{self.me} heard another past of {other}")
            books.cash[move.account] = books.cash.get(move.account, 0) + move.amount
            channel.in_number, channel.in_hash = move.number, move.hash
        return [(other, Ack(channel.in_number, channel.in_hash))]

    def hear_ack(self, books: Books, other: int, ack: Ack) -> list[Sent]:
        """Forget what was heard."""
        channel = books.channel(other)
        if ack.number > channel.out_number:
            raise HistoryMismatch(f"{other} heard {ack.number}, {self.me} said less")
        if ack.number == channel.out_number and ack.hash != channel.out_hash:
            raise HistoryMismatch(f"{other} heard another past of {self.me}")
        for number in [number for number in channel.outbox if number <= ack.number]:
            del channel.outbox[number]
        return []

    def again(self, books: Books) -> list[Sent]:
        """Say again whatever nobody is known to have heard."""
        return list(_unheard(books))

    def trade(self, books: Books, payer: int, payee: int, amount: int) -> bool:
        """Let one account pay another out of what it has here; False if that isn't enough."""
        if not 0 < amount <= books.cash.get(payer, 0):
            return False
        books.cash[payer] -= amount
        books.cash[payee] = books.cash.get(payee, 0) + amount
        return True


def _unheard(books: Books) -> Iterator[Sent]:
    for other, channel in sorted(books.channels.items()):
        for number in sorted(channel.outbox):
            yield other, channel.outbox[number]


class Store:
    """An engine's database: transactions, with the fence."""

    def __init__(self) -> None:
        self.books = Books()

    def begin(self) -> Books:
        """Return the books to work on; nothing of it counts before `commit`."""
        return self.books.copy()

    def commit(self, books: Books, epoch: int) -> None:
        """Write them, if nobody else leads meanwhile."""
        if self.books.epoch != epoch:
            raise FenceLost
        self.books = books
