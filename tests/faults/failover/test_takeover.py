"""An engine is killed or stopped under load, and the one that waits takes over.

Nothing that was acknowledged is lost and nothing happens twice; the one that was stopped ends when
it goes on, and says nothing more: only what was on its way to Redis at that moment, one message of
what is committed, may still come, under its own name, which nobody hears any more.
"""

import asyncio
import os
import random
import signal
import time
from pathlib import Path

import pytest

from gateway.accounts.sessions.keys import load_key, shared_secret
from persistence.postgres.database import connect
from persistence.relay.channel import Channel
from persistence.relay.looks import identity_of
from persistence.relay.messages import BusMessage
from persistence.relay.subscriber import RedisSubscriber
from tests.faults.failover.fleet_of_two import (
    GONE_S,
    TAKEN_S,
    Two,
    differs,
    nothing_lost,
    takes_over,
    two,
)
from tests.faults.test_kill import verify
from tests.faults.trading_load import everybody_trades, some_answers
from tests.lengths import length
from tests.measured import slowness
from tests.server_process import until

KILLS = length(3, long=100)
STOPS = length(3, long=100)
LONGEST_ROUND = 150


@pytest.fixture
def dice() -> random.Random:
    seed = int(os.environ.get("PROBITY_TEST_SEED", time.time_ns() % 10**9))
    print(f"PROBITY_TEST_SEED={seed}")
    return random.Random(seed)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_an_engine_killed_under_load_is_taken_over(
    disk: Path, database_url: str, dice: random.Random
) -> None:
    with two(disk, database_url) as both:
        market, traders = await asyncio.to_thread(both.open_floor, dice)
        for number in range(KILLS):
            stop = asyncio.Event()
            tasks = list(everybody_trades(traders, stop))
            before = sum(len(trader.placings) for trader in traders)
            await some_answers(traders, before + dice.randint(1, LONGEST_ROUND))
            await asyncio.sleep(dice.uniform(0, 0.02))
            both.engine.kill()
            took = await takes_over(both.standby, time.monotonic())
            assert took < TAKEN_S * slowness(), both.standby.words()
            stop.set()
            await asyncio.gather(*tasks)
            assert not differs(both.standby)
            await asyncio.to_thread(both.turn_back)
            unknown = await nothing_lost(both, market, traders)
            print(f"kill {number}: leads after {took:.2f} s, {unknown} without an answer")
        await asyncio.to_thread(verify, both.engine)


class Overheard:
    """What is said on the exchange's channel, by whom and when."""

    def __init__(self) -> None:
        self.said: list[tuple[float, BusMessage]] = []

    async def listen(self, both: Two) -> None:
        """Hear everything, until cancelled."""
        secret = shared_secret(load_key(None, both.engine.data_dir))
        connection = await connect(both.database_url)
        channel = Channel(await identity_of(connection), secret)
        await connection.close()
        subscriber = RedisSubscriber(both.redis.url, channel)
        try:
            while True:
                message = await subscriber.receive()
                if message is not None:
                    self.said.append((time.monotonic(), message))
        finally:
            await subscriber.close()

    def after(self, moment: float) -> list[BusMessage]:
        """Return what was said since."""
        return [message for at, message in self.said if at > moment]


async def _lead(both: Two) -> tuple[str, int]:
    """Return who leads, and where the exchange stands."""
    connection = await connect(both.database_url)
    row = await connection.fetchrow("SELECT stream_id, last_seq FROM engine_state")
    await connection.close()
    assert row is not None
    return row["stream_id"], row["last_seq"]


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_an_engine_stopped_in_a_batch_is_taken_over_and_says_nothing_more(
    disk: Path, database_url: str, dice: random.Random
) -> None:
    with two(disk, database_url) as both:
        market, traders = await asyncio.to_thread(both.open_floor, dice)
        heard = Overheard()
        listening = asyncio.create_task(heard.listen(both))
        for number in range(STOPS):
            stop = asyncio.Event()
            tasks = list(everybody_trades(traders, stop))
            before = sum(len(trader.placings) for trader in traders)
            await some_answers(traders, before + dice.randint(1, LONGEST_ROUND))
            await asyncio.sleep(dice.uniform(0, 0.02))
            process = both.engine.process
            assert process is not None
            process.send_signal(signal.SIGSTOP)
            took = await takes_over(both.standby, time.monotonic())
            assert took < TAKEN_S * slowness(), both.standby.words()
            leader, head = await _lead(both)
            await until(lambda: any(m.stream == leader for m in heard.after(0)))  # noqa: B023
            goes_on = time.monotonic()
            said = both.engine.log.stat().st_size
            process.send_signal(signal.SIGCONT)
            await until(lambda: b"starting again" in both.engine.log.read_bytes()[said:])  # noqa: B023
            gone = time.monotonic() - goes_on
            assert gone < GONE_S * slowness(), both.engine.words()
            stop.set()
            await asyncio.gather(*tasks)
            gone_at = goes_on + gone
            await until(lambda: any(m.stream == leader for m in heard.after(gone_at)))  # noqa: B023
            late = [message for message in heard.after(goes_on) if message.stream != leader]
            assert len(late) <= 1, late
            assert all(message.newest <= head for message in late), late
            await asyncio.to_thread(both.turn_back)
            unknown = await nothing_lost(both, market, traders)
            print(
                f"stop {number}: leads after {took:.2f} s, the other one is gone after"
                f" {gone:.2f} s, with {len(late)} word on its way; {unknown} without an answer"
            )
        listening.cancel()
        await asyncio.wait([listening])
        await asyncio.to_thread(verify, both.engine)
