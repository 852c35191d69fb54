"""Sockets are told what fired, once, whoever looked; what was before isn't told."""

from typing import Any

import pytest

from gateway.alerts import telling
from gateway.alerts.telling import AT_ONCE, EVENT, NUMBERED_S, TOPIC, AlertTelling
from gateway.bootstrap.sockets import Hearers
from gateway.observability.metrics import Metrics
from persistence.postgres.database import create_pool
from persistence.repositories.alerts.firings import Firing, Firings, Newer, NewFiring, add_firing


class FiringsFake:
    """Lines that a test writes, in whatever order their transactions end."""

    def __init__(self) -> None:
        self.lines: dict[int, Firing] = {}
        self.over = self.next = 100

    def write(self, *numbers: int) -> None:
        for number in numbers:
            self.lines[number] = Firing(number, 7, 1, "FILL", None, None, "", 1, "{}")

    async def newest(self) -> int:
        return max(self.lines, default=0)

    async def newer(self, after: int, told: Any, limit: int) -> Newer:
        found = [self.lines[one] for one in sorted(self.lines) if one > after and one not in told]
        return Newer(found[:limit], self.over, self.next)


class TopicFake:
    def __init__(self) -> None:
        self.said: list[tuple[int, str, str]] = []

    def publish(self, user_id: int, event: str, data: Any) -> None:
        self.said.append((user_id, event, data.id))


async def test_each_line_is_told_once_and_a_late_one_too() -> None:
    firings, topic, now = FiringsFake(), TopicFake(), [0.0]
    firings.write(3)
    telling = AlertTelling(firings, topic, clock=lambda: now[0])  # type: ignore[arg-type]
    assert await telling.look() == 0, "it was before this process"
    firings.write(5)
    assert await telling.look() == 1
    # Transaction 100 has taken an id before, and doesn't end.
    firings.next = 101
    now[0] = NUMBERED_S
    assert await telling.look() == 0
    now[0] = 100 * NUMBERED_S
    assert await telling.look() == 0
    firings.write(4)
    assert await telling.look() == 1, "its transaction ended later, however much"
    firings.over = 101
    assert topic.said == [(7, EVENT, "5"), (7, EVENT, "4")]
    now[0] += NUMBERED_S
    assert await telling.look() == 0
    assert telling._told == {}, "what is remembered has an end"
    assert telling._after == 5
    firings.write(*range(6, 6 + AT_ONCE + 1))
    assert await telling.look() == AT_ONCE
    assert await telling.look() == 1


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "REMEMBERED", 2)
    firings, topic = FiringsFake(), TopicFake()
    teller = AlertTelling(firings, topic, clock=lambda: 0.0)  # type: ignore[arg-type]
    await teller.look()
    firings.write(1, 2, 3, 4)
    assert await teller.look() == 4
    assert sorted(teller._told) == [3, 4]
    assert teller._after == 2


async def test_a_line_of_a_transaction_that_lasts_is_told(database_url: str) -> None:
    pool, topic, now = await create_pool(database_url, size=4), TopicFake(), [0.0]
    await pool.execute(
        "INSERT INTO users (id, role, created_at) OVERRIDING SYSTEM VALUE VALUES (7, 'USER', 1)"
    )
    line = NewFiring(
        user_id=7, alert_id=None, kind="TEST", platform=None, external_id=None,
        note="", at=1, saw="{}",
    )  # fmt: skip
    teller = AlertTelling(Firings(pool), topic, clock=lambda: now[0])  # type: ignore[arg-type]
    assert await teller.look() == 0
    async with pool.transaction() as slow:
        early, _ = await add_firing(slow, line, 1)
        async with pool.transaction() as quick:
            late, _ = await add_firing(quick, line, 1)
        assert late > early
        for _ in range(3):
            await teller.look()
            now[0] += NUMBERED_S
        assert [one for *_, one in topic.said] == [str(late)]
    assert await teller.look() == 1
    assert [one for *_, one in topic.said] == [str(late), str(early)]
    for _ in range(3):
        now[0] += NUMBERED_S
        await teller.look()
    assert teller._told == {}
    await pool.close()


def test_its_stream_is_one_of_its_own() -> None:
    topics = Hearers(Metrics()).topics
    topics.open(TOPIC)
    with pytest.raises(ValueError, match="open already"):
        topics.open(TOPIC)
