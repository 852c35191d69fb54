"""uvicorn's HTTP protocol with what it lacks: one deadline at each moment, and bounds.

uvicorn's timer for idle connections is ended for good by one stray byte; it has none for a head,
for an answer that nobody reads, for a close that the peer doesn't let happen. It parses all that
one read brings, so a hundred thousand requests wait in memory behind one.

Laws: which deadline holds is told from the facts by one function (`_state`), after each thing that
can change them. What came is fed to the parser in small slices and only while there is room; the
rest is held, and nothing more is read, until there is. A refusal of this layer never takes the
place of an answer to an earlier request: it is sent behind it.
"""

import asyncio
from functools import partial
from typing import ClassVar, Final, NoReturn, cast

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gateway.access.client_address import UNKNOWN
from gateway.access.connections import (
    CUT_OFF,
    HELD_MAX_BYTES,
    LIMITED_MAX,
    PIPELINE_MAX,
    REFUSED_FACTOR,
    WAITING_MAX_BYTES,
    ConnectionState,
    Deadline,
)
from gateway.http.reading.bodies import BODY_HAS_COME
from gateway.http.reading.budget import (
    SLICE_BYTES,
    SLICES_AT_ONCE,
    SLICES_PER_TURN,
    SMALL_SLICE_BYTES,
    HttpLimits,
)
from gateway.http.reading.heads import (
    HEAD_TOO_LARGE,
    HEAD_TOO_LATE,
    NO_HTTP,
    TOO_MANY_CONNECTIONS,
    TOO_MANY_LIMITED,
    TOO_MANY_WAITING,
    TOO_MUCH_FRAMING,
    UPGRADE_TOO_EARLY,
    last_answer,
    wrong_head,
)
from gateway.http.reading.held_flow import GOES_ON, ON_LIMITED, HeldFlow, Limited, WholeAnswer
from gateway.http.reading.shedding import is_spared, shed
from gateway.http.reading.whole_answers import answering
from gateway.wire.errors import ApiError

_END_OF_HEAD: Final = b"\r\n\r\n"
_ANSWER, _IDLE = ConnectionState.ANSWER, ConnectionState.IDLE  # a look-up each time, else


class _Refused(Exception):
    """Stops the parser."""


class HttpConnection(HttpToolsProtocol):
    """One connection; `http_connection` makes the class that is given to uvicorn as `http`."""

    limits: ClassVar[HttpLimits]
    deadline: Deadline
    flow: HeldFlow
    _peer = UNKNOWN
    _held = b""
    _goes_on = False
    """Whether what is held waits for a turn."""
    _refusal: ApiError | None = None
    """What is answered when all before it is; nothing is read any more."""
    _wrong: ApiError | None = None
    """Why the parser was stopped."""
    _is_over = False
    """Whether the address has too many connections."""
    _has_asked = False
    """Whether a head was whole."""
    _in_head = False
    _is_whole = True
    """Whether the last request has come to its end."""
    _is_late = False  # the body took too long: the answer has its own deadline
    _is_draining = False
    _head_bytes = 0
    _framing_bytes = 0
    """What a body brought beside its data."""
    _left_bytes = 0
    """Of a body that nobody reads any more."""
    _is_counted = False
    _answering: RequestResponseCycle | None = None
    _answer: WholeAnswer
    _limited: Limited

    # -- its life -----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Await the first head."""
        super().connection_made(transport)
        self._limited = Limited()
        self.flow = HeldFlow(transport, self._may_read_on)
        if self.client is not None:
            self._peer = self.client[0]
        self.deadline = Deadline(
            self.loop, self.limits.seconds, ConnectionState.HEAD, self._expired
        )
        over = self.limits.connections.enter(self._peer)
        if over >= REFUSED_FACTOR:
            transport.abort()
        self._is_over = over > 0

    def connection_lost(self, exc: Exception | None) -> None:
        """Await nothing more."""
        self.deadline.stop()
        self._held = b""
        self._say_nobody_is_left()
        self._answering = None
        self.limits.connections.leave(self._peer)
        super().connection_lost(exc)
        self.flow.stop()

    def shutdown(self) -> None:
        """Answer what is being answered, and close."""
        self._is_draining = True
        super().shutdown()
        self._settle()

    def pause_writing(self) -> None:
        """Note that answers aren't read."""
        super().pause_writing()
        self._settle()

    def resume_writing(self) -> None:
        """Note that answers are read again."""
        super().resume_writing()
        self._settle()

    def on_response_complete(self) -> None:
        """Begin the next answer, or await the next request (in the place of uvicorn's timer)."""
        self.server_state.total_requests += 1
        self._answer.flush()  # to HEAD there is no body
        if self._limited.requests >= LIMITED_MAX and self._refusal is None:
            self._refuse(TOO_MANY_LIMITED)  # refusing costs time, too
        if not self.transport.is_closing():
            if self.pipeline:
                self._start_asgi_task(*self.pipeline.pop(), is_pipelined=True)
            elif self._refusal is not None:
                self._send_refusal(self._refusal)
            self.flow.resume_reading()
        self.deadline.enter(self._state())

    # -- what comes ---------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Parse what has come, as far as there is room."""
        is_one = data.count(_END_OF_HEAD) <= 1
        waits = self._held or self.pipeline or self._refusal is not None
        if is_one and len(data) <= SLICE_BYTES and not waits:
            self._feed(data)
        else:
            self._take_in(data, is_one=is_one)
        self._settle()

    def _take_in(self, data: bytes, *, is_one: bool) -> None:
        """Parse what has come in parts, or not yet, or not at all."""
        if self._refusal is not None or self.transport.is_closing():
            return
        waits = bool(self._held)
        self._held += data
        if not waits:
            # Who sends several requests at once has them read in turn with all others who do.
            self._feed_held(SLICES_AT_ONCE if is_one else 0)

    def _feed_held(self, slices: int) -> None:
        """Parse so many slices at most."""
        for _ in range(slices):
            if not self._held or not self._has_room():
                break
            are_many = self.pipeline or self._held.count(_END_OF_HEAD, 0, SLICE_BYTES) > 1
            size = SMALL_SLICE_BYTES if are_many else SLICE_BYTES
            piece = self._held[:size]
            self._held = self._held[size:]
            self._feed(piece)
        if not self._held:
            return
        if self.pipeline and len(self._held) > HELD_MAX_BYTES and not self._has_room():
            self._refuse(TOO_MANY_WAITING)
            return
        self.flow.pause_reading()
        if self._has_room():
            self._soon()

    def _has_room(self) -> bool:
        """Say whether more requests may wait, and more of a body that is being read."""
        if self.pipeline:
            waiting = sum(len(cycle.body) for cycle, _ in self.pipeline)
            return len(self.pipeline) < PIPELINE_MAX and waiting <= WAITING_MAX_BYTES
        return not self._is_busy() or len(self.cycle.body) <= HIGH_WATER_LIMIT

    def _may_read_on(self) -> bool:
        """Say whether nothing is held; what is, is looked at soon."""
        if self._held:
            self._soon()
        return not self._held and self._refusal is None

    def _soon(self) -> None:
        if not self._goes_on:
            self._goes_on = True
            self.limits.turns.ask(self._go_on)

    def _go_on(self) -> None:
        self._goes_on = False
        if not self._held or self.transport.is_closing() or not self._has_room():
            return
        self._feed_held(SLICES_PER_TURN)
        if not self._held and self._refusal is None:
            self.flow.read_on()
        self._settle()

    def _feed(self, piece: bytes) -> None:
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            self._upgrade()
            return
        except httptools.HttpParserError:
            self._refuse(self._wrong or NO_HTTP)
            return
        if self._in_head or self._is_whole:
            # Empty lines between two requests count as the head of the next.
            self._head_bytes += len(piece)
            if self._head_bytes > self.limits.head_max_bytes + SLICE_BYTES:
                self._refuse(HEAD_TOO_LARGE)
        else:
            self._framing_bytes += len(piece)
            if self._framing_bytes > self.limits.head_max_bytes + SLICE_BYTES:
                self._refuse(TOO_MUCH_FRAMING)
            elif self._left_bytes > self.limits.body_max_bytes:
                self.transport.close()

    # -- the parser's calls -------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Await the rest of a head that has begun."""
        super().on_message_begin()
        self.scope["extensions"] = {ON_LIMITED: self._limited, GOES_ON: self.deadline.enter}  # type: ignore[dict-item]
        self._in_head = True
        self._is_whole = False

    def on_headers_complete(self) -> None:
        """Judge the head."""
        self._is_late = False
        self._has_asked = True
        self._head_bytes = self._framing_bytes = self._left_bytes = 0
        if self._is_over:
            self._stop(TOO_MANY_CONNECTIONS)
        wrong = wrong_head(self.parser.get_http_version(), self.headers)
        if wrong is not None:
            self._stop(wrong)
        super().on_headers_complete()
        # Until here what is wrong is the head's, and not the body's of the request before.
        self._in_head = False

    def on_body(self, body: bytes) -> None:
        """Count what is no overhead, and what nobody reads."""
        self._framing_bytes -= len(body)
        if not self._is_busy():
            self._left_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the request is whole."""
        self._is_whole = True
        if self._is_busy() and not self.flow.read_paused:
            self.scope["extensions"][BODY_HAS_COME] = bytes(self.cycle.body)  # type: ignore[assignment]
        super().on_message_complete()

    def _stop(self, error: ApiError) -> NoReturn:
        """Stop the parser in the middle of what it has."""
        self._wrong = error
        raise _Refused

    def _upgrade(self) -> None:
        """Hand the connection over to the sockets, or go on without."""
        if not self._should_upgrade():
            return
        if self._is_busy():
            self._refuse(UPGRADE_TOO_EARLY)
            return
        self._held = b""
        # What asked for a WebSocket is read by another protocol from here on.
        self.deadline.stop()
        self.handle_websocket_upgrade()
        self.flow.stop()
        self.parser = None  # type: ignore[assignment]

    def _is_busy(self) -> bool:
        """Say whether a request has no whole answer yet."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _refuse(self, error: ApiError) -> None:
        """Refuse what came, behind the answers to what came before, and close."""
        self._count_end("refused")
        self._refusal = error
        self._held = b""
        self.flow.pause_reading()
        cycle = self.cycle
        if not self._is_busy():
            self._send_refusal(error)
        elif not (self._is_whole or self.pipeline or cycle.response_started or self._in_head):
            # It is the body of the one request that is wrong: nothing can have been done with it.
            self._say_nobody_is_left()
            self._send_refusal(error)

    def _start_asgi_task(
        self, cycle: RequestResponseCycle, app: ASGI3Application, *, is_pipelined: bool = False
    ) -> None:
        """Answer a request in its turn; uvicorn only knows the last one that came."""
        self._answering = cycle
        self._answer = WholeAnswer(self.transport)
        cycle.transport = cast("asyncio.Transport", self._answer)
        turns, spared = self.limits.turns, is_spared(cycle.scope["method"], cycle.scope["path"])
        if turns.refuses(is_pipelined=is_pipelined) and not spared and not self.flow.write_paused:
            self.limits.shed()
            shed(cycle, self.transport, self.limits.origins)
            self.on_response_complete()
            return
        begin = partial(self._begin, cycle, app)
        turns.begin(begin, is_pipelined=is_pipelined, is_spared=spared)

    def _begin(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        if not cycle.disconnected:
            super()._start_asgi_task(cycle, answering(cycle, app, self.transport))

    def _say_nobody_is_left(self) -> None:
        """Let whoever answers know it: to write to a transport that has ended is an error."""
        for cycle in (self._answering, self.cycle):
            if cycle is not None:
                cycle.disconnected = True
                cycle.message_event.set()

    def _count_end(self, reason: str) -> None:
        """Say once why the connection is ended, by its first reason."""
        if not self._is_counted:
            self._is_counted = True
            self.limits.ended(reason)

    def _send_refusal(self, error: ApiError) -> None:
        self.transport.write(last_answer(error))
        self.transport.close()

    # -- the deadline -------------------------------------------------------------------------

    def _state(self) -> ConnectionState:
        """Return where the connection stands."""
        if self.transport.is_closing():
            return ConnectionState.CLOSING
        if self.flow.write_paused:
            return ConnectionState.UNREAD
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            if self._is_draining:
                return ConnectionState.DRAINING
            whole = self._is_whole or self._is_late
            return _ANSWER if whole else ConnectionState.BODY
        if self._in_head or not self._has_asked:
            return ConnectionState.HEAD
        return _IDLE if self._is_whole else ConnectionState.BODY

    def _settle(self) -> None:
        """Begin the deadline of where the connection stands, if that is news."""
        state = self._state()
        if state is not self.deadline.state:
            self.deadline.enter(state)

    def _expired(self, state: ConnectionState) -> None:
        if state is ConnectionState.BODY and self._is_busy() and not self.transport.is_closing():
            self._is_late = True  # whoever waits for the body says so (`bodies.py`)
            self.deadline.enter(ConnectionState.ANSWER)
            return
        self._count_end(state.name.lower())
        if state in CUT_OFF or self.transport.is_closing():
            self._say_nobody_is_left()
            self.transport.abort()
            return
        if self._in_head:
            self._refuse(HEAD_TOO_LATE)
        else:
            self.transport.close()
        self.deadline.enter(ConnectionState.CLOSING)


def http_connection(limits: HttpLimits) -> type[HttpConnection]:
    """Return the protocol with these bounds."""
    return type("HttpConnection", (HttpConnection,), {"limits": limits})
