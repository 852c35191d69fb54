"""Commands from a gateway to an engine over a real Redis: order, answers, refusals, outages."""

import asyncio
from typing import Any

import pytest

from persistence.errors import (
    CommandLate,
    CommandNotTaken,
    EngineAway,
    EngineClosed,
    EngineStalled,
    OutcomeUnknown,
    QueueFull,
)
from persistence.loop.authority import Arrived, acting_by
from persistence.loop.ports import Answer
from persistence.relay.commands import writer as stream_writer
from tests.persistence.relay.commands.ends import (
    LIFE,
    STREAM,
    Rig,
    alone,
    command,
    reading,
    writing,
)
from tests.redis_process import RedisProcess
from tests.server_process import until


async def test_commands_keep_their_order_and_are_answered(redis: RedisProcess) -> None:
    async with reading(redis) as rig, writing(redis) as ann, writing(redis) as bob:
        answers = await asyncio.gather(
            *(who.port.submit(command(number)) for number in range(500) for who in (ann, bob))
        )
        assert len(answers) == len(rig.engine.taken) == 1_000
        numbers = rig.engine.numbers
        assert sorted(numbers) == sorted([*range(500), *range(500)])
        for first in range(499):
            assert numbers.index(first) < numbers.index(first + 1)
        places = [rig.engine.place(number) for number in range(1_000)]
        assert places == sorted(places)
        # What was answered is taken out of the stream.
        await until(lambda: rig.redis.command("XLEN", STREAM.name) == b":0\r\n")


async def test_an_answer_waits_for_the_view(redis: RedisProcess) -> None:
    async with reading(redis) as rig, writing(redis) as gateway:
        gateway.view.seq = 0
        answered = gateway.port.submit(command(1))
        await until(lambda: rig.engine.taken)
        await asyncio.sleep(0.1)
        assert not answered.done()
        gateway.view.seq = 1
        gateway.port.on_reload(gateway.view)
        assert (await answered).seq == 1


async def test_a_refusal_says_that_nothing_happened(redis: RedisProcess) -> None:
    refusals = [QueueFull(""), EngineClosed(""), EngineStalled(""), CommandLate("")]
    async with reading(redis) as rig, writing(redis) as gateway:
        for refusal in refusals:
            rig.engine.refusal = refusal
            with pytest.raises(type(refusal)):
                await gateway.port.submit(command(1))
        rig.engine.refusal = ValueError("a text that can't be stored")
        with pytest.raises(CommandNotTaken):
            await gateway.port.submit(command(1))
        rig.engine.refusal = None
        await gateway.port.submit(command(2))
        assert rig.engine.numbers == [2]


async def test_what_the_engine_cannot_say_is_unknown(redis: RedisProcess) -> None:
    async with reading(redis) as rig, writing(redis) as gateway:
        rig.engine.is_held = True
        first, second = gateway.port.submit(command(1)), gateway.port.submit(command(2))
        await until(lambda: len(rig.engine.futures) == 2)
        rig.engine.futures[0].set_exception(OutcomeUnknown("?"))
        rig.engine.futures[1].cancel()
        for answered in (first, second):
            with pytest.raises(OutcomeUnknown):
                await answered


async def test_a_full_stream_takes_nothing_and_loses_nothing(redis: RedisProcess) -> None:
    async with reading(redis) as rig, writing(redis, stream_bound=3) as gateway:
        rig.engine.is_held = True
        sent = [gateway.port.submit(alone(number)) for number in range(5)]
        done, _ = await asyncio.wait(sent, timeout=5, return_when=asyncio.FIRST_EXCEPTION)
        assert done
        for answered in done:
            assert isinstance(answered.exception(), QueueFull)
        await until(lambda: len(rig.engine.taken) == 5 - sum(one.done() for one in sent))
        for number in range(len(rig.engine.futures)):
            rig.engine.answer(number)
        await asyncio.wait(sent)
        assert sum(one.exception() is None for one in sent) == len(rig.engine.taken)


async def test_a_gateway_has_a_bound_of_its_own(redis: RedisProcess) -> None:
    async with reading(redis) as rig, writing(redis, bound=2) as gateway:
        rig.engine.is_held = True
        sent = [gateway.port.submit(command(number)) for number in range(2)]
        with pytest.raises(QueueFull):
            gateway.port.submit(command(3))
        await until(lambda: len(rig.engine.futures) == 2)
        rig.engine.answer(0)
        rig.engine.answer(1)
        await asyncio.gather(*sent)


async def test_without_an_engine_that_is_heard_nothing_is_sent(redis: RedisProcess) -> None:
    async with reading(redis) as rig, writing(redis) as gateway:
        gateway.is_heard = False
        with pytest.raises(EngineStalled):
            gateway.port.submit(command(1))
        gateway.is_heard = True
        gateway.port.lead("another life")
        with pytest.raises(EngineClosed):
            await gateway.port.submit(command(2))
        gateway.port.lead(LIFE)
        await gateway.port.submit(command(3))
        assert rig.engine.numbers == [3]


async def test_without_redis_nothing_is_sent(redis: RedisProcess) -> None:
    async with reading(redis) as rig, writing(redis) as gateway:
        redis.kill()
        await until(lambda: not gateway.port.is_open)
        with pytest.raises(EngineAway):
            gateway.port.submit(command(1))
        redis.start()
        await until(lambda: gateway.port.is_open)
        async with asyncio.timeout(30):
            while True:
                try:
                    await gateway.port.submit(command(2))
                    break
                except EngineClosed:  # its engine hasn't made it anew yet
                    await asyncio.sleep(0.05)
        assert rig.engine.numbers == [2]


async def test_what_redis_refuses_to_enter_is_told_as_not_taken_at_once(
    redis: RedisProcess,
) -> None:
    """As one whose memory is used up."""
    async with reading(redis) as rig, writing(redis) as gateway:
        assert redis.command("CONFIG", "SET", "maxmemory", "1") == b"+OK\r\n"
        sent = [gateway.port.submit(command(number)) for number in (1, 2)]
        async with asyncio.timeout(3):
            for one in sent:
                with pytest.raises(EngineAway):
                    await one
        assert redis.command("CONFIG", "SET", "maxmemory", "0") == b"+OK\r\n"
        await until(lambda: gateway.port.is_open)
        await gateway.port.submit(command(3))
        assert rig.engine.numbers == [3]
        assert "unanswered" not in gateway.notes.counts


async def test_a_right_that_ended_before_it_was_sent_ends_the_command(redis: RedisProcess) -> None:
    class Ended:
        def refusal(self) -> Exception | None:
            return EngineAway("the key was revoked")

    async with reading(redis) as rig, writing(redis) as gateway:
        with acting_by(Ended()):
            answered = gateway.port.submit(command(1))
        with pytest.raises(EngineAway, match="revoked"):
            await answered
        assert not rig.engine.taken


async def test_a_right_that_ends_on_the_way_calls_nothing_back_before_the_deadline(
    redis: RedisProcess,
) -> None:
    """The engine asks of what came from elsewhere whether its time is over, and nothing else."""

    class Key:
        is_over = False

        def refusal(self) -> Exception | None:
            return EngineAway("the key was revoked") if self.is_over else None

    key = Key()
    async with reading(redis) as rig, writing(redis) as gateway:
        rig.engine.is_held = True
        with acting_by(key):
            answered = gateway.port.submit(command(1))
        await until(lambda: rig.engine.taken)
        key.is_over = True
        (right,) = rig.engine.rights
        assert isinstance(right, Arrived)
        assert right.refusal() is None
        rig.engine.answer(0)
        await answered


async def test_an_answer_that_does_not_come_is_unknown_and_nothing_is_sent_again(
    redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_writer, "_GRACE_S", 0.1)
    async with reading(redis) as rig, writing(redis, lives_s=0.3) as gateway:
        rig.engine.is_held = True
        answered = gateway.port.submit(command(1))
        with pytest.raises(OutcomeUnknown):
            await answered
        rig.engine.answer(0)  # too late
        rig.engine.is_held = False
        await gateway.port.submit(command(2))
        assert rig.engine.numbers == [1, 2]
        assert gateway.notes.counts["unanswered"] == 1


async def test_what_an_engine_never_took_is_told_when_its_life_has_ended(
    redis: RedisProcess,
) -> None:
    async with reading(redis) as rig, writing(redis) as gateway:
        rig.engine.is_held = True
        sent = [gateway.port.submit(alone(number)) for number in range(3)]
        await until(lambda: len(rig.engine.taken) == 3)
        await until(lambda: all(one.place for one in gateway.port._pending))
        gateway.port.life_ended("another life", (0, 0))
        assert not any(one.done() for one in sent)
        gateway.port.life_ended(LIFE, rig.engine.place(1))
        results = await asyncio.gather(*sent, return_exceptions=True)
        assert [type(one) for one in results] == [OutcomeUnknown, OutcomeUnknown, CommandNotTaken]


async def test_of_an_entry_that_was_reached_in_part_all_is_unknown(redis: RedisProcess) -> None:
    async with reading(redis) as rig, writing(redis) as gateway:
        rig.engine.is_held = True
        sent = [gateway.port.submit(command(number)) for number in range(3)]
        await until(lambda: len(rig.engine.taken) == 3)
        await until(lambda: all(one.place for one in gateway.port._pending))
        assert rig.engine.place(0) == rig.engine.place(2)
        rig.engine.answer(1)
        await sent[1]
        gateway.port.life_ended(LIFE, rig.engine.place(0))
        for one in (sent[0], sent[2]):
            with pytest.raises(OutcomeUnknown):
                await one


async def test_of_a_life_that_nobody_knows_all_is_unknown(redis: RedisProcess) -> None:
    async with reading(redis) as rig, writing(redis) as gateway:
        rig.engine.is_held = True
        answered = gateway.port.submit(command(1))
        await until(lambda: rig.engine.taken)
        gateway.port.life_ended(LIFE, None)
        with pytest.raises(OutcomeUnknown):
            await answered


async def test_an_engine_that_ends_takes_its_stream_away(redis: RedisProcess) -> None:
    async with writing(redis) as gateway:
        async with reading(redis) as rig:
            await gateway.port.submit(command(1))
            client = rig.client
            assert await client.exists(STREAM.name)
        with pytest.raises(EngineClosed):
            await gateway.port.submit(command(2))


async def test_a_gateway_that_ends_waits_for_what_it_sent(redis: RedisProcess) -> None:
    async with reading(redis) as rig:
        rig.engine.is_held = True
        async with writing(redis) as gateway:
            answered = gateway.port.submit(command(1))
            await until(lambda: rig.engine.taken)
            ending = asyncio.create_task(gateway.port.stop())
            await until(lambda: not gateway.port.is_open)
            with pytest.raises(EngineClosed):
                gateway.port.submit(command(2))
            assert not ending.done()
            rig.engine.answer(0)
            await ending
            assert isinstance(answered.result(), Answer)


async def test_a_fault_of_ours_ends_neither_the_hearing_nor_the_deadlines(
    redis: RedisProcess, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with reading(redis) as rig, writing(redis, lives_s=0.5) as gateway:
        pending = gateway.port._pending
        for name in ("answered", "expire"):
            is_done, kept = asyncio.Event(), getattr(pending, name)

            def fail(*known: object, done: asyncio.Event = is_done, kept: Any = kept) -> None:
                if not done.is_set():
                    done.set()
                    raise KeyError("nobody has thought of it")
                kept(*known)

            monkeypatch.setattr(pending, name, fail)
        lost = gateway.port.submit(command(1))
        await until(lambda: rig.engine.taken)
        assert (await gateway.port.submit(command(2))).seq == 2
        with pytest.raises(OutcomeUnknown):
            await lost
        assert "failed: begun again" in caplog.text


async def test_who_begins_waits_for_the_stream_but_not_for_ever(redis: RedisProcess) -> None:
    rig = Rig(redis)
    redis.freeze()
    rig.reader.start()
    await rig.reader.begun(0.05)
    redis.thaw()
    await rig.reader.begun(60)
    assert await rig.client.exists(STREAM.name)
    await rig.reader.stop()
    await rig.client.aclose()
