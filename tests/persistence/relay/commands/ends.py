"""Both ends of a stream of commands over a real Redis, and an engine that does as it is told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from exchange.messages.commands import CancelAll, Command, OpenAccount
from exchange.model.state import State
from persistence.clock import now_us
from persistence.loop.authority import Arrived, Authority, current_authority
from persistence.loop.ports import Answer
from persistence.relay.commands.answering import Answering
from persistence.relay.commands.messages import Parcel, Sent, answer_channel, command_stream
from persistence.relay.commands.observer import CommandsObserver
from persistence.relay.commands.reader import CommandReader
from persistence.relay.commands.shared_clock import SharedClock
from persistence.relay.commands.writer import StreamCommands
from persistence.relay.messages import make_shared_client
from tests.redis_process import RedisProcess
from tests.server_process import until

if TYPE_CHECKING:
    from redis.asyncio import Redis

SECRET = bytes(range(32))
IDENTITY, LIFE = "a-database", "an engine's life"
STREAM = command_stream(IDENTITY, LIFE, SECRET)


def command(number: int) -> CancelAll:
    """A command that can be told from others."""
    return CancelAll(number, None)


def alone(number: int) -> OpenAccount:
    """One that has an entry of its own."""
    return OpenAccount(number, 0)


class Notes(CommandsObserver):
    """Counts what an end says."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def _count(self, name: str, by: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + by

    def connected(self, is_connected: bool, reason: str) -> None:
        self._count("connected" if is_connected else "lost")

    def arrived(self) -> None:
        self._count("arrived")

    def garbled(self) -> None:
        self._count("garbled")

    def repeated(self) -> None:
        self._count("repeated")

    def made(self) -> None:
        self._count("made")

    def went_back(self) -> None:
        self._count("went back")

    def untold(self, answers: int) -> None:
        self._count("untold", answers)

    def sent(self, commands: int) -> None:
        self._count("sent", commands)

    def unanswered(self) -> None:
        self._count("unanswered")


class Engine:
    """A `CommandPort` that takes everything, and answers at once unless it is held."""

    is_open = True

    def __init__(self) -> None:
        self.taken: list[Command] = []
        self.rights: list[Authority | None] = []
        self.futures: list[asyncio.Future[Answer]] = []
        self.is_held = False
        self.refusal: Exception | None = None
        self.seq = 0

    def submit(self, given: Command) -> "asyncio.Future[Answer]":
        if self.refusal is not None:
            raise self.refusal
        self.taken.append(given)
        self.rights.append(current_authority())
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.futures.append(future)
        if not self.is_held:
            self.answer(len(self.futures) - 1)
        return future

    def answer(self, number: int) -> None:
        self.seq += 1
        self.futures[number].set_result(Answer(self.seq, 1, [], number, 0))

    @property
    def numbers(self) -> list[int]:
        """Whose commands were taken, in order."""
        return [one.account_id for one in self.taken]

    def place(self, number: int) -> tuple[int, int]:
        right = self.rights[number]
        assert isinstance(right, Arrived)
        return right.place


class Rig:
    """One engine's reader."""

    def __init__(self, redis: RedisProcess) -> None:
        self.redis = redis
        self.engine = Engine()
        self.notes = Notes()
        self.client: Redis = make_shared_client(redis.url, connections=5)
        self.answering = Answering(
            redis.url,
            lambda sender: answer_channel(IDENTITY, sender, SECRET),
            self.notes,
        )
        self.reader = CommandReader(
            redis.url, STREAM, self.answering, self.engine, now_us, self.notes
        )

    async def length(self) -> int:
        found: int = await self.client.xlen(STREAM.name)
        return found

    async def put(self, sealed: bytes, field: bytes = b"c") -> None:
        """Put an entry into the stream as a stranger would."""
        await self.client.xadd(STREAM.name, {field: sealed})

    def sent(self, number: int, sender: bytes = b"s" * 16, **changes: Any) -> bytes:
        """A sealed command of a sender."""
        deadline = changes.get("deadline", now_us() + 60_000_000)
        return STREAM.seal(Parcel(sender, [Sent(number, deadline, command(number))]))


@contextlib.asynccontextmanager
async def reading(redis: RedisProcess) -> AsyncIterator[Rig]:
    """An engine that reads its stream."""
    rig = Rig(redis)
    rig.answering.start()
    rig.reader.start()
    await until(lambda: rig.notes.counts.get("connected"))
    try:
        yield rig
    finally:
        await rig.reader.stop()
        await rig.answering.stop()
        await rig.client.aclose()


class Gateway:
    """One sender, and the view that its answers wait for."""

    def __init__(self, redis: RedisProcess, **options: Any) -> None:
        self.view = State()
        self.view.seq = 1 << 40
        self.notes = Notes()
        self.is_heard = True
        self.clock = SharedClock(_clock)
        self.port = StreamCommands(
            redis.url,
            IDENTITY,
            SECRET,
            self.view,
            self.clock,
            lambda: self.is_heard,
            observer=self.notes,
            **options,
        )
        self.port.lead(LIFE)


async def _clock() -> int:
    return now_us()


@contextlib.asynccontextmanager
async def writing(redis: RedisProcess, **options: Any) -> AsyncIterator[Gateway]:
    """A gateway that may send."""
    gateway = Gateway(redis, **options)
    await gateway.clock.read()
    gateway.port.start()
    await until(lambda: gateway.port.is_open)
    try:
        yield gateway
    finally:
        await gateway.port.stop()
