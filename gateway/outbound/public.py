"""Telling something to an address that a user of ours has named: https, on the public internet.

    the name is resolved once ── every address is public ──> one of them is connected to
                                                        └─> TLS and `Host` go by the name

Laws: who asks here may be an attacker who wants to reach what only we reach. So an address is
looked at when it is connected to, and it is that very address that is connected to: a name that
resolves to another one a moment later changes nothing. No proxy, no redirect, no cookie, nothing
unpacked, no connection kept; bounded in time, in what is read of the answer and in how many are
under way. What failed is said in our words, and nothing of what lies behind an address.
"""

import asyncio
import ipaddress
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import httpcore

from gateway.outbound.asking import Answer, OutboundFailed

ANSWER_BYTES: Final = 16 * 1_024
"""Of an answer; a longer one is a failure."""
AT_ONCE: Final = 16
LOOKUPS: Final = 2 * AT_ONCE
"""Of names under way, those that nobody waits for any more included."""
URL_LENGTH: Final = 2_000
_ADDRESSES_TRIED: Final = 2
_URL: Final = re.compile(r"https://[!-~]+", re.ASCII)
_HOST: Final = re.compile(r"[a-z0-9._:-]{1,253}", re.ASCII)
_NOT_PUBLIC: Final = tuple(
    map(
        ipaddress.ip_network,
        # Relays and translations, which lead to addresses that nobody has looked at.
        ("192.88.99.0/24", "2002::/16", "2001::/32", "64:ff9b:1::/48", "fec0::/10", "::/96"),
    )
)
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a name; raises OSError."""


def is_public(address: str) -> bool:
    """Say whether an IP address may be anybody's on the internet, and is nobody's within.

    Raises ValueError for what is no address.
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return is_public(str(found.ipv4_mapped))
        if found in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF)))
    if any(found.version == network.version and found in network for network in _NOT_PUBLIC):
        return False
    return found.is_global and not (found.is_multicast or found.is_reserved)


def check_url(url: str) -> None:
    """Raise ValueError, with what it must be, for a URL that `PublicOutbound` would never ask."""
    if len(url) > URL_LENGTH or _URL.fullmatch(url) is None:
        raise ValueError(f"must be https:// and at most {URL_LENGTH} ASCII characters")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("is no URL") from None
    if "@" in parts.netloc or "#" in url:
        raise ValueError("must hold no name, no password and no fragment")
    if _HOST.fullmatch(host) is None or port == 0:
        raise ValueError("must name a host")
    try:
        literal = is_public(host)
    except ValueError:
        if "." not in host or host.endswith((".localhost", ".local", ".internal")):
            raise ValueError("must name a host of the public internet") from None
        return
    if not literal:
        raise ValueError("must name a host of the public internet")


class Names:
    """Resolves names as this machine does, in threads of its own.

    A lookup can't be ended, and whoever owns a name says how long it takes: in the threads that all
    share, a few slow names would keep everything else of the process waiting.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="names")

    async def resolve(self, host: str, port: int) -> list[str]:
        """Return the addresses of a name; raises OSError."""
        look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, look_up)
        return list(dict.fromkeys(str(address[0]) for *_, address in found))


class _PublicBackend(httpcore.AsyncNetworkBackend):
    """Connects to addresses that it has looked at."""

    def __init__(self, resolve: Resolve, is_public: Callable[[str], bool]) -> None:
        self._resolve = resolve
        self._is_public = is_public
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own parameter
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Return a connection to one of a name's addresses; raises OutboundFailed."""
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError):
            raise OutboundFailed("its name can't be resolved") from None
        if not addresses or not all(map(self._is_public, addresses)):
            raise OutboundFailed("its address isn't public")
        for address in addresses[:_ADDRESSES_TRIED]:
            try:
                return await self._network.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        raise OutboundFailed("it can't be connected to")


class PublicOutbound:
    """Tells; of one event loop."""

    def __init__(
        self,
        timeout_s: float,
        *,
        resolve: Resolve | None = None,
        is_public: Callable[[str], bool] = is_public,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """Bound each telling to `timeout_s` seconds, its wait for a place included.

        Tests have their own names, addresses and certificates.
        """
        self._timeout_s = timeout_s
        self._backend = _PublicBackend(resolve or Names().resolve, is_public)
        self._places = asyncio.Semaphore(AT_ONCE)
        self._trust = trust

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a body and return the answer, whatever its status; raises OutboundFailed."""
        try:
            check_url(url)
        except ValueError:
            raise OutboundFailed("its URL isn't one that is asked") from None
        try:
            async with asyncio.timeout(self._timeout_s), self._places:
                if self._trust is None:
                    # Reading the certificates takes tens of milliseconds.
                    self._trust = await asyncio.to_thread(ssl.create_default_context)
                return await self._post(url, body, headers, self._trust)
        except (TimeoutError, httpcore.TimeoutException):
            raise OutboundFailed("takes too long") from None
        except ssl.SSLError:
            raise OutboundFailed("its certificate isn't good") from None
        except (httpcore.ConnectError, OSError) as error:
            is_tls = "certificate" in str(error).casefold() or "ssl" in str(error).casefold()
            what = "its certificate isn't good" if is_tls else "it can't be connected to"
            raise OutboundFailed(what) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol):
            raise OutboundFailed("it doesn't speak HTTP") from None

    async def _post(
        self, url: str, body: bytes, headers: Mapping[str, str], trust: ssl.SSLContext
    ) -> Answer:
        sent: list[tuple[bytes | str, bytes | str]] = [
            ("accept-encoding", "identity"),
            ("connection", "close"),
            *headers.items(),
        ]
        async with (
            httpcore.AsyncConnectionPool(
                trust, max_keepalive_connections=0, network_backend=self._backend
            ) as pool,
            pool.stream("POST", url, headers=sent, content=body) as answer,
        ):
            read = 0
            async for piece in answer.aiter_stream():
                read += len(piece)
                if read > ANSWER_BYTES:
                    raise OutboundFailed("its answer is too large")
            return Answer(answer.status, b"")
