"""Kalshi on loopback: trade-api v2 with its paths, cursors, ways in and limits, and its socket.

    async with KalshiStandIn(events=[...], markets=[...]).running() as venue:
        client = Kalshi(venue.settings(), ...)

Laws: what is signed is verified with the public key and refused when its time is off, as there; a
token of a login has an end; `needs_account` closes what is public, so that a test sees who asks.
"""

import base64
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from starlette.requests import Request
from starlette.responses import Response
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request as Upgrade
from websockets.http11 import Response as Refusal

from gateway.feeds.kalshi.settings import KalshiSettings, Secret
from tests.venues.kalshi_socket import KalshiSocket
from tests.venues.socket_stand_in import SocketStandIn
from tests.venues.stand_in import StandIn, answer

API = "/trade-api/v2"
SOCKET = "/trade-api/ws/v2"
KEY_ID = "a952bcbe-ec3b-4b5b-b8f9-11dae589608c"
EMAIL, PASSWORD = "somebody@example.org", "correct horse"
STALE_S = 5.0
KEY = rsa.generate_private_key(65_537, 2_048)
"""The key of whoever asks; the stand-in knows its public half."""


@dataclass
class _SignedSocket(SocketStandIn):
    """A socket whose handshakes are signed, or bear a token."""

    is_somebody: Callable[[dict[str, str], str], bool] | None = None

    def _greet(self, connection: ServerConnection, request: Upgrade) -> Refusal | None:
        refused = super()._greet(connection, request)
        is_known = self.is_somebody is not None and self.is_somebody(
            self.handshakes[-1], request.path
        )
        if refused is None and not is_known:
            return connection.respond(HTTPStatus.UNAUTHORIZED, "nobody\n")
        return refused


@dataclass
class KalshiStandIn:
    """The venue."""

    events: list[dict[str, Any]] = field(default_factory=list)
    """With their markets in them, if they have any."""
    markets: list[dict[str, Any]] = field(default_factory=list)
    """Those of no event, such as combos."""
    series: list[dict[str, Any]] = field(default_factory=list)
    books: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The answers of `/orderbook`."""
    trades: list[dict[str, Any]] = field(default_factory=list)
    """Of all markets, newest first."""
    candles: dict[tuple[str, int], list[dict[str, Any]]] = field(default_factory=dict)
    """By ticker and minutes."""
    status: dict[str, Any] = field(
        default_factory=lambda: {"exchange_active": True, "trading_active": True}
    )
    page: int = 2
    """Most rows of a page, whatever the limit that is asked for."""
    has_cursor_loop: bool = False
    overlap: int = 0
    """Rows of a page that the one before had, too."""
    needs_account: bool = False
    tokens: dict[str, float] = field(default_factory=dict)
    """Tokens and when they end (monotonic)."""
    token_life_s: float = 1_800.0
    logins: int = 0
    rest: StandIn = field(init=False)
    socket: _SignedSocket = field(init=False)
    talk: KalshiSocket = field(default_factory=lambda: KalshiSocket({}))
    """The socket's state; a connection begins without subscriptions."""

    def __post_init__(self) -> None:
        """Lay out the paths."""
        guarded = {
            "/exchange/status": self._status,
            "/events": self._events,
            "/events/{event_ticker}": self._event,
            "/series": self._series,
            "/markets/trades": self._trades,
            "/markets/candlesticks": self._candles,
            "/markets/{ticker}/orderbook": self._book,
            "/markets": self._markets,
        }
        paths = {API + path: self._guarded(handler) for path, handler in guarded.items()}
        self.rest = StandIn({**paths, API + "/login": self._login})
        self.socket = _SignedSocket(self._talk)
        self.socket.is_somebody = lambda headers, path: self._is_somebody(headers, "GET", path)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["KalshiStandIn"]:
        """Listen until the block's end."""
        async with self.rest.running(), self.socket.running():
            yield self

    def settings(self, *, key: bool = False, account: bool = False) -> KalshiSettings:
        """What a client needs to ask here, as nobody unless something else is said."""
        return KalshiSettings(
            api_url=self.rest.url + API,
            ws_url=self.socket.url + SOCKET,
            key_id=KEY_ID if key else None,
            private_key=KEY if key else None,
            email=EMAIL if account else None,
            password=Secret(PASSWORD) if account else None,
        )

    def asked(self, path: str) -> int:
        """How often a path of the API was asked."""
        return self.rest.asked(API + path)

    def expire(self) -> None:
        """End every token now."""
        self.tokens = dict.fromkeys(self.tokens, 0.0)

    async def say(self, frames: Iterable[str]) -> None:
        """Say this to whoever is connected."""
        for frame in frames:
            await self.socket.say(frame)

    def _is_somebody(self, headers: dict[str, str], method: str, path: str) -> bool:
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        if self.tokens.get(bearer, 0.0) > time.monotonic():
            return True
        at = headers.get("kalshi-access-timestamp", "")
        if headers.get("kalshi-access-key") != KEY_ID or not at.isdigit():
            return False
        now = time.time() + self.rest.clock_ahead_s
        if abs(int(at) / 1_000 - now) > STALE_S:
            return False
        salt = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        try:
            signature = base64.b64decode(headers.get("kalshi-access-signature", ""), validate=True)
            signed = f"{at}{method}{path}".encode()
            KEY.public_key().verify(signature, signed, salt, hashes.SHA256())
        except (ValueError, InvalidSignature):
            return False
        return True

    def _guarded(self, handler: Any) -> Any:
        async def guarded(request: Request) -> Response:
            headers = dict(request.headers)
            is_anonymous = not headers.keys() & {"authorization", "kalshi-access-key"}
            is_open = is_anonymous and not self.needs_account
            if not is_open and not self._is_somebody(headers, request.method, request.url.path):
                return answer(b'{"error":{"code":"authentication_error"}}', 401)
            told: Response = handler(request)
            return told

        return guarded

    async def _login(self, request: Request) -> Response:
        self.logins += 1
        if await request.json() != {"email": EMAIL, "password": PASSWORD}:
            return answer(b'{"error":{"code":"authentication_error"}}', 401)
        token = f"token-{self.logins}"
        self.tokens[token] = time.monotonic() + self.token_life_s
        return _json({"token": token, "member_id": "m"})

    def _status(self, _: Request) -> Response:
        return _json(self.status)

    def _events(self, request: Request) -> Response:
        assert request.query_params["with_nested_markets"] == "true"
        return self._page(request, "events", self.events)

    def _event(self, request: Request) -> Response:
        ticker = request.path_params["event_ticker"]
        for event in self.events:
            if event["event_ticker"] == ticker:
                alone = {name: value for name, value in event.items() if name != "markets"}
                return _json({"event": alone, "markets": event.get("markets") or []})
        return answer(b'{"error":{"code":"not_found"}}', 404)

    def _series(self, _: Request) -> Response:
        return _json({"series": self.series})

    def _markets(self, request: Request) -> Response:
        wanted = request.query_params["tickers"].split(",")
        nested = [market for event in self.events for market in event.get("markets") or []]
        found = [market for market in nested + self.markets if market["ticker"] in wanted]
        return _json({"markets": found, "cursor": ""})

    def _trades(self, request: Request) -> Response:
        ticker = request.query_params["ticker"]
        return self._page(request, "trades", [t for t in self.trades if t["ticker"] == ticker])

    def _candles(self, request: Request) -> Response:
        asked = request.query_params
        ticker, minutes = asked["market_tickers"], int(asked["period_interval"])
        first, last = int(asked["start_ts"]), int(asked["end_ts"])
        if (last - first) // (60 * minutes) > 5_000:
            return answer(b'{"error":{"code":"bad_request"}}', 400)
        found = [
            candle
            for candle in self.candles.get((ticker, minutes), [])
            if first <= candle["end_period_ts"] <= last
        ]
        return _json({"markets": [{"market_ticker": ticker, "candlesticks": found}]})

    def _book(self, request: Request) -> Response:
        found = self.books.get(request.path_params["ticker"])
        return answer(b'{"error":{"code":"not_found"}}', 404) if found is None else _json(found)

    def _page(self, request: Request, name: str, rows: list[dict[str, Any]]) -> Response:
        begin = int(base64.b64decode(request.query_params.get("cursor", "")) or 0)
        end = begin + min(self.page, int(request.query_params["limit"]))
        following = 0 if self.has_cursor_loop and end >= len(rows) else end - self.overlap
        is_last = end >= len(rows) and not self.has_cursor_loop
        cursor = "" if is_last else base64.b64encode(str(following).encode()).decode()
        return _json({name: rows[begin:end], "cursor": cursor})

    async def _talk(self, connection: ServerConnection) -> None:
        self.talk.subscriptions.clear()
        async for command in connection:
            if not self.socket.is_frozen:
                for frame in self.talk.hear(str(command)):
                    await connection.send(frame)


def _json(value: Any) -> Response:
    return answer(json.dumps(value).encode())
