"""A gateway's end: a `CommandPort` whose engine is in another process.

::

    submit ─> number, deadline, seal ─> XADD to the stream of the engine that leads
    answer <─ view has it <─ this sender's channel

Laws: commands go out in the order in which they were submitted, over one connection; Redis takes
one only into a stream that its engine has made, and only within the bound, else it is refused and
nothing happened. What may have gone out is never sent again: without an answer in time it is
unknown. Whether there is an engine to send to is the database's and the feed's to say (`lead`,
`is_heard`), never the stream's.
"""

import asyncio
import logging
import math
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Final

import msgspec
from redis.exceptions import ResponseError

from exchange.messages.commands import (
    AmendOrder,
    CancelAll,
    CancelOrder,
    Command,
    EndSession,
    PlaceOrder,
    RenewLease,
)
from exchange.messages.execution import Execution
from exchange.model.state import State
from persistence.clock import MICROSECONDS
from persistence.errors import EngineAway, EngineClosed, EngineStalled, OutcomeUnknown, QueueFull
from persistence.loop.authority import Authority, Place, current_authority
from persistence.loop.command_queue import QUEUE_COMMANDS, refuse_unstorable_text
from persistence.loop.ports import Answer
from persistence.loop.stall import COMMIT_TIMEOUT_S
from persistence.relay.channel import Sealed
from persistence.relay.commands.adding import Adding
from persistence.relay.commands.messages import (
    PARCEL_BYTES,
    PARCEL_COMMANDS,
    SENDER_BYTES,
    SPACING_S,
    STREAM_ENTRIES,
    Done,
    NotTaken,
    Parcel,
    Sent,
    answer_channel,
    command_stream,
    error_of,
    place_of,
)
from persistence.relay.commands.observer import CommandsObserver
from persistence.relay.commands.pending import Pending, PendingCommands
from persistence.relay.commands.shared_clock import SharedClock
from persistence.relay.messages import (
    COMMAND_TIMEOUT_S,
    FAILURES,
    RETRY_S,
    BusObserver,
    make_client,
    reason_of,
)
from persistence.relay.publisher import SAID_S
from persistence.relay.subscriber import RedisSubscriber

if TYPE_CHECKING:
    from redis.asyncio import Redis

_LOG: Final = logging.getLogger(__name__)

_PARCELS: Final = 8
"""Entries that go to Redis at once."""
_SHORT: Final = (PlaceOrder, CancelOrder, AmendOrder, CancelAll, RenewLease, EndSession)
_GRACE_S: Final = 2 * COMMAND_TIMEOUT_S
"""So much later than the engine may still execute it an unanswered command is called unknown."""
_LOOK_S: Final = 0.1


class _Waiting(msgspec.Struct, frozen=True):
    """A command that isn't sent yet, and by what right it was given."""

    pending: Pending
    sent: Sent
    authority: Authority | None


class StreamCommands:
    """The way in of a process without an engine; implements `ports.CommandPort` and
    `ports.ExecutionListener`.
    """

    def __init__(
        self,
        url: str,
        identity: str,
        secret: bytes,
        view: State,
        clock: SharedClock,
        is_heard: Callable[[], bool],
        *,
        lives_s: float = COMMIT_TIMEOUT_S,
        bound: int = QUEUE_COMMANDS,
        stream_bound: int = STREAM_ENTRIES,
        observer: CommandsObserver | None = None,
    ) -> None:
        """Send to the engine of the database `identity`, whoever leads it (`lead`).

        Args:
            url: of Redis.
            identity: as `looks.identity_of` gives it.
            secret: what the exchange's processes share.
            view: this process's; answers wait until it holds what they tell.
            clock: the database's; reading it is the caller's.
            is_heard: says whether the engine that leads was heard lately.
            lives_s: so long after it was given the engine may begin to execute a command.
            bound: the most commands that this process has under way.
            stream_bound: the most entries in the stream, over all processes.
            observer: told of how it goes.
        """
        self._url = url
        self._identity = identity
        self._secret = secret
        self.clock: Final = clock
        self._is_heard = is_heard
        self._lives_s = lives_s
        self._bound = bound
        self._stream_bound = stream_bound
        self._observer = observer or CommandsObserver()
        self._loop = asyncio.get_running_loop()
        self._sender = secrets.token_bytes(SENDER_BYTES)
        self._number = 0
        self._pending = PendingCommands(view, self._observer.unanswered)
        self._outgoing: deque[_Waiting] = deque()
        self._stream: Sealed[Parcel] | None = None
        self._life: str | None = None
        self._is_connected = False
        self._noted: bool | None = None
        self._closing = False
        self._said_at = -math.inf
        self._news = asyncio.Event()
        self._ear = _Ear()
        self._answers = RedisSubscriber(
            url, answer_channel(identity, self._sender, secret), self._ear
        )
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def is_open(self) -> bool:
        """Whether commands are taken: an engine leads and is heard, and Redis answers."""
        return self._why_not() is None

    def submit(self, command: Command) -> "asyncio.Future[Answer]":
        """Send a command; see `ports.CommandPort`.

        Raises:
            ValueError: a text in it can't be encoded; the edge should have refused it.
        """
        why_not = self._why_not()
        if why_not is not None:
            raise why_not
        if len(self._pending) >= self._bound:
            raise QueueFull(f"{self._bound} commands are under way")
        refuse_unstorable_text(command)
        self._number += 1
        future: asyncio.Future[Answer] = self._loop.create_future()
        until = self._loop.time() + self._lives_s + _GRACE_S
        pending = Pending(self._number, future, until)
        deadline = self.clock.earliest() + int(self._lives_s * MICROSECONDS)
        sent = Sent(self._number, deadline, command)
        self._pending.add(pending)
        self._outgoing.append(_Waiting(pending, sent, current_authority()))
        self._news.set()
        return future

    def lead(self, life: str | None) -> str | None:
        """Send to the engine's life of that name from now on, and return the one before it."""
        before = self._life
        if life != before:
            self._life = life
            named = None if life is None else command_stream(self._identity, life, self._secret)
            self._stream = named
        return before

    def life_ended(self, life: str, reached: Place | None) -> None:
        """Answer what was sent to a life that has ended; see `PendingCommands.life_ended`."""
        self._pending.life_ended(life, reached)

    def on_execution(self, execution: Execution, view: State) -> None:  # noqa: ARG002 - the port's
        """Tell the answers that waited for this command."""
        self._pending.reached(execution.seq)

    def on_reload(self, view: State) -> None:
        """Tell the answers that a view which was loaded anew holds."""
        self._pending.reached(view.seq)

    def start(self) -> None:
        """Begin to send and to hear."""
        self._tasks = [
            asyncio.create_task(self._send_on(), name="command writer"),
            asyncio.create_task(self._keep(self._hear), name="command writer's answers"),
            asyncio.create_task(self._keep(self._look), name="command writer's deadlines"),
        ]

    async def stop(self) -> None:
        """Take nothing more, wait until what was taken is answered, and end."""
        self._closing = True
        self._news.set()
        await self._pending.drained()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._answers.close()

    def _why_not(self) -> Exception | None:
        if self._closing:
            return EngineClosed("this process is ending")
        if self._stream is None or not self._is_heard():
            return EngineStalled("the engine isn't heard, nothing was done")
        if not (self._is_connected and self._ear.hears and self.clock.is_known):
            return EngineAway("Redis isn't reached, by which the engine is; nothing was done")
        return None

    # -- out ------------------------------------------------------------------------------------

    async def _send_on(self) -> None:
        while True:
            try:
                await self._connect_and_send()
            except FAILURES as error:
                self._lost(reason_of(error))
            except Exception as error:  # noqa: BLE001 - else nothing would ever go out again
                self._say_fault(error)
                self._lost(reason_of(error))
            await asyncio.sleep(RETRY_S)

    def _say_fault(self, error: Exception) -> None:
        now = self._loop.time()
        if now - self._said_at >= SAID_S:
            self._said_at = now
            _LOG.error("sending commands, or hearing of them, failed: begun again", exc_info=error)

    def _lost(self, reason: str) -> None:
        """Refuse what wasn't sent; what may have been waits for its answer."""
        self._is_connected = False
        self._note(False, reason)
        while self._outgoing:
            self._refuse([self._outgoing.popleft()], EngineAway("Redis isn't reached"))

    async def _connect_and_send(self) -> None:
        client = make_client(self._url)
        try:
            adding = Adding(client, self._stream_bound)
            await adding.prepare()
            self._is_connected = True
            self._note(True)
            sent_at = -math.inf
            while True:
                if not self._outgoing:
                    self._news.clear()
                    await self._wait_or_ask(client)
                    continue
                early = sent_at + SPACING_S - self._loop.time()
                if early > 0:
                    await asyncio.sleep(early)
                sent_at = self._loop.time()
                await self._send(adding)
        finally:
            self._is_connected = False
            await client.aclose()

    async def _wait_or_ask(self, client: "Redis") -> None:
        """Wait for something to send; ask Redis for a sign of life if nothing comes."""
        try:
            async with asyncio.timeout(COMMAND_TIMEOUT_S):
                await self._news.wait()
        except TimeoutError:
            await client.ping()

    async def _send(self, adding: Adding) -> None:
        """Send what waits, some of it at a time."""
        stream, life = self._stream, self._life
        parcels: list[list[_Waiting]] = []
        bodies: list[bytes] = []
        for _ in range(_PARCELS):
            part = self._next_part(is_led=stream is not None)
            if not part or stream is None:
                break
            body = stream.seal(Parcel(self._sender, [waiting.sent for waiting in part]))
            if len(body) > PARCEL_BYTES:
                self._refuse(part, EngineAway("the command is too large to be sent"))
                continue
            for waiting in part:
                waiting.pending.stream = life
            parcels.append(part)
            bodies.append(body)
        if stream is None or not parcels:
            return
        try:
            taken = await adding.add(stream.name, bodies)
        except ResponseError as error:
            for part in parcels:
                self._refuse(part, EngineAway(f"Redis took nothing, nothing was done: {error}"))
            raise
        self._note_taken(parcels, taken)

    def _next_part(self, *, is_led: bool) -> list[_Waiting]:
        """Take what goes into one entry; refuse what has nobody to go to, or no right any more.

        What may be large goes alone.
        """
        part: list[_Waiting] = []
        while self._outgoing and len(part) < PARCEL_COMMANDS:
            waiting = self._outgoing[0]
            is_large = not isinstance(waiting.sent.command, _SHORT)
            if part and is_large:
                break
            self._outgoing.popleft()
            refusal = None if waiting.authority is None else waiting.authority.refusal()
            if not is_led:
                refusal = EngineClosed("no engine leads")
            if refusal is not None:
                self._refuse([waiting], refusal)
                continue
            part.append(waiting)
            if is_large:
                break
        return part

    def _note_taken(self, parcels: list[list[_Waiting]], taken: list[bytes]) -> None:
        sent = 0
        for number, part in enumerate(parcels):
            if number >= len(taken):
                self._refuse(part, EngineClosed("the engine's stream isn't there"))
            elif taken[number]:
                place = place_of(taken[number])
                for waiting in part:
                    waiting.pending.place = place
                sent += len(part)
            else:
                self._refuse(part, QueueFull("too many commands wait for the engine"))
        self._observer.sent(sent)

    def _refuse(self, part: Iterable[_Waiting], error: Exception) -> None:
        for waiting in part:
            self._pending.refused(waiting.pending.number, error)

    def _note(self, is_connected: bool, reason: str = "") -> None:
        if self._noted is not is_connected:
            self._noted = is_connected
            self._observer.connected(is_connected, reason)

    # -- back -----------------------------------------------------------------------------------

    async def _keep(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do it again and again, whatever it fails with: else nobody who waits would be told."""
        while True:
            try:
                await work()
            except Exception as error:  # noqa: BLE001 - the outermost boundary of a task
                self._say_fault(error)
                await asyncio.sleep(RETRY_S)

    async def _hear(self) -> None:
        message = await self._answers.receive()
        for outcome in () if message is None else message.outcomes:
            if isinstance(outcome, Done):
                self._pending.answered(outcome.number, outcome.answer)
            elif isinstance(outcome, NotTaken):
                self._pending.refused(outcome.number, error_of(outcome))
            else:
                unknown = OutcomeUnknown("the outcome is unknown, ask again under the same id")
                self._pending.refused(outcome.number, unknown)

    async def _look(self) -> None:
        self._pending.expire(self._loop.time())
        await asyncio.sleep(_LOOK_S)


class _Ear(BusObserver):
    """Knows whether the subscription to the answers stands."""

    def __init__(self) -> None:
        self.hears = False

    def connected(self, is_connected: bool, reason: str) -> None:  # noqa: ARG002 - the observer's
        """Note it."""
        self.hears = is_connected
