"""Which address a request came from, and whether it came over https.

X-Forwarded-For and X-Forwarded-Proto are believed only from TRUSTED_PROXIES. The list is walked
from the right: each trusted hop vouches for the one to its left, and the first that is not trusted
is the client; what stands further left was written by the client and is worth nothing. A hop may
have a port behind it, as some proxies write it (192.0.2.1:5000, [2001:db8::1]:5000, "[::1]").
"""

import ipaddress
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from gateway.settings.values import Network

UNKNOWN: Final = "unknown"
_IPV6_PREFIX: Final = 64
"""One subscriber usually holds a whole /64, so that is what counts as one address."""
_HOPS: Final = 32
_WITH_PORT: Final = re.compile(
    r"\"?(?:\[([^\]]{2,64})\]|([0-9.]{7,15}))(?::[0-9]{1,5})?\"?", re.ASCII
)


class ClientAddresses:
    """Finds the address of a request, given the proxies that are ours."""

    __slots__ = ("_trusted",)

    def __init__(self, trusted: tuple[Network, ...]) -> None:
        self._trusted = trusted

    def find(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> tuple[str, bool]:
        """Return the client's address (IPv6: its /64) and whether it speaks https.

        `headers` may hold one value a name; the scope's full list is read where that matters.
        """
        client = scope.get("client")
        peer: str = client[0] if client else UNKNOWN
        is_https = scope.get("scheme") in {"https", "wss"}
        if self._trusted and b"x-forwarded-for" in headers and self._is_trusted(peer):
            forwarded = [v for k, v in scope["headers"] if k == b"x-forwarded-for"]
            peer = self._walk(b",".join(forwarded).decode("latin-1"), peer)
            proto = headers.get(b"x-forwarded-proto", b"").rpartition(b",")[2].strip().lower()
            is_https = is_https or proto == b"https"
        return (counted_address(peer) if ":" in peer else peer), is_https

    def of_peer(self, peer: str) -> str | None:
        """Return what the other end of a connection counts as; None for a trusted proxy."""
        return None if self._trusted and self._is_trusted(peer) else counted_address(peer)

    def _walk(self, forwarded: str, peer: str) -> str:
        for hop in reversed(forwarded.split(",")[-_HOPS:]):
            address = _hop(hop.strip())
            if address is None:
                return peer
            peer = str(address)
            if not any(address in network for network in self._trusted):
                return peer
        return peer

    def _is_trusted(self, text: str) -> bool:
        address = _parsed(text)
        return address is not None and any(address in network for network in self._trusted)


@lru_cache(maxsize=4_096)
def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if mapped is not None else address


def _hop(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that one part of X-Forwarded-For names."""
    match = _WITH_PORT.fullmatch(text)
    return _parsed(text if match is None else match[1] or match[2])


@lru_cache(maxsize=4_096)
def counted_address(text: str) -> str:
    """Return what an address counts as: an IPv6 address as its /64, a mapped IPv4 one as itself."""
    address = _parsed(text)
    if isinstance(address, ipaddress.IPv6Address):
        network = ipaddress.ip_network((int(address) >> _IPV6_PREFIX << _IPV6_PREFIX, _IPV6_PREFIX))
        return str(network)
    return UNKNOWN if address is None else str(address)
