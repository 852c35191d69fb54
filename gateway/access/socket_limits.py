"""How many sockets may be opened: by an address until a socket proves whose it is, then by a user.

A socket counts against its address when it is opened. If somebody signs in on it, it is handed
back to the address and counted to the user, so that many people behind one address don't shut each
other out. An address over its limit may still open sockets for people who sign in; whoever doesn't
is told when to come back. Far over it (`FAR_OVER` times) sockets are refused at the handshake.
Where several processes serve they count together (`shared_limits.py`).
"""

from typing import Final

from gateway.access.rate_limits import RateLimits
from gateway.wire.errors import RateLimited

FAR_OVER: Final = 100


class SocketLimits:
    """New sockets in a window, for one event loop."""

    __slots__ = ("_address", "_user")

    def __init__(self, limits: RateLimits) -> None:
        self._address = limits.new_sockets
        self._user = limits.new_sockets_of_user

    def opened(self, address: str) -> RateLimited | None:
        """Count a new socket; return why only somebody known may use it.

        Raises RateLimited if the address is far over its limit.
        """
        count = self._address.spend(address)
        if count.hits <= self._address.limit:
            return None
        refusal = self._address.refusal(self._address.seconds_left(address))
        if count.hits > FAR_OVER * self._address.limit:
            raise refusal
        return refusal

    def proved(self, address: str, user_id: int) -> None:
        """Count a socket to a user and no more to its address; raises RateLimited."""
        self._user.take(user_id)
        self._address.give_back(address)
