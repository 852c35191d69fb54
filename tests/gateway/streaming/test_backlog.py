"""Where a backlog comes from: it is what was told, message for message; and where it ends."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, TypeVarTuple

import pytest

from exchange.messages.terms import NO, YES, Outcome
from exchange.projections.book_replay import BookReplay
from gateway.engine_side.replays import ReplayPool
from gateway.streaming.resuming import backlog
from gateway.streaming.resuming.backlog import Missed, MissedBooks, MissedTrades, TooFarBack
from gateway.streaming.rooms import Rooms
from gateway.wire.errors import Unavailable
from persistence.journal.rows import JournalRow, encode_execution, join_payload
from persistence.repositories.past_books import Stretch
from tests.gateway.commit_fake import CommitFake
from tests.gateway.random_flow import random_commands
from tests.gateway.socket_desk import EPOCH
from tests.gateway.streaming.test_book_messages import PEOPLE, Reader, decoded, engine_with
from tests.gateway.trading_desk import Desk
from tests.lengths import length

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

BOTH = (YES, NO)


class AtOnce(ReplayPool):
    """Runs in place."""

    async def run(self, function: Callable[[*Ts], T], *args: *Ts) -> T:
        return function(*args)


class Journal:
    """Gives stretches that reach a few commands behind what is asked for, from the first on."""

    def __init__(self, engine: CommitFake, commands: int = 10**6) -> None:
        self._done = engine.executions
        self._commands = commands
        self.asked: list[int] = []

    async def from_seq(self, market_id: int, market_seq: int) -> Stretch:
        self.asked.append(market_seq)
        book = BookReplay(market_id)
        begin = next(
            (n for n, one in enumerate(self._done) if book.apply(one) and book.seq > market_seq),
            len(self._done),
        )
        part = self._done[: begin + self._commands]
        payload = join_payload([encode_execution(one) for one in part])
        first, last = part[0].seq, part[-1].seq
        row = JournalRow(first, last, EPOCH, 0, 1, payload, b"", b"")
        at_end = len(part) == len(self._done)
        return Stretch(market_id, None, [row], first - 1, last, at_end=at_end)

    async def to_seq(self, market_id: int, market_seq: int) -> Stretch:
        raise AssertionError((market_id, market_seq))

    async def to_time(self, market_id: int, at: int) -> Stretch:
        raise AssertionError((market_id, at))


def traded(seed: int, count: int) -> tuple[CommitFake, Reader]:
    """Trade at random before a reader who hears everything of market 1."""
    rooms, reader = Rooms(EPOCH), Reader()
    engine = engine_with(rooms)
    rooms.join_market(reader, engine.view.markets[1], BOTH)
    for command in random_commands(seed, engine.view, 1, PEOPLE, count):
        engine.run(command)
    return engine, reader


def deltas(reader: Reader, outcomes: Sequence[Outcome], after: int, until: int) -> list[Any]:
    return [
        data
        for name, data in reader.messages()
        if name == "orderbook_update"
        and data["kind"] == "delta"
        and Outcome(data["outcome"]) in outcomes
        and after < data["seq"] <= until
    ]


def shown(missed: Missed) -> list[Any]:
    found = [(seq, decoded(message.frame(0))) for seq, message in missed]
    assert all(seq == data["seq"] for seq, (_, data) in found)
    return [data for _, (_, data) in found]


@pytest.mark.parametrize("outcomes", [(YES,), (NO,), BOTH])
@pytest.mark.parametrize("seed", range(length(2, long=60)))
async def test_books_are_told_as_they_were_told(seed: int, outcomes: tuple[Outcome, ...]) -> None:
    print(f"seed {seed}")
    engine, reader = traded(seed, 300)
    journal = Journal(engine, 40)
    last = engine.view.markets[1].seq
    after, until = last // 3, last - 5
    books = MissedBooks(journal, AtOnce())
    missed = await books.missed(1, outcomes, EPOCH, after, until)
    assert shown(missed) == deltas(reader, outcomes, after, until)
    assert len(journal.asked) > 2
    assert await books.missed(1, outcomes, EPOCH, until, until) == []


async def test_books_are_given_so_far_back_and_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, _ = traded(3, 200)
    last = engine.view.markets[1].seq
    with monkeypatch.context() as patch:
        patch.setattr(backlog, "STRETCHES_MOST", 2)
        with pytest.raises(TooFarBack):
            await MissedBooks(Journal(engine, 5), AtOnce()).missed(1, BOTH, EPOCH, 1, last)
        found = await MissedBooks(Journal(engine), AtOnce()).missed(1, BOTH, EPOCH, 1, last)
        assert len(found) == 2 * (last - 1)
    monkeypatch.setattr(backlog, "MESSAGES_MOST", 2 * last - 3)
    journal = Journal(engine)
    with pytest.raises(TooFarBack):
        await MissedBooks(journal, AtOnce()).missed(1, BOTH, EPOCH, 1, last)
    assert journal.asked == []
    assert await MissedBooks(journal, AtOnce()).missed(1, (NO,), EPOCH, 1, last)


async def test_what_is_not_written_yet_is_unavailable() -> None:
    engine, _ = traded(3, 50)
    last = engine.view.markets[1].seq
    with pytest.raises(Unavailable):
        await MissedBooks(Journal(engine), AtOnce()).missed(1, BOTH, EPOCH, last, last + 1)


@pytest.mark.parametrize("at_once", [1, 2, 1_000])
async def test_trades_are_those_of_the_tape(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(backlog, "_TRADES_AT_ONCE", at_once)
    for price in ("0.5", "0.6", "0.7"):
        await desk.rest("ann", f"BUY YES 3 @ {price}")
    seqs = []
    for quantity in (1, 7, 1):
        await desk.place("ben", f"BUY NO {quantity} @ 0.6")
        seqs.append(desk.engine.view.markets[1].seq)
    tape = await desk.get("/markets/rain/trades?afterSeq=0")
    assert len(tape) > 3
    trades = MissedTrades(desk.engine.view, desk.engine.history)

    async def missed(after: int, until: int) -> list[Any]:
        return shown(await trades.missed(1, BOTH, EPOCH, after, until))

    def told(after: int, until: int) -> list[Any]:
        return [one | {"epoch": EPOCH} for one in tape if after < one["seq"] <= until]

    for after, until in ((0, seqs[-1]), (seqs[0], seqs[-1]), (seqs[0], seqs[1]), (0, seqs[0])):
        assert await missed(after, until) == told(after, until), (after, until)
    assert await missed(seqs[-1], seqs[-1]) == []
    monkeypatch.setattr(backlog, "MESSAGES_MOST", len(tape) - 1)
    with pytest.raises(TooFarBack):
        await missed(0, seqs[-1])
