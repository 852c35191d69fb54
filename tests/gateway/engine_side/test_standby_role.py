"""What ends a process whose engine waits, and what it merely waits for."""

from contextlib import AsyncExitStack
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.bootstrap.roles import standby as role


class Waits:
    """A standby that is due at once, and whose takeovers fail as told before one succeeds."""

    seq = 7

    def __init__(self, *fails: Exception, has_led: bool = False) -> None:
        self.has_led = has_led
        self.fails = list(fails)
        self.runs = 0

    async def run(self) -> None:
        self.runs += 1

    async def recover(self) -> None:
        if self.fails:
            raise self.fails.pop(0)


class Told:
    """Takes what is said to the log, to the observer and to the condition."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.led = False

    def away(self, reason: str) -> None:
        self.reasons.append(reason)

    def leads(self, _side: object) -> None:
        self.led = True

    def warning(self, *_words: object, **_more: object) -> None: ...


async def take_over(monkeypatch: pytest.MonkeyPatch, one: Waits) -> Told:
    async def lead(_stack: AsyncExitStack, _ground: object, *, takeover: Any) -> tuple[Any, None]:
        await takeover.recover()
        return SimpleNamespace(feed=SimpleNamespace(epoch=2), view=SimpleNamespace(seq=7)), None

    monkeypatch.setattr(role, "lead", lead)
    told = Told()
    waiting = SimpleNamespace(cancel_only_seconds=0, post_only_seconds=0)
    ground = SimpleNamespace(settings=SimpleNamespace(standby=waiting), logger=told)
    async with AsyncExitStack() as stack:
        await role._take_over(stack, *cast("Any", (ground, one, told, told)))
    return told


async def test_a_database_that_goes_away_in_a_takeover_is_waited_for_with_what_is_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = Waits(ConnectionResetError(), TimeoutError())
    told = await take_over(monkeypatch, one)
    assert told.reasons == ["ConnectionResetError", "TimeoutError"]
    assert (told.led, one.runs) == (True, 3)


@pytest.mark.parametrize(
    "one", [Waits(ConnectionResetError(), has_led=True), Waits(KeyError())], ids=["led", "fault"]
)
async def test_what_has_led_or_is_at_fault_ends(
    monkeypatch: pytest.MonkeyPatch, one: Waits
) -> None:
    with pytest.raises((ConnectionResetError, KeyError)):
        await take_over(monkeypatch, one)
    assert one.runs == 1
