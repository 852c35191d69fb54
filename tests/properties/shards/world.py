"""Engines, the line between them and everything that can befall both, drawn from a seed.

The oracle is one ledger that knows of no engines: what an account has there must be what it has at
its home, in its leases and on the way, after every step, whatever was lost, repeated or crashed.
"""

import random
from dataclasses import dataclass

from tests.properties.shards.leases import (
    Ask,
    Books,
    FenceLost,
    Message,
    Protocol,
    Recall,
    Sent,
    Store,
    Work,
)

ENGINES = 3
ACCOUNTS = 4
DEPOSIT = 1_000


class LawBroken(AssertionError):
    """An invariant doesn't hold."""


class Crash(Exception):
    """The process is gone; what wasn't written with it."""


@dataclass(frozen=True)
class Envelope:
    """A message on the line."""

    sender: int
    receiver: int
    message: Message


def home_of(account: int) -> int:
    return account % ENGINES


class World:
    """A run of one seed."""

    says_first = False
    """A bug to plant: what is said leaves before it is written."""

    def __init__(self, seed: int, protocol: type[Protocol] = Protocol) -> None:
        self.dice = random.Random(seed)
        self.stores = [Store() for _ in range(ENGINES)]
        self.engines = [protocol(number, home_of) for number in range(ENGINES)]
        self.epochs = [0] * ENGINES
        self.line: list[Envelope] = []
        self.ledger = dict.fromkeys(range(ACCOUNTS), 0)
        self.refused = self.crashes = self.fenced = 0
        for account in range(ACCOUNTS):
            books = self.stores[home_of(account)].books
            books.cash[account] = self.ledger[account] = DEPOSIT

    # -- an engine's step -------------------------------------------------------------------------

    def _transaction(self, engine: int, work: Work, *, faults: bool) -> None:
        """Run a step of an engine's process, which may crash before its commit or behind it."""
        store = self.stores[engine]
        books = store.begin()
        sent = work(books)
        if self.says_first:
            self.say(engine, sent)
        if faults and self.dice.random() < 0.05:
            self._crash(engine)  # nothing was written, and nothing said
            return
        try:
            store.commit(books, self.epochs[engine])
        except FenceLost:
            self.fenced += 1
            self.epochs[engine] = store.books.epoch  # it ends; its successor goes on
            return
        if faults and self.dice.random() < 0.05:
            self._crash(engine)  # written, and nothing said
            return
        self.say(engine, sent)

    def _crash(self, engine: int) -> None:
        """Recovery: another epoch, and whatever is in the outbox is said again."""
        self.crashes += 1
        store = self.stores[engine]
        store.books.epoch += 1
        self.epochs[engine] = store.books.epoch
        self.say(engine, self.engines[engine].again(store.books))

    def say(self, engine: int, sent: list[Sent]) -> None:
        self.line += [Envelope(engine, to, message) for to, message in sent]

    # -- what happens -----------------------------------------------------------------------------

    def step(self) -> None:
        """Let one thing happen, and look at everything."""
        draw = self.dice.random()
        engine = self.dice.randrange(ENGINES)
        account = self.dice.randrange(ACCOUNTS)
        if draw < 0.25:
            self._trade(engine, account)
        elif draw < 0.40:
            amount = self.dice.randint(1, DEPOSIT)
            self.line.append(Envelope(engine, home_of(account), Ask(account, amount)))
        elif draw < 0.50:
            self.line.append(Envelope(home_of(account), engine, Recall(account)))
        elif draw < 0.85:
            self._deliver(faults=True)
        elif draw < 0.93:
            self._transaction(engine, self.engines[engine].again, faults=True)
        elif draw < 0.97:
            self._crash(engine)
        else:
            self._outlived(engine, account)
        self.check()

    def _trade(self, engine: int, payer: int) -> None:
        payee = self.dice.randrange(ACCOUNTS)
        amount = self.dice.randint(1, DEPOSIT)
        before = self.stores[engine].books
        done = False

        def trade(books: Books) -> list[Sent]:
            nonlocal done
            done = self.engines[engine].trade(books, payer, payee, amount)
            return []

        self._transaction(engine, trade, faults=True)
        written = self.stores[engine].books is not before
        if done and written and self.stores[engine].books.cash != before.cash:
            self.ledger[payer] -= amount
            self.ledger[payee] += amount
        elif not done:
            self.refused += 1

    def _deliver(self, *, faults: bool) -> None:
        if not self.line:
            return
        place = self.dice.randrange(len(self.line)) if faults else 0
        envelope = self.line[place]
        fate = self.dice.random() if faults else 1.0
        if fate >= 0.15:  # else it will come again
            self.line.pop(place)
        if 0.15 <= fate < 0.30:
            return  # lost
        self._hear(envelope, faults=faults)

    def _hear(self, envelope: Envelope, *, faults: bool) -> None:
        engine = self.engines[envelope.receiver]

        def hear(books: Books) -> list[Sent]:
            return engine.hear(books, envelope.sender, envelope.message)

        self._transaction(envelope.receiver, hear, faults=faults)

    def _outlived(self, engine: int, account: int) -> None:
        """An engine that stood still goes on behind its successor: it must write nothing."""
        store = self.stores[engine]
        books = store.begin()
        epoch = self.epochs[engine]
        self.engines[engine].move(books, (engine + 1) % ENGINES, account, 1)
        self._crash(engine)
        for envelope in [one for one in self.line if one.receiver == engine][:1]:
            self._hear(envelope, faults=False)
        try:
            store.commit(books, epoch)
        except FenceLost:
            self.fenced += 1

    # -- what holds -------------------------------------------------------------------------------

    def check(self) -> None:
        """Hold the books of all engines against the one ledger; raises LawBroken."""
        found = dict.fromkeys(range(ACCOUNTS), 0)
        for number, store in enumerate(self.stores):
            for account, cash in store.books.cash.items():
                if cash < 0:
                    raise LawBroken(f"account {account} has {cash} at engine {number}")
                found[account] += cash
            for other, channel in store.books.channels.items():
                heard = self.stores[other].books.channel(number)
                if heard.in_number > channel.out_number:
                    raise LawBroken(f"{other} heard more than {number} said")
                for move in channel.outbox.values():
                    if move.number > heard.in_number:
                        found[move.account] += move.amount
        if found != self.ledger:
            raise LawBroken(f"engines hold {found}, the ledger says {self.ledger}")

    def settle(self) -> None:
        """Without faults any more, let everything arrive and come home; everybody has it there."""
        for _ in range(3):
            for account in range(ACCOUNTS):
                for engine in range(ENGINES):
                    self.line.append(Envelope(home_of(account), engine, Recall(account)))
            for engine in range(ENGINES):
                self.say(engine, self.engines[engine].again(self.stores[engine].books))
            while self.line:
                self._deliver(faults=False)
                self.check()
        for account, cash in self.ledger.items():
            at_home = self.stores[home_of(account)].books.cash.get(account, 0)
            if at_home != cash:
                raise LawBroken(f"account {account} has {at_home} at home, and not {cash}")
