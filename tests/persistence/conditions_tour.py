"""An order's conditions on their whole way, from the command to every place an order is read from.

Run by `test_conditions.py` in a process of its own, after `fuller_conditions`.
"""

import msgspec

from exchange.messages.events import CommandRejected, OrderPlaced
from exchange.messages.reasons import Reason
from exchange.messages.terms import NO
from exchange.model.order_book import Order
from persistence.journal.reader import executions_after
from persistence.journal.source import JournalSource
from persistence.repositories.history import History
from tests.persistence.following import rig
from tests.persistence.fuller_conditions import FullerConditions
from tests.persistence.proof.test_verification import CHECKS, results
from tests.persistence.running import ANN, BOB, hashes, limit, running, until

GIVEN = FullerConditions(made_up_at=2**61)
FIRST = msgspec.structs.replace(limit(ANN, 40, 10, id="first"), conditions=GIVEN)
FILLED = msgspec.structs.replace(limit(ANN, 50, 10, id="filled"), conditions=GIVEN)


async def tour(url: str) -> None:
    """Place an order that rests and one that is filled, and look for their conditions."""
    async with rig(url) as made:
        engine = made.engine
        answer = (await engine.send_all(FIRST, FILLED, limit(BOB, 50, 10, NO)))[0]
        # The event, the journal's bytes, the live record, the committed view.
        assert isinstance(answer.events[0], OrderPlaced)
        assert answer.events[0].conditions == GIVEN
        journaled = (await executions_after(JournalSource(engine.pool), answer.seq - 1))[0]
        assert (journaled.command, journaled.events) == (FIRST, answer.events)
        assert carried(engine.live.orders[1]) == carried(engine.view.orders[1]) == GIVEN
        # What follows the engine, and what has left memory.
        await until(lambda: made.rows[-1].last_seq == engine.view.seq)
        await made.tape.hear(*[await made.said(row) for row in made.rows])
        made.check()
        assert carried(made.view.orders[1]) == GIVEN
        history = History(engine.pool)
        read = [*await history.orders(ANN, [], None, None, 9), await history.order(2)]
        assert [carried(order) for order in read] == [GIVEN] * 3
        assert carried((await history.orders(BOB, [], None, None, 1))[0]) is None
        texts = await engine.pool.fetch("SELECT conditions FROM orders ORDER BY id")
        assert [row[0] for row in texts] == ['{"made_up_at": 2305843009213693952}'] * 2 + [None]
        # They are part of what the client's id stands for.
        assert (await engine.send(FIRST)).replayed
        (refused,) = (await engine.send(msgspec.structs.replace(FIRST, conditions=None))).events
        assert isinstance(refused, CommandRejected)
        assert refused.reason is Reason.CONFLICT
        before = hashes(engine)
    async with running(url) as engine:
        assert hashes(engine) == before
        assert carried(engine.live.orders[1]) == carried(engine.view.orders[1]) == GIVEN
    assert [(check.name, check.passed) for check in await results(url)] == [
        (name, True) for name in CHECKS
    ]


def carried(order: Order | None) -> object:
    assert order is not None
    return order.conditions
