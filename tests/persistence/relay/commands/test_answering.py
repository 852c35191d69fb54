"""The engine's end: what is said to senders after a silence, and when much comes at once."""

import asyncio
import copy
from itertools import pairwise

import pytest

from exchange.messages.commands import CreditAccount
from persistence.clock import now_us
from persistence.relay.channel import Sealed
from persistence.relay.commands.answering import Answering
from persistence.relay.commands.messages import (
    BODY,
    PARCEL_COMMANDS,
    Answers,
    Outcome,
    Parcel,
    Sent,
    Unknown,
    answer_channel,
)
from persistence.relay.commands.reader import READ_MOST
from persistence.relay.messages import make_shared_client
from persistence.relay.one_connection import OneConnection
from persistence.relay.subscriber import RedisSubscriber
from tests.faults.proxy.fault_line import FaultLine
from tests.persistence.relay.commands.ends import IDENTITY, SECRET, STREAM, command, reading
from tests.redis_process import RedisProcess
from tests.server_process import until

SENDER = b"s" * 16


def channel_of(sender: bytes) -> Sealed[Answers]:
    return answer_channel(IDENTITY, sender, SECRET)


async def told(hearing: RedisSubscriber[Answers]) -> list[Outcome]:
    """Return what the next message to a sender says."""
    async with asyncio.timeout(10):
        while True:
            heard = await hearing.receive()
            if heard is not None:
                return list(heard.outcomes)


async def test_the_first_answer_after_a_silence_is_told_though_its_line_was_lost_in_it(
    redis: RedisProcess,
) -> None:
    """As where something between has forgotten a connection over which nothing went for long."""
    with FaultLine(("127.0.0.1", redis.port)) as line:
        answering = Answering(f"redis://127.0.0.1:{line.port}/0", channel_of)
        answering.start()
        hearing = RedisSubscriber(redis.url, channel_of(SENDER))
        try:
            await hearing.receive()
            await until(lambda: line.passed()[1] > 0)
            forgotten = line.connections()
            line.lose(b"PING")
            await until(lambda: set(line.connections()) - set(forgotten), 10)
            await until(lambda: line.passed()[1] > sum(one.down.passed for one in forgotten))
            answering.tell(SENDER, Unknown(7))
            assert await told(hearing) == [Unknown(7)]
        finally:
            await answering.stop()
            await hearing.close()


async def test_an_answer_that_comes_while_a_lost_line_is_asked_is_told(
    redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    ping, asked = OneConnection.ping, 0

    def counted(client: OneConnection) -> object:
        nonlocal asked
        asked += 1
        return ping(client)

    monkeypatch.setattr(OneConnection, "ping", counted)
    with FaultLine(("127.0.0.1", redis.port)) as line:
        answering = Answering(f"redis://127.0.0.1:{line.port}/0", channel_of)
        hearing = RedisSubscriber(redis.url, channel_of(SENDER))
        try:
            await hearing.receive()
            answering.start()
            await until(lambda: asked > 1)
            before = asked
            line.lose(b"PING")
            await until(lambda: asked > before)
            answering.tell(SENDER, Unknown(7))
            assert await told(hearing) == [Unknown(7)]
        finally:
            await answering.stop()
            await hearing.close()


async def test_whatever_is_read_at_once_others_have_their_turns(redis: RedisProcess) -> None:
    deadline = now_us() + 60_000_000
    async with reading(redis) as rig:
        seen: list[int] = []

        async def others() -> None:
            while True:
                seen.append(len(rig.engine.taken))
                await asyncio.sleep(0)

        async with rig.client.pipeline(transaction=True) as at_once:
            for entry in range(READ_MOST):
                numbers = range(entry * PARCEL_COMMANDS + 1, (entry + 1) * PARCEL_COMMANDS + 1)
                sent = [Sent(number, deadline, command(number)) for number in numbers]
                at_once.xadd(STREAM.name, {BODY: STREAM.seal(Parcel(SENDER, sent))})
            counting = asyncio.create_task(others())
            await at_once.execute()
        await until(lambda: len(rig.engine.taken) == READ_MOST * PARCEL_COMMANDS)
        counting.cancel()
        assert rig.engine.numbers == sorted(rig.engine.numbers)
        longest = max(after - before for before, after in pairwise(seen))
        print(f"{longest} commands in one turn")
        assert longest <= READ_MOST * PARCEL_COMMANDS // 4


async def test_what_is_too_much_for_its_line_is_read_in_smaller_parts(redis: RedisProcess) -> None:
    """A backlog that doesn't come in the time of one answer would never come."""
    deadline = now_us() + 60_000_000
    with FaultLine(("127.0.0.1", redis.port)) as line:
        far = copy.copy(redis)
        far.url = f"redis://127.0.0.1:{line.port}/0"
        near = make_shared_client(redis.url, connections=1)
        async with reading(far) as rig:
            line.slow(100_000, up=False)
            async with near.pipeline(transaction=True) as at_once:
                for number in range(1, READ_MOST + 1):
                    sent = [Sent(number, deadline, CreditAccount(number, 1, "x" * 3_000))]
                    at_once.xadd(STREAM.name, {BODY: STREAM.seal(Parcel(SENDER, sent))})
                await at_once.execute()
            await until(lambda: len(rig.engine.taken) == READ_MOST, 30)
            assert rig.engine.numbers == list(range(1, READ_MOST + 1))
            line.heal()
        await near.aclose()
