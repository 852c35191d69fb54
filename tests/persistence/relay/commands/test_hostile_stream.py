"""A stream that strangers write to, that is lost, and that an older copy of is put back."""

import asyncio
from typing import Any

import pytest

from exchange.messages.commands import EndLease
from exchange.model.state import State
from persistence.clock import now_us
from persistence.loop.ports import Answer
from persistence.relay.commands.messages import (
    PARCEL_BYTES,
    PARCEL_COMMANDS,
    Answers,
    Done,
    Parcel,
    Sent,
    answer_channel,
    command_stream,
)
from tests.persistence.relay.commands.ends import (
    IDENTITY,
    LIFE,
    SECRET,
    STREAM,
    Rig,
    command,
    reading,
    writing,
)
from tests.redis_process import RedisProcess
from tests.server_process import until

LATER = 1 << 60
SENT = Sent(1, LATER, command(7))
PARCEL = Parcel(b"s" * 16, [SENT])
GOOD = STREAM.seal(PARCEL)
ELSEWHERE = command_stream(IDENTITY, "another life", SECRET)
LIES = {
    "nothing": b"",
    "nonsense": b"nonsense",
    "cut": GOOD[:-1],
    "changed": GOOD[:-1] + bytes([GOOD[-1] ^ 1]),
    "another life's": ELSEWHERE.seal(PARCEL),
    "another secret's": command_stream(IDENTITY, LIFE, bytes(32)).seal(PARCEL),
    "no command": STREAM.seal(["a", 1]),  # type: ignore[arg-type]
    "a short name": STREAM.seal(Parcel(b"s", [SENT])),
    "the number 0": STREAM.seal(Parcel(b"s" * 16, [Sent(0, LATER, command(7))])),
    "a timer": STREAM.seal(Parcel(b"s" * 16, [SENT, Sent(2, LATER, EndLease(1))])),
    "empty": STREAM.seal(Parcel(b"s" * 16, [])),
    "too many": STREAM.seal(Parcel(b"s" * 16, [SENT] * (PARCEL_COMMANDS + 1))),
    "too long": GOOD + bytes(PARCEL_BYTES),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
async def test_what_no_gateway_sealed_is_passed_over(redis: RedisProcess, lie: bytes) -> None:
    async with reading(redis) as rig:
        await rig.put(lie)
        await rig.put(lie, field=b"x")
        await rig.put(rig.sent(1))
        await until(lambda: rig.engine.taken)
        assert rig.engine.numbers == [1]
        assert rig.notes.counts["garbled"] == 2


async def test_what_is_shown_again_is_not_executed_again(redis: RedisProcess) -> None:
    async with reading(redis) as rig:
        first, second = rig.sent(1), rig.sent(2)
        for entry in (first, second, first, second, rig.sent(5), rig.sent(4), rig.sent(6)):
            await rig.put(entry)
        await rig.put(rig.sent(1, b"t" * 16))
        await until(lambda: len(rig.engine.taken) == 5)
        assert rig.engine.numbers == [1, 2, 5, 6, 1]
        assert rig.notes.counts["repeated"] == 3


async def test_an_answer_that_is_shown_again_is_told_once(redis: RedisProcess) -> None:
    """Whoever reads the channel can say it again, before the view has what it tells."""
    async with reading(redis) as rig, writing(redis) as gateway:
        gateway.view.seq = 0
        sender = gateway.port._sender
        again = answer_channel(IDENTITY, sender, SECRET)
        sent = [gateway.port.submit(command(number)) for number in range(2)]
        await until(lambda: len(gateway.port._pending._early) == 2)
        told = [Done(number, Answer(number, 1, [], number, 0)) for number in (1, 2, 1)]
        for _ in range(3):
            await rig.client.publish(again.name, again.seal(Answers([*told])))
        # Behind what was said again, so that it has been heard.
        sent.append(gateway.port.submit(command(2)))
        await until(lambda: len(gateway.port._pending._early) == 3)
        gateway.port.on_reload(State(seq=3))
        assert [answer.seq for answer in await asyncio.gather(*sent)] == [1, 2, 3]


async def test_past_its_deadline_a_command_is_not_executed(redis: RedisProcess) -> None:
    async with reading(redis) as rig:
        await rig.put(rig.sent(1, deadline=now_us() - 1))
        await rig.put(rig.sent(2))
        await until(lambda: rig.engine.taken)
        assert rig.engine.numbers == [2]
        right: Any = rig.engine.rights[0]
        assert right.refusal() is None
        right._deadline = now_us() - 1
        assert "time was over" in str(right.refusal())


async def test_a_flushed_stream_is_made_anew_beyond_what_was_read(redis: RedisProcess) -> None:
    async with reading(redis) as rig, writing(redis) as gateway:
        await gateway.port.submit(command(1))
        before = rig.engine.place(0)
        redis.command("FLUSHALL")
        await until(lambda: rig.notes.counts["made"] == 2)
        await gateway.port.submit(command(2))
        assert rig.engine.numbers == [1, 2]
        assert rig.engine.place(1) > before


async def _restored(rig: Rig, entries: list[bytes], last: int) -> None:
    """Put a copy of the stream back as it was long ago, in one step."""
    pipe = rig.client.pipeline(transaction=True)
    pipe.delete(STREAM.name)
    for number, entry in enumerate(entries, start=1):
        pipe.xadd(STREAM.name, {b"c": entry}, id=f"{last}-{number}")
    await pipe.execute()


async def test_ids_that_go_back_are_neither_skipped_nor_executed_again(redis: RedisProcess) -> None:
    async with reading(redis) as rig, writing(redis) as gateway:
        known = [rig.sent(1), rig.sent(2)]
        for entry in known:
            await rig.put(entry)
        await until(lambda: len(rig.engine.taken) == 2)
        # The copy holds what was executed, and behind it what came since it was put back.
        await _restored(rig, [*known, rig.sent(3)], last=5)
        await until(lambda: len(rig.engine.taken) == 3)
        assert rig.engine.numbers == [1, 2, 3]
        assert rig.notes.counts["went back"] == 1
        # From here on ids are beyond all that were ever seen.
        await gateway.port.submit(command(4))
        assert rig.engine.numbers == [1, 2, 3, 4]
        assert rig.engine.place(3) > rig.engine.place(1) > rig.engine.place(2)
        assert rig.notes.counts["repeated"] == 2


async def test_what_an_older_copy_brought_stays_until_it_is_answered(redis: RedisProcess) -> None:
    """Though its place is below that of what was read before and isn't answered either."""
    async with reading(redis) as rig:
        rig.engine.is_held = True
        known = rig.sent(1)
        await rig.put(known)
        await until(lambda: rig.engine.taken)
        await _restored(rig, [known, rig.sent(2)], last=5)
        await until(lambda: len(rig.engine.taken) == 2)
        for _ in range(2):  # behind the second look the first one has trimmed
            looked_at = rig.reader._looked_at
            await until(lambda: rig.reader._looked_at > looked_at)  # noqa: B023
        found: Any = await rig.client.xrange(STREAM.name, max="5-9")
        assert [entry for entry, _ in found] == [b"5-2"]
        for number in range(2):
            rig.engine.answer(number)
        await until(lambda: rig.redis.command("XLEN", STREAM.name) == b":0\r\n")


async def test_a_sender_that_is_silent_for_long_is_forgotten(
    redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("persistence.relay.commands.reader._SENDERS", 4)
    async with reading(redis) as rig:
        for number in range(10):
            await rig.put(rig.sent(1, bytes([number]) * 16))
        await until(lambda: len(rig.engine.taken) == 10)
        assert len(rig.reader._numbers) == 4


async def test_a_stream_without_its_engine_goes_by_itself(redis: RedisProcess) -> None:
    async with reading(redis) as rig:
        assert 0 < await rig.client.ttl(STREAM.name) <= 60
