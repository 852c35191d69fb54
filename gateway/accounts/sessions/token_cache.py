"""Access tokens that have been verified, until they expire or are revoked; bounded.

A hit is one dictionary step instead of a signature check and a query. `revision` closes the gap
between a verification's query and its storing: whoever forgets anything in between makes the
result not worth keeping.
"""

import time
from collections.abc import Callable

from gateway.access.principals import Principal


class TokenCache:
    """Verified tokens and who they stand for."""

    __slots__ = ("_capacity", "_expected", "_known", "revision")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._known: dict[bytes, Principal] = {}
        self._expected: dict[bytes, None] = {}
        self.revision = 0
        """Goes up with every `forget`."""

    def find(self, token: bytes) -> Principal | None:
        """Return who a known token stands for, None if it is unknown or has expired."""
        principal = self._known.get(token)
        if principal is None:
            return None
        if principal.expires_at <= time.time():
            del self._known[token]
            return None
        return principal

    def expect(self, token: bytes) -> None:
        """Note a token that was issued just now; the oldest goes when there is no room."""
        if len(self._expected) >= self._capacity:
            del self._expected[next(iter(self._expected))]
        self._expected[token] = None

    def is_expected(self, token: bytes) -> bool:
        """Say whether a token was issued here and hasn't been verified yet."""
        return token in self._expected

    def store(self, token: bytes, principal: Principal, revision: int) -> None:
        """Remember a token verified as of `revision`; the oldest goes when there is no room."""
        self._expected.pop(token, None)
        if revision != self.revision:
            return
        if len(self._known) >= self._capacity:
            del self._known[next(iter(self._known))]
        self._known[token] = principal

    def principals(self) -> list[Principal]:
        """Return whom the tokens stand for, in no order that means anything."""
        return list(self._known.values())

    def forget_user(self, user_id: int) -> None:
        """Forget a user's tokens, so that the next use reads the role anew.  O(tokens known)."""
        self._forget(lambda principal: principal.user_id == user_id)

    def forget_session(self, session_id: int) -> None:
        """Forget a session's tokens.  O(tokens known)."""
        self._forget(lambda principal: principal.session_id == session_id)

    def forget_all(self) -> None:
        """Forget every token, so that the next use looks at its signature anew."""
        self._forget(lambda _principal: True)

    def _forget(self, concerns: Callable[[Principal], bool]) -> None:
        self.revision += 1
        self._known = {t: p for t, p in self._known.items() if not concerns(p)}
