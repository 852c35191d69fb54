"""Cancel-on-disconnect: orders that end with the connection they came by.

    session:cancel_on_disconnect {enabled}

Laws: while it is on, each order of the session that may wait is tied to it; turning it off ties no
further ones. When the session ends, for whatever reason, this says so to the engine, which takes
out what is tied to it; what can't be said at once is said again. While any session has it on, a
lease tells the engine every RENEW_S that this process is there: if the process is gone, the engine
ends its sessions by itself (`rules/accounts/switches.py`). It is acknowledged only once the lease
is committed. It belongs to who turned it on: if somebody else signs in on the session, it is off.
"""

import asyncio
import contextlib
import secrets
import time
from dataclasses import dataclass
from typing import Final

import msgspec

from exchange.messages.commands import EndSession, RenewLease
from exchange.messages.conditions import SessionKey
from gateway.access.api_keys.standing import Scope
from gateway.access.budgets import Budget
from gateway.engine_side.refusals import accepted
from gateway.jobs.supervisor import CheckIn
from gateway.sockets.events import SocketEvent
from gateway.sockets.session import SocketSession
from gateway.wire.strict_json import AnswerStruct, BodyStruct
from persistence.errors import CommandNotTaken
from persistence.loop.ports import Answer, CommandPort

RENEW_S: Final = 3.0
"""A third of what a lease lasts: two may be lost."""
LOOK_S: Final = 0.5
_GATEWAY_BITS: Final = 48


class DisconnectBody(BodyStruct, frozen=True):
    """Whether orders from now on end with this connection."""

    enabled: bool


class DisconnectView(AnswerStruct, frozen=True):
    """Whether orders from now on end with this connection."""

    enabled: bool


@dataclass(slots=True, eq=False)
class Tie:
    """What the orders of one session are tied to, whose they are, and whether further ones are."""

    account_id: int
    session: SessionKey
    is_on: bool = True


class CancelOnDisconnect:
    """Knows which sessions of this process have it on, and tells the engine of their ends."""

    NAME: Final = "session-lease"

    def __init__(self, commands: CommandPort) -> None:
        self._commands = commands
        self.gateway: Final = secrets.randbits(_GATEWAY_BITS)
        """This process's name among all that there ever were."""
        self._last_number = 0
        self._ties: dict[SocketSession, Tie] = {}
        self._watched: set[SocketSession] = set()
        """Sessions whose end will be heard of, once, whoever signs in on them in turn."""
        self._unsaid: dict[Tie, None] = {}
        """Ends that the engine hasn't been told of."""
        self._renewed_at = 0.0

    def switch(self, session: SocketSession, body: DisconnectBody, ack_id: int | None) -> None:
        """Turn it on or off for the orders that the session sends from now on."""
        account_id = session.user_id()
        tie = self._tie_of(session)
        if not body.enabled:
            if tie is not None:
                tie.is_on = False
            session.ack(ack_id, DisconnectView(False))
            return
        answered = self._renew()
        if tie is None:
            self._last_number += 1
            tie = self._ties[session] = Tie(account_id, (self.gateway, self._last_number))
            self._watch(session)
        tie.is_on = True
        session.answer_later(ack_id, answered, _enabled)

    def session_of(self, session: SocketSession) -> SessionKey | None:
        """Return what an order of the session is to be tied to; None for nothing."""
        tie = self._tie_of(session)
        return None if tie is None or not tie.is_on else tie.session

    async def run(self, check_in: CheckIn) -> None:
        """Renew the lease while anybody needs it, and say what couldn't be said; without end."""
        while True:
            try:
                if self._ties and time.monotonic() - self._renewed_at >= RENEW_S:
                    self._renew()
                for tie in list(self._unsaid):
                    self._say(tie)
            except CommandNotTaken:
                pass  # the engine is busy or ending: it goes on, or the lease ends by itself
            else:
                check_in()
            await asyncio.sleep(LOOK_S)

    def events(self) -> dict[str, SocketEvent]:
        """Return the rows."""
        return {
            "session:cancel_on_disconnect": SocketEvent(
                msgspec.json.Decoder(DisconnectBody),
                self.switch,
                budget=Budget.SESSION,
                scope=Scope.TRADE,
                answer=DisconnectView,
                summary="Tie the orders of this connection to it",
            ),
        }

    def _tie_of(self, session: SocketSession) -> Tie | None:
        tie = self._ties.get(session)
        if tie is not None and (
            session.principal is None or session.principal.user_id != tie.account_id
        ):
            self._left(session)
            return None
        return tie

    def _renew(self) -> "asyncio.Future[Answer]":
        answered = self._commands.submit(RenewLease(self.gateway))
        self._renewed_at = time.monotonic()
        answered.add_done_callback(_heard)
        return answered

    def _watch(self, session: SocketSession) -> None:
        if session in self._watched:
            return
        self._watched.add(session)

        def ended() -> None:
            self._watched.discard(session)
            self._left(session)

        session.on_end(ended)

    def _left(self, session: SocketSession) -> None:
        """Say that a session has ended; never raises."""
        tie = self._ties.pop(session, None)
        if tie is None:
            return
        self._unsaid[tie] = None
        with contextlib.suppress(CommandNotTaken):  # `run` says it again
            self._say(tie)

    def _say(self, tie: Tie) -> None:
        answered = self._commands.submit(EndSession(tie.account_id, *tie.session))
        del self._unsaid[tie]

        def done(settled: "asyncio.Future[Answer]") -> None:
            # An unknown outcome is asked again: ending a session twice does nothing.
            if settled.cancelled() or settled.exception() is not None:
                self._unsaid[tie] = None

        answered.add_done_callback(done)


def _enabled(answer: Answer) -> DisconnectView:
    accepted(answer)
    return DisconnectView(True)


def _heard(settled: "asyncio.Future[Answer]") -> None:
    """Take note of a renewal that failed: the next one follows."""
    if not settled.cancelled():
        settled.exception()
