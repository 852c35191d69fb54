"""How an API key stands, as this process knows it: what it may do, from where, until when.

Laws: a key stands for its owner with the role USER and within its scopes, whatever the owner's role
is; it never makes keys, changes an account or does what admins do (`Scope.OWNER`). There is one
`KeyStanding` for a key that is remembered, which everything done by the key looks at: what changes
it changes for calls under way, for sockets, and for commands that wait for the engine
(`KeyUse.refusal`).
"""

import enum
import ipaddress
import time
from typing import Final

from gateway.settings.values import Network
from gateway.wire.errors import ApiError, Forbidden, Unauthorized

REVOKED: Final = "The API key has been revoked"
EXPIRED: Final = "The API key has expired"
NOT_BY_KEY: Final = "No API key may do this: sign in"
LACKS_SCOPE: Final = "The API key lacks the scope `trade`"
_ADDRESSES: Final = 1_024
"""So many addresses of a key are remembered as on its list or not, and as its user's."""


class Scope(enum.StrEnum):
    """What a route or an event asks of a key."""

    READ = "read"
    TRADE = "trade"
    OWNER = "owner"
    """A person who has signed in: no key can have it."""


class KeyStanding:
    """One key; its owner and scopes never change, the rest may."""

    __slots__ = (
        "__weakref__",
        "_admitted",
        "_networks",
        "_seen",
        "expires_at",
        "id",
        "is_over",
        "name",
        "scopes",
        "used_at",
        "user_id",
    )

    def __init__(
        self,
        id: int,  # noqa: A002 - as everything else calls it
        name: str,
        user_id: int,
        scopes: frozenset[Scope],
        networks: tuple[Network, ...],
        expires_at: int | None,
    ) -> None:
        self.id = id
        self.name = name
        self.user_id = user_id
        self.scopes = scopes
        self.expires_at = expires_at
        """Microseconds since the epoch; None: never."""
        self.is_over = False
        """Whether it was revoked, here or elsewhere."""
        self.used_at = 0
        """When a call signed with it was last taken; microseconds since the epoch."""
        self._networks = networks
        self._admitted: dict[str, bool] = {}
        self._seen: dict[str, None] = {}

    @property
    def counted_as(self) -> int:
        """Return whose buckets its calls are counted in: its own, beside those of users."""
        return -self.id

    @property
    def networks(self) -> tuple[Network, ...]:
        """Return where it may be used from; none stands for anywhere."""
        return self._networks

    @networks.setter
    def networks(self, networks: tuple[Network, ...]) -> None:
        self._networks = networks
        self._admitted.clear()

    def admits(self, address: str) -> bool:
        """Say whether it may be used from an address as `access/client_address.py` counts it."""
        if not self._networks:
            return True
        admitted = self._admitted.get(address)
        if admitted is None:
            if len(self._admitted) >= _ADDRESSES:
                del self._admitted[next(iter(self._admitted))]
            admitted = self._admitted[address] = _is_in(address, self._networks)
        return admitted

    def has_expired(self) -> bool:
        """Say whether its time is over."""
        return self.expires_at is not None and self.expires_at <= time.time() * 1_000_000

    def note_right(self, address: str) -> None:
        """Note that it was used rightly from an address, which others' failures don't bar then."""
        self._seen.pop(address, None)
        if len(self._seen) >= _ADDRESSES:
            del self._seen[next(iter(self._seen))]
        self._seen[address] = None

    def was_right_at(self, address: str) -> bool:
        """Say whether it was used rightly from an address before."""
        return address in self._seen


class KeyUse:
    """A key that is used from an address; an `Authority` of commands."""

    __slots__ = ("address", "key")

    def __init__(self, key: KeyStanding, address: str) -> None:
        self.key = key
        self.address = address

    def __eq__(self, other: object) -> bool:
        """Say whether it is the same key from the same address."""
        return isinstance(other, KeyUse) and (self.key, self.address) == (other.key, other.address)

    def __hash__(self) -> int:
        return hash((self.key.id, self.address))

    def allows(self, scope: Scope | None) -> bool:
        """Say whether the key may do what asks for a scope; None, where none is named, is no."""
        return scope in self.key.scopes

    def refusal(self) -> ApiError | None:
        """Return why the key may not be used from there any more, None while it may."""
        key = self.key
        if key.is_over:
            return Unauthorized(REVOKED)
        if key.has_expired():
            return Unauthorized(EXPIRED)
        if not key.admits(self.address):
            return Forbidden(f"The API key may not be used from {self.address}")
        return None


def _is_in(address: str, networks: tuple[Network, ...]) -> bool:
    """Say whether an address, of IPv6 its /64, lies in one of these networks."""
    try:
        asked = ipaddress.ip_network(address)
    except ValueError:
        return False
    for network in networks:
        if isinstance(network, ipaddress.IPv4Network):
            if isinstance(asked, ipaddress.IPv4Network) and asked.subnet_of(network):
                return True
        elif isinstance(asked, ipaddress.IPv6Network) and asked.subnet_of(network):
            return True
    return False
