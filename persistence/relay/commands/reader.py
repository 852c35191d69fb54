"""The engine's end: commands come out of the stream into the engine's own queue, answers go back.

::

    XREAD ─> seal, number, deadline ─> submit ─> commit ─> PUBLISH to the sender

Laws: commands are submitted in the order of the stream, which is each sender's own; where each
stands goes with it to the transaction that holds its effects (`authority.Arrived`). A sender's
numbers only grow, so what comes again is passed over. The stream is made by the engine alone, and
its ids never go back in one life: after it was lost the engine makes it anew behind the last id it
has read, and where an older copy of it was put back it is read again from the beginning, which
executes what was never seen and nothing else. Only what is answered is trimmed. The engine waits
neither for Redis nor for a sender: an answer that can't be told is the sender's to call unknown.
"""

import asyncio
import contextlib
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import ResponseError

from exchange.messages.command_bases import Timer
from persistence.errors import CommandNotTaken
from persistence.loop.authority import NOWHERE, Arrived, Place, acting_by
from persistence.loop.committed_view import TURN_S
from persistence.loop.ports import Answer, CommandPort
from persistence.relay.channel import Sealed
from persistence.relay.commands.answering import Answering
from persistence.relay.commands.messages import (
    BODY,
    LIVES_S,
    OPENING,
    PARCEL_BYTES,
    SPACING_S,
    Done,
    Outcome,
    Parcel,
    Sent,
    behind,
    id_of,
    outcome_of,
    place_of,
)
from persistence.relay.commands.observer import CommandsObserver
from persistence.relay.messages import (
    COMMAND_TIMEOUT_S,
    FAILURES,
    RETRY_S,
    make_client,
    reason_of,
)
from persistence.relay.publisher import SAID_S

if TYPE_CHECKING:
    from redis.asyncio import Redis

_LOG: Final = logging.getLogger(__name__)

READ_MOST: Final = 128
"""Entries of one answer of Redis."""
BEAT_S: Final = 0.5
"""So long one read waits; then the stream is looked at, whether it is still there."""
_QUICK_S: Final = COMMAND_TIMEOUT_S / 4
"""An answer that comes so soon may be twice as large the next time."""
TRIM_EVERY: Final = 512
"""Entries read; more often than that only the looks trim."""
_SENDERS: Final = 4_096
"""Remembered at once; a sender that is forgotten was silent for longer than any command lives."""


class CommandReader:
    """Reads one engine's stream until `stop`."""

    def __init__(
        self,
        url: str,
        stream: Sealed[Parcel],
        answering: Answering,
        commands: CommandPort,
        clock: Callable[[], int],
        observer: CommandsObserver | None = None,
    ) -> None:
        """Read `stream` into `commands`; `clock` is the database's, the latest that it may be."""
        self._url = url
        self._stream = stream
        self._answering = answering
        self._commands = commands
        self._clock = clock
        self._observer = observer or CommandsObserver()
        self._position: Place = NOWHERE
        """Of the last entry that was read."""
        self._highest: Place = NOWHERE
        """The highest id that was ever seen in this life; no id is given out below it."""
        self._open: dict[Place, int] = {}
        """Of each entry how many of its commands aren't answered, in the order in which they were
        read: what an older copy brought back stands below what was read before it."""
        self._numbers: OrderedDict[bytes, int] = OrderedDict()
        """Of each sender the last command, the sender that was silent for longest first."""
        self._most = READ_MOST
        """Entries of the next answer: what doesn't come in its time would never come."""
        self._untrimmed = 0
        self._looked_at = -math.inf
        self._said_at = -math.inf
        self._closing = False
        self._begun = asyncio.Event()
        self._is_connected: bool | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to read."""
        self._task = asyncio.create_task(self._run(), name="command reader")

    async def begun(self, seconds: float) -> None:
        """Wait until the stream is there to be written to; so long at most, Redis may be away."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._begun.wait()

    async def stop(self) -> None:
        """Read no more and take the stream away, so that what comes is refused at once."""
        self._closing = True
        if self._task is not None:
            await self._task
        client = make_client(self._url)
        try:
            await client.delete(self._stream.name)
        except FAILURES:
            pass  # it goes by itself
        finally:
            await client.aclose()

    async def _run(self) -> None:
        while not self._closing:
            try:
                await self._connect_and_read()
            except FAILURES as error:
                self._most = max(1, self._most // 4)
                self._note(False, reason_of(error))
                await asyncio.sleep(RETRY_S)
            except Exception as error:  # noqa: BLE001 - else nothing would ever come in again
                self._say_fault(error)
                self._note(False, reason_of(error))
                await asyncio.sleep(RETRY_S)

    def _say_fault(self, error: Exception) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._said_at >= SAID_S:
            self._said_at = now
            _LOG.error("reading commands failed, it is begun again", exc_info=error)

    async def _connect_and_read(self) -> None:
        client = make_client(self._url)
        key, clock = self._stream.name, asyncio.get_running_loop().time
        try:
            await self._look(client)
            self._begun.set()
            self._note(True)
            read_at = -math.inf
            while not self._closing:
                asked_at = clock()
                found: Any = await client.xread(
                    {key: id_of(self._position)}, count=self._most, block=int(BEAT_S * 1_000)
                )
                entries = found[0][1] if found else ()
                if clock() - asked_at < _QUICK_S:
                    self._most = min(2 * self._most, READ_MOST)
                turn_ends = time.monotonic() + TURN_S
                for entry_id, fields in entries:
                    self._take(place_of(entry_id), fields)
                    if time.monotonic() > turn_ends:
                        await asyncio.sleep(0)
                        turn_ends = time.monotonic() + TURN_S
                self._untrimmed += len(entries)
                if not entries or clock() - self._looked_at >= BEAT_S:
                    await self._look(client)
                elif self._untrimmed >= TRIM_EVERY:
                    await self._trim(client)
                if entries:
                    early = read_at + SPACING_S - clock()
                    # What Redis has ready is read without a wait: everybody else gets a turn.
                    await asyncio.sleep(max(0.0, early))
                    read_at = clock()
        finally:
            await client.aclose()

    async def _look(self, client: "Redis") -> None:
        """See that the stream is there and its ids are beyond what was read; make or mend it."""
        key = self._stream.name
        self._looked_at = asyncio.get_running_loop().time()
        try:
            about: Any = await client.xinfo_stream(key)
            last = place_of(about["last-generated-id"])
        except ResponseError as error:
            if "no such key" not in str(error):
                raise
            last = NOWHERE
            self._observer.made()
        if last == NOWHERE or last < self._highest:
            # An older copy holds what was read before, and maybe what came since it was put back.
            self._highest = behind(max(self._highest, last))
            if last != NOWHERE:
                self._observer.went_back()
            self._position = NOWHERE
            await client.xadd(key, {OPENING: b""}, id=id_of(self._highest))
        await client.expire(key, LIVES_S)
        await self._trim(client)

    async def _trim(self, client: "Redis") -> None:
        """Take out what is answered: right after the stream was seen to be the one that was read,
        since a copy of long ago has other things in that place.
        """
        self._untrimmed = 0
        first = min((behind(self._position), *self._open))
        await client.xtrim(self._stream.name, minid=id_of(first), approximate=False)

    def _take(self, place: Place, fields: dict[bytes, bytes]) -> None:
        self._position = place
        self._highest = max(self._highest, place)
        if OPENING in fields:
            return
        sealed = fields.get(BODY)
        parcel = None
        if sealed is not None and len(sealed) <= PARCEL_BYTES:
            parcel = self._stream.open(sealed)
        if parcel is None or any(isinstance(sent.command, Timer) for sent in parcel.sent):
            self._observer.garbled()
            return
        for sent in parcel.sent:
            self._submit(place, parcel.sender, sent)

    def _submit(self, place: Place, sender: bytes, sent: Sent) -> None:
        """Hand one command to the engine, unless it came before or comes too late."""
        if not self._is_next(sender, sent.number):
            self._observer.repeated()
            return
        self._observer.arrived()
        arrived = Arrived(place, sent.deadline, self._clock)
        late = arrived.refusal()
        if late is not None:
            self._answering.tell(sender, outcome_of(sent.number, late))
            return
        try:
            with acting_by(arrived):
                future = self._commands.submit(sent.command)
        except (CommandNotTaken, ValueError) as error:
            refused = error if isinstance(error, CommandNotTaken) else CommandNotTaken(str(error))
            self._answering.tell(sender, outcome_of(sent.number, refused))
            return
        self._open[place] = self._open.get(place, 0) + 1
        future.add_done_callback(partial(self._answered, place, sender, sent.number))

    def _is_next(self, sender: bytes, number: int) -> bool:
        """Say whether a sender's command is a new one, and note it."""
        numbers = self._numbers
        if number <= numbers.get(sender, 0):
            return False
        numbers[sender] = number
        numbers.move_to_end(sender)
        if len(numbers) > _SENDERS:
            numbers.popitem(last=False)
        return True

    def _answered(
        self, place: Place, sender: bytes, number: int, settled: "asyncio.Future[Answer]"
    ) -> None:
        left = self._open.get(place, 1) - 1
        if left:
            self._open[place] = left
        else:
            self._open.pop(place, None)
        outcome: Outcome
        if settled.cancelled():
            outcome = outcome_of(number, asyncio.CancelledError())
        else:
            error = settled.exception()
            outcome = Done(number, settled.result()) if error is None else outcome_of(number, error)
        self._answering.tell(sender, outcome)

    def _note(self, is_connected: bool, reason: str = "") -> None:
        if self._is_connected is not is_connected:
            self._is_connected = is_connected
            self._observer.connected(is_connected, reason)
