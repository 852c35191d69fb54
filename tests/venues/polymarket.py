"""Polymarket on loopback: Gamma, the CLOB, the Data-API and the market channel, with samples that
were written here in the venue's shapes.

Laws: lists page by `limit` and `offset` as Gamma does, and hide what is closed unless it is asked
for; the socket sends a book for each subscription, takes PING and answers PONG.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from msgspec.json import decode, encode
from starlette.requests import Request
from starlette.responses import Response
from websockets.asyncio.server import ServerConnection

from tests.venues.socket_stand_in import SocketStandIn
from tests.venues.stand_in import StandIn, answer

NOW_MS = 1_770_921_571_394


def condition_id(number: int) -> str:
    """The id of a sample market."""
    return f"0x{number:064x}"


def tokens(number: int) -> tuple[str, str]:
    """The token ids of a sample market, YES first."""
    return str(7 * 10**70 + 2 * number), str(7 * 10**70 + 2 * number + 1)


def sample_market(number: int, **changed: Any) -> dict[str, Any]:
    """An open market as Gamma shows it."""
    yes, no = tokens(number)
    return {
        "id": str(number),
        "question": f"Will sample {number} happen?",
        "conditionId": condition_id(number),
        "slug": f"sample-{number}",
        "description": "Written for tests.",
        "outcomes": '["Yes", "No"]',
        "outcomePrices": '["0.55", "0.45"]',
        "clobTokenIds": encode([yes, no]).decode(),
        "active": True,
        "closed": False,
        "archived": False,
        "acceptingOrders": True,
        "enableOrderBook": True,
        "endDate": "2026-12-31T12:00:00Z",
        "createdAt": "2026-01-01T00:00:00.5Z",
        "updatedAt": "2026-02-12T18:39:31.394Z",
        "bestBid": 0.54,
        "bestAsk": 0.56,
        "lastTradePrice": 0.55,
        "orderPriceMinTickSize": 0.01,
        "orderMinSize": 5,
        "volume": "1234.5678901",
        "volumeNum": 1234.5678901,
        "volume24hr": 10.5,
        "liquidity": "99.25",
        "liquidityNum": 99.25,
        "feesEnabled": False,
        **changed,
    }


def sample_event(number: int, markets: list[dict[str, Any]], **changed: Any) -> dict[str, Any]:
    """An event as Gamma shows it."""
    tags = [{"id": "1", "label": "All", "slug": "all"}, {"label": "Crypto", "slug": "crypto"}]
    return {
        "id": str(number),
        "title": f"Event {number}",
        "slug": f"event-{number}",
        "negRisk": len(markets) > 1,
        "tags": tags,
        "markets": markets,
        **changed,
    }


def sample_book(token: str, market: str) -> dict[str, Any]:
    """A book as the CLOB shows it: best levels last."""
    return {
        "market": market,
        "asset_id": token,
        "timestamp": str(NOW_MS),
        "hash": "0" * 40,
        "bids": [{"price": "0.1", "size": "50"}, {"price": "0.54", "size": "100.5"}],
        "asks": [{"price": "0.9", "size": "20"}, {"price": "0.56", "size": "7.255"}],
    }


@dataclass
class PolymarketStandIn:
    """The venue's four addresses."""

    events: list[dict[str, Any]] = field(default_factory=list)
    clob_markets: dict[str, dict[str, Any]] = field(default_factory=dict)
    trades: list[dict[str, Any]] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    is_mute: bool = False
    """Whether the socket takes subscriptions and sends no book."""
    ignores_offset: bool = False
    gamma: StandIn = field(init=False)
    clob: StandIn = field(init=False)
    data: StandIn = field(init=False)
    socket: SocketStandIn = field(init=False)

    def __post_init__(self) -> None:
        self.gamma = StandIn({
            "/events": self._events, "/markets": self._markets, "/public-search": self._search,
            "/tags": self._tags,
        })  # fmt: skip
        self.clob = StandIn({
            "/book": self._book, "/books": self._books, "/prices-history": self._history,
            "/midpoint": self._midpoint, "/markets/{id}": self._clob_market,
            "/markets": self._clob_markets,
        })  # fmt: skip
        self.data = StandIn({"/trades": self._trades})
        self.socket = SocketStandIn(self._talk)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["PolymarketStandIn"]:
        """Listen on all of them until the block's end."""
        async with AsyncExitStack() as stack:
            for one in (self.gamma, self.clob, self.data, self.socket):
                await stack.enter_async_context(one.running())
            yield self

    @property
    def environment(self) -> Mapping[str, str]:
        """The settings that lead here."""
        return {
            "POLYMARKET_API_URL": self.gamma.url,
            "POLYMARKET_CLOB_URL": self.clob.url,
            "POLYMARKET_DATA_URL": self.data.url,
            "POLYMARKET_WS_URL": self.socket.url,
            "POLYMARKET_REQUESTS_PER_MINUTE": "60000",
        }

    def _all_markets(self) -> list[dict[str, Any]]:
        found = []
        for event in self.events:
            outer = {k: v for k, v in event.items() if k != "markets"}
            found += [{**market, "events": [outer]} for market in event["markets"]]
        return found

    def _page(self, request: Request, rows: list[dict[str, Any]]) -> Response:
        query = request.query_params
        if query.get("closed") is not None:
            wanted = query["closed"] == "true"
            rows = [row for row in rows if bool(row.get("closed")) == wanted]
        at = 0 if self.ignores_offset else int(query.get("offset", "0"))
        return answer(encode(rows[at : at + int(query.get("limit", "20"))]))

    async def _events(self, request: Request) -> Response:
        return self._page(request, self.events)

    async def _markets(self, request: Request) -> Response:
        rows = self._all_markets()
        if ids := request.query_params.getlist("condition_ids"):
            rows = [row for row in rows if row.get("conditionId") in ids]
        if request.query_params.get("closed") is None:
            rows = [row for row in rows if not row.get("closed")]
        return self._page(request, rows)

    async def _search(self, request: Request) -> Response:
        text = request.query_params["q"].lower()
        found = [event for event in self.events if text in event["title"].lower()]
        return answer(encode({"events": found, "pagination": {"hasMore": False}}))

    async def _tags(self, _: Request) -> Response:
        return answer(b'[{"id":"1","label":"Crypto","slug":"crypto"},{"id":"2"}]')

    def _market_of(self, token: str) -> str | None:
        for market in self._all_markets():
            if token in str(market.get("clobTokenIds")):
                return str(market["conditionId"])
        return None

    async def _book(self, request: Request) -> Response:
        token = request.query_params["token_id"]
        market = self._market_of(token)
        if market is None:
            return answer(b'{"error":"No orderbook exists for the requested token id"}', 404)
        return answer(encode(sample_book(token, market)))

    async def _books(self, request: Request) -> Response:
        wanted = [one["token_id"] for one in decode(await request.body())]
        found = [(token, self._market_of(token)) for token in wanted]
        return answer(encode([sample_book(token, market) for token, market in found if market]))

    async def _history(self, _: Request) -> Response:
        return answer(encode({"history": self.history}))

    async def _midpoint(self, _: Request) -> Response:
        return answer(b'{"mid":"0.555"}')

    async def _clob_market(self, request: Request) -> Response:
        found = self.clob_markets.get(request.path_params["id"])
        return answer(b"{}", 404) if found is None else answer(encode(found))

    async def _clob_markets(self, _: Request) -> Response:
        rows = list(self.clob_markets.values())
        return answer(encode({"data": rows, "next_cursor": "LTE=", "limit": 1000, "count": 1}))

    async def _trades(self, request: Request) -> Response:
        market = request.query_params["market"]
        rows = [row for row in self.trades if row["conditionId"] == market]
        return answer(encode(rows[: int(request.query_params["limit"])]))

    async def _talk(self, connection: ServerConnection) -> None:
        async for text in connection:
            self.socket.heard.append(str(text))
            if text == "PING":
                await connection.send("PONG")
                continue
            asked = decode(text)
            if self.is_mute or asked.get("operation") == "unsubscribe":
                continue
            books = [
                {"event_type": "book", **sample_book(token, market)}
                for token in asked["assets_ids"]
                if (market := self._market_of(token)) is not None
            ]
            if books:
                await connection.send(encode(books).decode())
