"""The two ends of the fan-out over a real Redis that goes away, freezes and tells lies."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest

from persistence.journal.rows import JournalRow
from persistence.relay import publisher as redis_publisher
from persistence.relay import subscriber as redis_subscriber
from persistence.relay.channel import Channel
from persistence.relay.messages import Beat, BusMessage, BusObserver, Rows, make_client
from persistence.relay.publisher import RedisPublisher
from persistence.relay.subscriber import RedisSubscriber
from tests.faults.proxy.fault_line import FaultLine
from tests.persistence.running import until
from tests.redis_process import RedisProcess

SECRET = bytes(range(32))
HERE, ELSEWHERE = Channel("a-database", SECRET), Channel("another-database", SECRET)
STREAM, TIME = "an engine's", 1_700_000_000_000_000


async def clock() -> int:
    return TIME


def beat(newest: int, last_seq: int, hash_: bytes) -> Beat:
    return Beat(STREAM, TIME, newest, last_seq, hash_)


class Notes(BusObserver):
    """Keeps what an end says of its transport."""

    def __init__(self) -> None:
        self.connections: list[tuple[bool, str]] = []
        self.engines: list[bool] = []
        self.strange = 0
        self.rows: dict[str, int] = {"published": 0, "dropped": 0}

    def connected(self, is_connected: bool, reason: str) -> None:
        self.connections.append((is_connected, reason))

    def engine_heard(self, is_heard: bool) -> None:
        self.engines.append(is_heard)

    def garbled(self) -> None:
        self.strange += 1

    def published(self, rows: int) -> None:
        self.rows["published"] += rows

    def dropped(self, rows: int) -> None:
        self.rows["dropped"] += rows

    @property
    def is_connected(self) -> bool:
        return bool(self.connections) and self.connections[-1][0]


def row(seq: int, size: int = 10) -> JournalRow:
    return JournalRow(seq, seq, 3, 1_000 + seq, 1, bytes(size), b"before", b"after %d" % seq)


def rows(newest: int, *sent: JournalRow) -> Rows:
    return Rows(STREAM, TIME, newest, list(sent))


@contextlib.asynccontextmanager
async def publishing(
    redis: RedisProcess, channel: Channel = HERE
) -> AsyncIterator[tuple[RedisPublisher, Notes]]:
    """A publisher that stands at 0."""
    notes = Notes()
    publisher = RedisPublisher(redis.url, channel, STREAM, (0, b"genesis"), clock, notes)
    publisher.start()
    try:
        yield publisher, notes
    finally:
        started = time.monotonic()
        await publisher.stop()
        assert time.monotonic() - started < 5


@contextlib.asynccontextmanager
async def subscribed(
    redis: RedisProcess, channel: Channel = HERE
) -> AsyncIterator[tuple[RedisSubscriber[BusMessage], Notes]]:
    """A subscriber that Redis knows of, if it is there."""
    notes = Notes()
    subscriber = RedisSubscriber(redis.url, channel, notes)
    with contextlib.suppress(OSError):
        await subscriber._subscribe()
        await until(lambda: b":1" in redis.command("PUBSUB", "NUMSUB", channel.name))
    try:
        yield subscriber, notes
    finally:
        await subscriber.close()


async def next_of(subscriber: RedisSubscriber[BusMessage], kind: type[BusMessage]) -> BusMessage:
    """Return the next message of a kind."""
    async with asyncio.timeout(30):
        while True:
            message = await subscriber.receive()
            if isinstance(message, kind):
                return message


async def rows_until(subscriber: RedisSubscriber[BusMessage], last_seq: int) -> list[JournalRow]:
    """Return the rows heard up to one."""
    found: list[JournalRow] = []
    while not found or found[-1].last_seq < last_seq:
        message = await next_of(subscriber, Rows)
        assert isinstance(message, Rows)
        found += message.rows
    return found


async def beat_of(subscriber: RedisSubscriber[BusMessage], last_seq: int) -> Beat:
    """Wait for a beat that stands somewhere."""
    async with asyncio.timeout(30):
        while True:
            message = await next_of(subscriber, Beat)
            assert isinstance(message, Beat)
            if message.last_seq == last_seq:
                return message


async def test_rows_and_beats_arrive_as_they_were_sent(redis: RedisProcess) -> None:
    async with subscribed(redis) as (subscriber, heard), publishing(redis) as (publisher, notes):
        assert await beat_of(subscriber, 0) == beat(0, 0, b"genesis")
        sent = [row(seq, size=seq * 1_000) for seq in range(1, 200)]
        for one in sent:
            publisher.on_batch(one)
        assert await rows_until(subscriber, 199) == sent
        assert await beat_of(subscriber, 199) == beat(199, 199, b"after 199")
        assert (heard.connections, notes.connections) == ([(True, "")], [(True, "")])
        assert notes.rows == {"published": 199, "dropped": 0}


async def test_a_local_socket_does_as_well(redis: RedisProcess) -> None:
    redis.kill()
    redis.start(is_local=True)
    subscriber = RedisSubscriber(redis.local_url, HERE)
    await subscriber._subscribe()
    publisher = RedisPublisher(redis.local_url, HERE, STREAM, (0, b"genesis"), clock)
    publisher.start()
    assert await beat_of(subscriber, 0) == beat(0, 0, b"genesis")
    await publisher.stop()
    await subscriber.close()


async def test_a_row_larger_than_a_message_goes_alone(
    redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_publisher, "MESSAGE_BYTES", 100)
    async with subscribed(redis) as (subscriber, _), publishing(redis) as (publisher, notes):
        await until(lambda: notes.is_connected)
        sent = [row(1, 40), row(2, 40), row(3, 40), row(4, 5_000), row(5, 1)]
        for one in sent:
            publisher.on_batch(one)
        messages = [await next_of(subscriber, Rows) for _ in range(4)]
        assert messages == [rows(5, *part) for part in (sent[:2], sent[2:3], sent[3:4], sent[4:])]


async def test_two_exchanges_share_a_redis(redis: RedisProcess) -> None:
    async with (
        subscribed(redis) as (here, _),
        publishing(redis, ELSEWHERE) as (other, others),
        publishing(redis) as (publisher, notes),
    ):
        await until(lambda: notes.is_connected and others.is_connected)
        other.on_batch(row(7))
        publisher.on_batch(row(1))
        assert await next_of(here, Rows) == rows(1, row(1))


async def test_nothing_is_kept_for_a_redis_that_is_away(redis: RedisProcess) -> None:
    redis.kill()
    async with publishing(redis) as (publisher, notes):
        for seq in range(1, 1_001):
            publisher.on_batch(row(seq))
        assert (len(publisher._rows), notes.rows["dropped"]) == (0, 1_000)
        redis.start()
        async with subscribed(redis) as (subscriber, _):
            await until(lambda: notes.is_connected)
            assert await beat_of(subscriber, 1_000) == beat(1_000, 1_000, b"after 1000")
            publisher.on_batch(row(1_001))
            assert await next_of(subscriber, Rows) == rows(1_001, row(1_001))


async def test_a_frozen_redis_bounds_what_waits_and_holds_nobody_up(
    redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_publisher, "BUFFER_ROWS", 10)
    async with publishing(redis) as (publisher, notes):
        await until(lambda: notes.is_connected)
        redis.freeze()
        started = time.monotonic()
        for seq in range(1, 501):
            publisher.on_batch(row(seq))
            assert len(publisher._rows) <= 10
            if seq % 50 == 0:
                await asyncio.sleep(0)
        assert time.monotonic() - started < 1
        assert notes.rows["dropped"] > 400
        await until(lambda: not notes.is_connected)
        assert "127.0.0.1" in notes.connections[-1][1]
        assert redis.url not in notes.connections[-1][1]
        publisher.on_batch(row(501, 5_000_000))
        assert publisher._bytes == 0
        redis.thaw()
        async with subscribed(redis) as (subscriber, _):
            assert (await beat_of(subscriber, 501)).hash == b"after 501"


async def test_a_publisher_stops_in_time_while_redis_is_frozen(redis: RedisProcess) -> None:
    async with publishing(redis) as (publisher, notes):
        await until(lambda: notes.is_connected)
        redis.freeze()
        publisher.on_batch(row(1))


async def test_what_waits_is_sent_before_the_end(redis: RedisProcess) -> None:
    async with subscribed(redis) as (subscriber, _):
        async with publishing(redis) as (publisher, notes):
            await until(lambda: notes.is_connected)
            publisher.on_batch(row(1))
        assert await next_of(subscriber, Rows) == rows(1, row(1))


async def test_a_silent_peer_is_given_up_and_found_again(redis: RedisProcess) -> None:
    async with publishing(redis) as (_, notes), subscribed(redis) as (subscriber, heard):
        await beat_of(subscriber, 0)
        redis.freeze()
        async with asyncio.timeout(30):
            while heard.is_connected:
                await subscriber.receive()
        assert heard.connections[-1] == (False, "silence")
        redis.thaw()
        await beat_of(subscriber, 0)
        assert heard.connections[-1] == (True, "")
        await until(lambda: notes.is_connected)


async def test_a_subscription_that_redis_has_not_heard_of_is_made_anew(redis: RedisProcess) -> None:
    """It answers each PING on that connection all the same."""
    with FaultLine(("127.0.0.1", redis.port)) as line:
        notes = Notes()
        subscriber = RedisSubscriber(f"redis://127.0.0.1:{line.port}/0", HERE, notes)
        line.lose(down=False)
        await subscriber._subscribe()
        # Our word for it is on its way by now, and lost.
        await until(lambda: bool(line.connections(b"SUBSCRIBE")))
        line.heal()
        async with publishing(redis):
            await next_of(subscriber, Beat)
        await subscriber.close()
        assert [is_connected for is_connected, _ in notes.connections] == [False, True]


async def test_a_reader_is_told_of_a_redis_that_is_away(redis: RedisProcess) -> None:
    async with publishing(redis), subscribed(redis) as (subscriber, heard):
        await beat_of(subscriber, 0)
        redis.kill()
        async with asyncio.timeout(30):
            while heard.is_connected:
                await subscriber.receive()
        assert "Connection" in heard.connections[-1][1]
        assert await subscriber.receive() is None
        redis.start()
        await beat_of(subscriber, 0)


LIES = [
    b"",
    b"nonsense",
    b"\x92\xa4beat\x01",
    b"\x93\xa4what\x01\x02",
    b"\x92\xa4\xff\xff\xff\xff\x90",
    b"\x92\xa4rows\x90",
    b"\x91" * 1_110,
    HERE.seal(beat(7, 7, b"7"))[:-1],
    HERE.seal(beat(7, 7, b"7"))[1:],
    ELSEWHERE.seal(beat(7, 7, b"7")),
    Channel("a-database", bytes(32)).seal(beat(7, 7, b"7")),
]


@pytest.mark.parametrize("lie", LIES)
async def test_what_no_engine_says_is_counted_and_no_error(redis: RedisProcess, lie: bytes) -> None:
    async with subscribed(redis) as (subscriber, heard):
        client = make_client(redis.url)
        await client.publish(HERE.name, lie)
        await client.publish(HERE.name, HERE.seal(beat(8, 8, b"8")))
        assert await subscriber.receive() == beat(8, 8, b"8")
        await client.aclose()
        assert heard.strange == 1
        assert subscriber._pubsub is not None


async def test_a_flood_of_lies_asks_nothing_and_lets_others_work(redis: RedisProcess) -> None:
    async with subscribed(redis) as (subscriber, heard):
        client = make_client(redis.url)
        pipe = client.pipeline(transaction=False)
        for _ in range(5_000):
            pipe.publish(HERE.name, b"x")
        pipe.publish(HERE.name, HERE.seal(beat(8, 8, b"8")))
        await pipe.execute()
        await client.aclose()
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        beside = asyncio.create_task(others())
        # One call takes them all: its caller, who asks the database for None, hears of none.
        assert await next_of(subscriber, Beat) == beat(8, 8, b"8")
        beside.cancel()
        assert heard.strange == 5_000
        assert turns >= 5_000 // 32


async def test_a_redis_without_an_engine_is_told_apart_from_no_redis(redis: RedisProcess) -> None:
    async with subscribed(redis) as (subscriber, heard):
        async with asyncio.timeout(30):
            while not heard.engines:
                assert await subscriber.receive() is None
        assert (heard.connections, heard.engines) == ([(True, "")], [False])
        async with publishing(redis):
            await beat_of(subscriber, 0)
        assert (heard.connections, heard.engines) == ([(True, "")], [False, True])


async def test_time_grows_old_while_the_database_cannot_be_asked(redis: RedisProcess) -> None:
    answers: list[int | Exception] = [1, ConnectionRefusedError(), TypeError("ours"), 2]

    async def told() -> int:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with subscribed(redis) as (subscriber, _):
        publisher = RedisPublisher(redis.url, HERE, STREAM, (0, b""), told)
        publisher.start()
        said = []
        async with asyncio.timeout(60):
            while 2 not in said:
                found = await next_of(subscriber, Beat)
                assert isinstance(found, Beat)
                said.append(found.said_at)
        await publisher.stop()
    assert said == sorted(said)
    assert said.count(1) >= 2


async def test_waiting_has_an_end(redis: RedisProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_subscriber, "WAIT_S", 0.05)
    async with subscribed(redis) as (subscriber, _):
        async with asyncio.timeout(30):
            assert await subscriber.receive() is None


async def test_a_redis_that_refuses_us_is_said_without_the_password(redis: RedisProcess) -> None:
    redis.command("CONFIG", "SET", "requirepass", "swordfish")
    notes = Notes()
    url = redis.url.replace("//", "//:hunter22@")
    publisher = RedisPublisher(url, HERE, STREAM, (0, b""), clock, notes)
    publisher.start()
    subscriber = RedisSubscriber(url, HERE, notes)
    assert await subscriber.receive() is None
    await publisher.stop()
    await subscriber.close()
    assert [is_connected for is_connected, _ in notes.connections] == [False, False]
    assert "hunter22" not in str(notes.connections)
