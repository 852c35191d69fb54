"""Going on where a socket was lost: `session:resume`."""

from typing import Annotated

import msgspec

from exchange.messages.bounds import STORED_MAX
from gateway.access.api_keys.standing import Scope
from gateway.http.paging import MOST
from gateway.sockets.events import SocketEvent
from gateway.sockets.session import SocketSession
from gateway.streaming.resuming.resumption import PAGE_COST, MissedPage, MissedView, Resumption
from gateway.wire.strict_json import BodyStruct


class ResumeBody(BodyStruct, frozen=True):
    """The number after which to begin, and how many numbers to give at most."""

    account_seq: Annotated[int, msgspec.Meta(ge=0, le=STORED_MAX)]
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST)] | None = None


class ResumeEvents:
    """Tells sessions that are signed in what they missed; live messages go on meanwhile."""

    def __init__(self, resumption: Resumption) -> None:
        self._resumption = resumption

    def resume(self, session: SocketSession, body: ResumeBody, ack_id: int | None) -> None:
        """Acknowledge with a page of the session's private messages."""
        session.run(ack_id, self._page(session.user_id(), body))

    async def _page(self, account_id: int, body: ResumeBody) -> MissedPage:
        limit = body.limit
        found = await self._resumption.page(account_id, body.account_seq, limit, "accountSeq")
        return found.result

    def events(self) -> dict[str, SocketEvent]:
        """Return the row."""
        payload = msgspec.json.Decoder(ResumeBody)
        return {
            "session:resume": SocketEvent(
                payload,
                self.resume,
                cost=PAGE_COST,
                scope=Scope.READ,
                answer=MissedView,
                summary="Ask for the private messages that were missed",
            )
        }
