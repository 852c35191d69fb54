"""How many of a process's places for markets of other venues one reader may take.

Laws: a market counts once for a party, over all of its sockets and books; the parties of a session
are its address and, if it is signed in, its user. So nobody keeps everybody else from following,
however many sockets or accounts there are; who reads what others read takes nobody's place, and
counts it all the same, which is simpler to foresee. What a session took it gives back as it took
it, whoever it has become meanwhile.
"""

from collections import Counter
from collections.abc import Iterator

import msgspec

from gateway.sockets.session import SocketSession
from gateway.wire.errors import Refused

_Party = int | str
"""A user by number, or an address."""


class VenueShares(msgspec.Struct, frozen=True, kw_only=True):
    """Markets of other venues that may be read at once, over all sockets."""

    of_user: int
    of_address: int


class MarketsRead:
    """Who reads how many markets of other venues."""

    def __init__(self, shares: VenueShares) -> None:
        self._shares = shares
        self._sessions: dict[_Party, Counter[str]] = {}
        """How many sessions of a party read each market."""
        self._taken: dict[tuple[SocketSession, str], tuple[_Party, ...]] = {}

    def check(self, session: SocketSession, market_id: str) -> None:
        """Raise Refused if this market would be one too many for a party of the session."""
        if (session, market_id) in self._taken:
            return
        for party, most, whose in self._parties(session):
            read = self._sessions.get(party, ())
            if market_id not in read and len(read) >= most:
                message = f"{whose} may follow at most {most} markets of other venues at once"
                raise Refused("TOO_MANY_SUBSCRIPTIONS", message)

    def take(self, session: SocketSession, market_id: str) -> None:
        """Count a market for the session's parties, once."""
        if (session, market_id) in self._taken:
            return
        parties = tuple(party for party, _, _ in self._parties(session))
        self._taken[session, market_id] = parties
        for party in parties:
            self._sessions.setdefault(party, Counter())[market_id] += 1

    def give(self, session: SocketSession, market_id: str) -> None:
        """Give back what was taken, if it was."""
        for party in self._taken.pop((session, market_id), ()):
            read = self._sessions[party]
            read[market_id] -= 1
            if not read[market_id]:
                del read[market_id]
            if not read:
                del self._sessions[party]

    def _parties(self, session: SocketSession) -> Iterator[tuple[_Party, int, str]]:
        if session.principal is not None:
            yield session.principal.user_id, self._shares.of_user, "A user"
        yield session.link.address, self._shares.of_address, "An address"
