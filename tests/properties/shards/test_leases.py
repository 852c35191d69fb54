"""The protocol of docs/scaling.md keeps its laws under faults, and the check would see a bug."""

import pytest

from tests.lengths import length
from tests.properties.shards.leases import (
    Ack,
    Books,
    FenceLost,
    HistoryMismatch,
    Move,
    Protocol,
    Sent,
    Store,
)
from tests.properties.shards.world import LawBroken, World

SEEDS = length(200, long=5_000)
STEPS = 150
CAUGHT_WITHIN = 200


def run(seed: int, protocol: type[Protocol] = Protocol) -> World:
    """Run a seed to its end, with everything at home; raises what is found."""
    world = World(seed, protocol)
    for _ in range(STEPS):
        world.step()
    world.settle()
    return world


def test_every_seed_keeps_the_laws() -> None:
    worlds = [run(seed) for seed in range(SEEDS)]
    crashes = sum(world.crashes for world in worlds)
    fenced = sum(world.fenced for world in worlds)
    print(f"{SEEDS} seeds of {STEPS} steps: {crashes} crashes, {fenced} fenced")
    assert crashes > SEEDS
    assert fenced > SEEDS


def test_a_seed_is_a_run() -> None:
    first, second = run(7), run(7)
    assert [store.books for store in first.stores] == [store.books for store in second.stores]


class TakesTwice(Protocol):
    """Forgets to look at the number."""

    def hear_move(self, books: Books, other: int, move: Move) -> list[Sent]:
        books.cash[move.account] = books.cash.get(move.account, 0) + move.amount
        channel = books.channel(other)
        if move.number == channel.in_number + 1:
            channel.in_number, channel.in_hash = move.number, move.hash
        return [(other, Ack(channel.in_number, channel.in_hash))]


class SkipsAGap(Protocol):
    """Takes a later message for the next one."""

    def hear_move(self, books: Books, other: int, move: Move) -> list[Sent]:
        channel = books.channel(other)
        if move.number > channel.in_number:
            books.cash[move.account] = books.cash.get(move.account, 0) + move.amount
            channel.in_number, channel.in_hash = move.number, move.hash
        return [(other, Ack(channel.in_number, channel.in_hash))]


class ForgetsTooMuch(Protocol):
    """Takes any acknowledgement for one of everything."""

    def hear_ack(self, books: Books, other: int, ack: Ack) -> list[Sent]:
        del ack
        books.channel(other).outbox.clear()
        return []


class NoOutbox(Protocol):
    """Says what isn't in its books to be said again."""

    def move(self, books: Books, other: int, account: int, amount: int) -> list[Sent]:
        sent = super().move(books, other, account, amount)
        for _, message in sent:
            assert isinstance(message, Move)
            del books.channel(other).outbox[message.number]
        return sent


class LendsWhatItHasNot(Protocol):
    """Gives what is asked for, whatever is there."""

    def move(self, books: Books, other: int, account: int, amount: int) -> list[Sent]:
        if amount < 1 << 62 and other != self.me:
            books.cash[account] = books.cash.get(account, 0) - amount
            channel = books.channel(other)
            channel.out_number += 1
            said = Move(channel.out_number, account, amount, channel.out_hash)
            channel.outbox[said.number], channel.out_hash = said, said.hash
            return [(other, said)]
        return super().move(books, other, account, amount)


PLANTED = (TakesTwice, SkipsAGap, ForgetsTooMuch, NoOutbox, LendsWhatItHasNot)


def caught_at(protocol: type[Protocol] = Protocol) -> int:
    """Return the first seed that a bug breaks a law at."""
    for seed in range(CAUGHT_WITHIN):
        try:
            run(seed, protocol)
        except (LawBroken, HistoryMismatch) as found:
            print(f"{protocol.__name__}: seed {seed}: {found}")
            return seed
    raise AssertionError(f"{protocol.__name__} was not caught within {CAUGHT_WITHIN} seeds")


@pytest.mark.parametrize("protocol", PLANTED)
def test_a_planted_bug_is_caught(protocol: type[Protocol]) -> None:
    caught_at(protocol)


def test_a_missing_fence_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def commit(self: Store, books: Books, epoch: int) -> None:
        del epoch
        self.books = books

    monkeypatch.setattr(Store, "commit", commit)
    caught_at()


def test_what_is_said_before_it_is_written_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(World, "says_first", True)
    caught_at()


def test_books_that_were_put_back_in_time_are_named() -> None:
    """A sender that forgot what it had sent says another past, or less than was heard."""
    sender, receiver = Protocol(0, lambda _: 0), Protocol(1, lambda _: 0)
    store, heard = Store(), Books()
    store.books.cash[1] = 100
    old, acks = store.begin(), list[Sent]()
    for amount in (1, 2):
        books = store.begin()
        [(_, move)] = sender.move(books, 1, 1, amount)
        store.commit(books, 0)
        acks = receiver.hear(heard, 0, move)
    with pytest.raises(HistoryMismatch):
        sender.hear(old, 1, acks[0][1])
    sender.move(old, 1, 1, 50)
    sender.move(old, 1, 1, 10)
    [(_, other)] = sender.move(old, 1, 1, 5)
    with pytest.raises(HistoryMismatch):
        receiver.hear(heard, 0, other)


def test_who_was_taken_over_writes_nothing() -> None:
    store = Store()
    books = store.begin()
    store.books.epoch += 1
    with pytest.raises(FenceLost):
        store.commit(books, 0)
