"""Answers from the store, and what the store knows of client ids.

A repeat gets the first answer again, whenever the first was given: its events from the journal,
the cash right after it from the ledger (RULEBOOK 7). An id that the core may have forgotten is
looked up before its command is stamped; one query for many. Most ids were never used, which the
filter of `client_ids` knows without a query.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from exchange.messages.command_bases import Prior
from exchange.messages.commands import BatchOrders, PlaceOrder
from exchange.messages.events import CommandReplayed, Event
from exchange.messages.execution import Execution
from exchange.messages.operations import placing_of, sections
from exchange.model.idempotency import Key
from exchange.proof.ledger import Owner
from persistence.errors import CommandNotTaken, OutcomeUnknown, PersistenceError
from persistence.journal.reader import executions_at
from persistence.journal.source import JournalSource
from persistence.loop.ports import Answer
from persistence.postgres.database import OUTAGES, Fetching

_PRIORS: Final = """
SELECT i.account_id, i.kind::integer, i.client_id, i.command_seq, i.fingerprint
  FROM unnest($1::bigint[], $2::smallint[], $3::text[]) AS asked(account_id, kind, client_id)
  JOIN idempotency i USING (account_id, client_id, kind)
"""
_BALANCES: Final = """
SELECT asked.seq, asked.account_id, coalesce(entry.available_after, 0),
       coalesce(entry.locked_after, 0)
  FROM unnest($1::bigint[], $2::bigint[]) AS asked(seq, account_id)
  LEFT JOIN LATERAL (
       SELECT available_after, locked_after FROM ledger
        WHERE owner_id = asked.account_id AND owner = $3 AND command_seq <= asked.seq
        ORDER BY command_seq DESC, entry_no DESC LIMIT 1) AS entry ON true
"""
_ASKED_AT_ONCE: Final = 500


class Asked(NamedTuple):
    """A first answer that is wanted: the command's sequence, and whose cash goes with it.

    Of an order, the id it was placed under: it may have been one of a batch.
    """

    seq: int
    account_id: int
    client_order_id: str | None = None


async def find_priors(source: Fetching, keys: Sequence[Key]) -> Mapping[Key, Prior]:
    """Return the commands that used these client ids first, as far as any did."""
    found = await source.fetch(_PRIORS, *map(list, zip(*keys, strict=True)))
    return {
        (account_id, kind, text): Prior(seq, fingerprint)
        for account_id, kind, text, seq, fingerprint in found
    }


async def first_answers(journal: JournalSource, asked: Sequence[Asked]) -> dict[Asked, Answer]:
    """Return the answers that these commands got, marked as replayed.

    One query for all balances, one for each batch that holds any of the commands; and as many again
    if one of them is a batch of orders in which ids came again.

    Raises:
        HistoryMismatch: the journal doesn't hold one of the commands.
        SegmentUnreadable: one lies in a file that can't be read.
    """
    executions = await executions_at(journal, sorted({one.seq for one in asked}))
    rows = await journal.tables.fetch(
        _BALANCES,
        [one.seq for one in asked],
        [one.account_id for one in asked],
        int(Owner.ACCOUNT),
    )
    cash = {(seq, account): (available, locked) for seq, account, available, locked in rows}
    within = {one: _repeats_in(one, executions[one.seq]) for one in asked}
    earlier = list({again for repeats in within.values() for again in repeats})
    firsts = await first_answers(journal, earlier) if earlier else {}
    answers = {}
    for one in asked:
        execution = executions[one.seq]
        command, events = execution.command, execution.events
        if one.client_order_id is not None and isinstance(command, BatchOrders):
            events = [*placing_of(command, events, one.client_order_id)]
        repeats = tuple(firsts[again] for again in within[one])
        answers[one] = Answer(
            one.seq, execution.at, events, *cash[one[:2]], replayed=True, repeats=repeats
        )
    return answers


def repeats_in(command: BatchOrders, events: Sequence[Event]) -> list[Asked]:
    """Return the first answers that operations of a batch got again, in their order."""
    return [
        Asked(section[0].first_seq, command.account_id, operation.client_order_id)
        for operation, section in zip(command.operations, sections(events), strict=False)
        if isinstance(operation, PlaceOrder) and isinstance(section[0], CommandReplayed)
    ]


def _repeats_in(asked: Asked, execution: Execution) -> list[Asked]:
    command = execution.command
    if asked.client_order_id is not None or not isinstance(command, BatchOrders):
        return []
    return repeats_in(command, execution.events)


class Repeats:
    """Answers repeats in the background, many with a few queries, on one connection at a time."""

    def __init__(self, journal: JournalSource) -> None:
        self._journal = journal
        self._waiting: list[tuple[Asked, asyncio.Future[Answer], bool]] = []
        self._worker: asyncio.Task[None] | None = None

    def add(self, asked: Asked, future: asyncio.Future[Answer], *, replayed: bool = True) -> None:
        """Answer `future` with what the command got; what it was is committed already.

        It may be the command's own answer that needs others, of ids that came again in a batch:
        then it isn't `replayed` itself.
        """
        self._waiting.append((asked, future, replayed))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())

    async def close(self) -> None:
        """Wait until all are answered."""
        if self._worker is not None:
            await self._worker

    async def _work(self) -> None:
        while self._waiting:
            part = self._waiting[:_ASKED_AT_ONCE]
            del self._waiting[:_ASKED_AT_ONCE]
            try:
                answers = await first_answers(self._journal, list({asked for asked, _, _ in part}))
            except Exception as error:  # noqa: BLE001 - whatever it is, the clients must hear of it
                if isinstance(error, OUTAGES):
                    # Asking for the others would keep them waiting once more.
                    part += self._waiting
                    self._waiting.clear()
                for _, future, _ in part:
                    refuse(future, error)
                continue
            for asked, future, replayed in part:
                if not future.done():
                    answer = answers[asked]
                    if not replayed:
                        answer = msgspec.structs.replace(answer, replayed=False)
                    future.set_result(answer)


def refuse(future: asyncio.Future[Answer], cause: BaseException) -> None:
    """Tell one client that the outcome of its command is unknown."""
    _fail(future, OutcomeUnknown, "the outcome is unknown, ask again under the same id", cause)


def refuse_untaken(future: asyncio.Future[Answer], cause: BaseException) -> None:
    """Tell one client that its command was not taken, because its id can't be looked up."""
    _fail(future, CommandNotTaken, "client ids can't be looked up, nothing was done", cause)


def _fail(
    future: asyncio.Future[Answer],
    kind: type[PersistenceError],
    message: str,
    cause: BaseException,
) -> None:
    if future.done():
        return
    reason = str(cause) if isinstance(cause, PersistenceError) else type(cause).__name__
    error = kind(f"{message}: {reason}")
    error.__cause__ = cause
    future.set_exception(error)
    # The client may be gone; an answer that nobody fetches is no fault of ours.
    future.exception()
