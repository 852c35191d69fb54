"""An engine that stood still is in doubt until its database has done something for it again."""

import asyncio

from persistence.loop.lead_watch import LeadWatch


class Hands:
    """A clock that stands where it is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_who_is_awake_is_sure_however_slow_the_database_is() -> None:
    clock = Hands()
    watch = LeadWatch(lambda: 99.5, clock)
    for _ in range(100):
        clock.now += 0.1
        assert watch.is_sure()


async def test_who_stood_still_is_not_until_something_asked_since_is_done() -> None:
    clock, led_at = Hands(), 100.0
    watch = LeadWatch(lambda: led_at, clock)
    clock.now += 2
    assert not watch.is_sure()
    led_at = 101.9  # an answer that came meanwhile
    assert not watch.is_sure()
    clock.now += 0.1
    led_at = clock.now
    assert watch.is_sure()


async def test_who_stood_still_between_taking_the_lead_and_watching_is_in_doubt() -> None:
    clock, led_at = Hands(), 98.5
    watch = LeadWatch(lambda: led_at, clock)
    assert not watch.is_sure()
    led_at = 99.9
    assert not watch.is_sure(), "it was asked before this process went on"
    led_at = clock.now
    assert watch.is_sure()


async def test_it_notices_by_itself() -> None:
    clock = Hands()
    watch = LeadWatch(lambda: 100.0, clock)
    watch.start()
    clock.now += 2
    await asyncio.sleep(0.15)
    clock.now += 0.5
    assert not watch.is_sure()
    watch.close()
