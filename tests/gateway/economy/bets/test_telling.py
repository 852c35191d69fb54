"""Sockets are told what became of bets, each change once, and only those that are there."""

from typing import Any, cast

import pytest

from exchange.messages.commands import ResolveMarket
from exchange.messages.terms import Resolution
from gateway.bootstrap.sockets import Hearers
from gateway.economy.bets import telling
from gateway.economy.bets.telling import EVENT, TOPIC, BetTelling
from gateway.observability.metrics import Metrics
from persistence.postgres.database import Connection
from persistence.projection.bets import BetProjection
from persistence.repositories.economy.bets import Bets
from tests.gateway.conftest import Web
from tests.gateway.economy.bets.stories import placed, project, sell


class TopicFake:
    def __init__(self) -> None:
        self.said: list[tuple[int, str, str, str]] = []

    def publish(self, user_id: int, event: str, data: Any) -> None:
        self.said.append((user_id, event, data.id, data.status.value))


async def test_each_change_is_told_once(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "AT_ONCE", 2)
    ann, ben = await web.register(), await web.register()
    await placed(web, ann)
    await project(web)
    topic, listening = TopicFake(), [ann.id]
    tells = BetTelling(Bets(web.parts.pool), topic, web.engine.view, lambda: listening)  # type: ignore[arg-type]

    async def told() -> list[tuple[int, str, str, str]]:
        await project(web)
        while await tells.look() == telling.AT_ONCE:
            pass
        said, topic.said = topic.said, []
        return said

    assert await told() == [], "it was before this process"
    assert await told() == []
    for person in (ann, ben):
        await placed(web, person, side="THAT")
    # The first one's bet on the other side closed a part of the earlier one.
    assert await told() == [(ann.id, EVENT, "1", "OPEN"), (ann.id, EVENT, "2", "SOLD")]
    assert await told() == []
    await sell(web, ben, "3")
    listening.append(ben.id)
    assert await told() == [(ben.id, EVENT, "3", "SOLD")]
    for _ in range(5):
        await placed(web, ben)
    assert [one[2:] for one in await told()] == [(str(n), "OPEN") for n in range(4, 9)]
    web.engine.run(ResolveMarket(1, Resolution.YES, None, "seen"))
    said = await told()
    assert sorted(one[2] for one in said) == ["1", "4", "5", "6", "7", "8"]
    assert {one[3] for one in said} == {"WON"}


async def test_what_is_made_again_is_not_told_again(web: Web) -> None:
    ann = await web.register()
    for _ in range(3):
        await placed(web, ann)
    topic = TopicFake()

    def teller() -> BetTelling:
        listening = [ann.id]
        return BetTelling(Bets(web.parts.pool), topic, web.engine.view, lambda: listening)  # type: ignore[arg-type]

    # One begins while the projector is at the very start, one before it goes back there.
    early = teller()
    assert await early.look() == 0
    await project(web)
    late = teller()
    for tells in (early, late):
        assert await tells.look() == 0
    async with web.parts.pool.transaction() as connection:
        await BetProjection().erase(cast("Connection", connection))
        await connection.execute("UPDATE projection_state SET last_seq = 0, at = 0")
    for tells in (early, late):
        assert await tells.look() == 0
    await project(web)
    for tells in (early, late):
        assert await tells.look() == 0
    assert topic.said == []
    await placed(web, ann)
    await project(web)
    for tells in (early, late):
        assert await tells.look() == 1
    assert topic.said == [(ann.id, EVENT, "4", "OPEN")] * 2


def test_its_stream_is_one_of_its_own() -> None:
    topics = Hearers(Metrics()).topics
    topics.open(TOPIC)
    with pytest.raises(ValueError, match=TOPIC):
        topics.open(TOPIC)
