"""Sockets are told what fired, once, whoever looked; what was before isn't told."""

from typing import Any

import pytest

from gateway.alerts.telling import AT_ONCE, EVENT, LATE_S, TOPIC, AlertTelling
from gateway.bootstrap.sockets import Hearers
from gateway.observability.metrics import Metrics
from persistence.repositories.alerts.firings import Firing


class FiringsFake:
    """Lines that a test writes, in whatever order their transactions end."""

    def __init__(self) -> None:
        self.lines: dict[int, Firing] = {}

    def write(self, *numbers: int) -> None:
        for number in numbers:
            self.lines[number] = Firing(number, 7, 1, "FILL", None, None, "", 1, "{}")

    async def newest(self) -> int:
        return max(self.lines, default=0)

    async def newer(self, after: int, told: Any, limit: int) -> list[Firing]:
        found = [self.lines[one] for one in sorted(self.lines) if one > after and one not in told]
        return found[:limit]


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
    firings.write(4)
    assert await telling.look() == 1, "its transaction ended later"
    assert topic.said == [(7, EVENT, "5"), (7, EVENT, "4")]
    now[0] = LATE_S
    assert await telling.look() == 0
    assert telling._told == {}, "what is remembered has an end"
    assert telling._after == 5
    firings.write(*range(6, 6 + AT_ONCE + 1))
    assert await telling.look() == AT_ONCE
    assert await telling.look() == 1


def test_its_stream_is_one_of_its_own() -> None:
    topics = Hearers(Metrics()).topics
    topics.open(TOPIC)
    with pytest.raises(ValueError, match="open already"):
        topics.open(TOPIC)
