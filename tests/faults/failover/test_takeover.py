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
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from gateway.accounts.sessions.keys import load_key, shared_secret
from persistence.postgres.database import connect
from persistence.relay.channel import Channel
from persistence.relay.looks import identity_of
from persistence.relay.messages import BusMessage
from persistence.relay.subscriber import RedisSubscriber
from tests.faults.failover.fleet_of_two import (
    BACK_S,
    GONE_S,
    TAKEN_S,
    Two,
    differs,
    nothing_lost,
    takes_over,
    two,
)
from tests.faults.test_kill import verify
from tests.faults.trading_load import answered, everybody_trades, some_answers
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
    """Alone, together with a gateway, or the gateway alone, by turns."""
    with two(disk, database_url) as both:
        market, traders = await asyncio.to_thread(both.open_floor, dice)
        for number in range(KILLS):
            gateway = dice.choice(both.gateways) if number % 3 else None
            victims = [both.leader] if number % 3 != 2 else []
            victims += [] if gateway is None else [gateway]
            dice.shuffle(victims)
            spared = [one for one in both.gateways if one is not gateway]
            stop = asyncio.Event()
            tasks = list(everybody_trades(traders, stop))
            await some_answers(traders, answered(traders) + dice.randint(1, LONGEST_ROUND))
            await asyncio.sleep(dice.uniform(0, 0.02))
            assert not differs(both.standby)
            for victim in victims:
                victim.kill()
            killed_at = time.monotonic()
            stop.set()
            leads = "the engine leads on"
            if both.leader in victims:
                leads = f"leads after {await takes_over(both.standby, killed_at):.2f} s"
            served = await both.serves(traders[0], killed_at, spared)
            assert served < TAKEN_S * slowness(), both.standby.words()
            if gateway is not None:
                await asyncio.to_thread(gateway.start)
                await both.serves(traders[0], killed_at, [gateway])
            await asyncio.gather(*tasks)
            unknown = await nothing_lost(both, market, traders)
            if both.leader in victims:
                await asyncio.to_thread(both.turn)
            print(
                f"kill {number} of {'gateway' if gateway else 'no gateway'}: {leads}, serves after"
                f" {served:.2f} s; {unknown} without an answer"
            )
        await asyncio.to_thread(verify, both.leader)


class Overheard:
    """What is said on the exchange's channel, by whom and when."""

    def __init__(self) -> None:
        self.said: list[tuple[float, BusMessage]] = []

    async def listen(self, both: Two) -> None:
        """Hear everything, until cancelled."""
        secret = shared_secret(load_key(None, both.leader.data_dir))
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
            await some_answers(traders, answered(traders) + dice.randint(1, LONGEST_ROUND))
            await asyncio.sleep(dice.uniform(0, 0.02))
            assert not differs(both.standby)
            process = both.leader.process
            assert process is not None
            process.send_signal(signal.SIGSTOP)
            stopped_at = time.monotonic()
            stop.set()
            took = await takes_over(both.standby, stopped_at)
            served = await both.serves(traders[0], stopped_at)
            assert served < TAKEN_S * slowness(), both.standby.words()
            await asyncio.gather(*tasks)
            leader, head = await _lead(both)
            await until(lambda: any(m.stream == leader for m in heard.after(0)))  # noqa: B023
            goes_on = time.monotonic()
            said = both.leader.log.stat().st_size
            process.send_signal(signal.SIGCONT)
            await until(lambda: b"starting again" in both.leader.log.read_bytes()[said:])  # noqa: B023
            gone = time.monotonic() - goes_on
            assert gone < GONE_S * slowness(), both.leader.words()
            gone_at = goes_on + gone
            await until(lambda: any(m.stream == leader for m in heard.after(gone_at)))  # noqa: B023
            late = [message for message in heard.after(goes_on) if message.stream != leader]
            assert len(late) <= 1, late
            assert all(message.newest <= head for message in late), late
            unknown = await nothing_lost(both, market, traders)
            await asyncio.to_thread(both.turn)
            print(
                f"stop {number}: leads after {took:.2f} s, serves after {served:.2f} s; the other"
                f" one is gone after {gone:.2f} s, with {len(late)} word on its way;"
                f" {unknown} without an answer"
            )
        listening.cancel()
        await asyncio.wait([listening])
        await asyncio.to_thread(verify, both.leader)


ORDER = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": "0.30", "quantity": "1"}


@pytest.mark.slow
async def test_cancels_come_first_then_post_only_orders_then_everything(
    tmp_path: Path, database_url: str, dice: random.Random
) -> None:
    phases = {
        "CANCEL_ONLY_AFTER_TAKEOVER_SECONDS": "3",
        "POST_ONLY_AFTER_TAKEOVER_SECONDS": "3",
    }
    with two(tmp_path, database_url, **phases) as both:
        _, (trader, *_) = await asyncio.to_thread(both.open_floor, dice)
        gateway = both.gateways[0]
        url = f"{gateway.url}/api/v1"
        async with httpx.AsyncClient(base_url=url, headers=trader.headers, timeout=30) as client:

            async def answer(**changes: object) -> tuple[int, str]:
                body = {**ORDER, **changes}
                said = await client.post(f"/orders/{trader.market}", json=body)
                return said.status_code, "" if said.is_success else said.json()["error"]["code"]

            assert await answer() == (201, "")
            both.leader.kill()
            await both.serves(trader, time.monotonic())
            said = await client.post(f"/orders/{trader.market}", json=ORDER)
            assert (said.status_code, said.headers["retry-after"]) == (503, "1")
            assert "takes cancels alone for a moment" in said.json()["error"]["message"]
            assert (await client.delete(f"/orders?market={trader.market}")).is_success
            assert await answer(postOnly=True) == (503, "UNAVAILABLE")
            await _passes(answer, (503, "UNAVAILABLE"), postOnly=True)
            assert await answer(postOnly=True) == (201, "")
            assert (await answer())[0] == 422
            status = (await client.get("/exchange/status")).json()["data"]
            assert status["mode"] == "post-only"
            await _passes(answer, await answer())
            assert await answer() == (201, "")


async def _passes(
    answer: Callable[..., Awaitable[tuple[int, str]]], what: tuple[int, str], **changes: object
) -> None:
    """Wait until an order is answered otherwise."""
    ends_at = time.monotonic() + BACK_S
    while await answer(**changes) == what:
        assert time.monotonic() < ends_at
        await asyncio.sleep(0.05)
