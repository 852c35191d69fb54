"""Traders who remember everything they were told, so that it can be held against the exchange.

Laws: every placing has a client id of its own and is kept with the answer it got, or with none; a
placing without an answer is sent again unchanged until it has one; what somebody was told once is
told again in the same words. Whether all answers fit together is for `told_history` to say.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
from websockets.exceptions import ConnectionClosedError, InvalidHandshake

from tests.gateway.socket_client import SocketClient, socket_client
from tests.server_process import ServerProcess, until

ANSWERED: Final = frozenset({200, 201, 400, 403, 404, 409, 422})
"""Final answers; anything else (503, 504, a lost connection) says nothing about the outcome."""
_IN_FLIGHT: Final = 8
_REST_LANES: Final = 2
_PRICES: Final = tuple(f"0.{cents}" for cents in range(42, 59))


@dataclass(frozen=True, slots=True)
class Told:
    """A final answer, over REST or the socket: data, or the error of a refusal."""

    ok: bool
    content: dict[str, Any]
    replayed: bool


@dataclass(slots=True)
class Placing:
    """An order that was sent, and what its sender was told."""

    account_id: int
    body: dict[str, Any]
    told: Told | None = None


@dataclass(slots=True)
class Cancelling:
    """A cancel that was sent, and the order as it was shown after it (None: not known)."""

    order_id: str
    told: Told | None = None


@dataclass
class Trader:
    """One account and all it ever sent."""

    server: ServerProcess
    market: str
    id: int
    token: str
    rng: random.Random
    placings: dict[str, Placing] = field(default_factory=dict)
    cancellings: list[Cancelling] = field(default_factory=list)

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    # -- what is sent -------------------------------------------------------------------------

    def new_placing(self) -> Placing:
        """Return an order to be sent, and remember it."""
        rng = self.rng
        body: dict[str, Any] = {
            "side": rng.choice(("BUY", "BUY", "SELL")),
            "outcome": rng.choice(("YES", "NO")),
            "type": "LIMIT",
            "quantity": str(rng.randint(1, 20)),
            "clientOrderId": f"{self.id}-{len(self.placings)}",
        }
        if rng.random() < 0.1:
            body["type"] = "MARKET"
        else:
            body["price"] = rng.choice(_PRICES)
            body["timeInForce"] = rng.choices(("GTC", "IOC", "FOK"), (8, 1, 1))[0]
        placing = Placing(self.id, body)
        self.placings[body["clientOrderId"]] = placing
        return placing

    def _open_order(self) -> str | None:
        """Return some order that was resting when it was placed and that nobody cancels yet."""
        sent = {cancelling.order_id for cancelling in self.cancellings[-200:]}
        recent = list(self.placings.values())[-60:]
        open_ids = [
            placing.told.content["order"]["id"]
            for placing in recent
            if placing.told is not None
            and placing.told.ok
            and placing.told.content["order"]["status"] in {"OPEN", "PARTIAL"}
        ]
        candidates = [order_id for order_id in open_ids if order_id not in sent]
        return self.rng.choice(candidates) if candidates else None

    async def _act(
        self,
        place: Callable[[dict[str, Any]], Awaitable[Told | None]],
        cancel: Callable[[str], Awaitable[Told | None]],
    ) -> bool:
        """Send one command; False if there was no answer."""
        order_id = self._open_order() if self.rng.random() < 0.3 else None
        if order_id is not None:
            cancelling = Cancelling(order_id)
            self.cancellings.append(cancelling)
            cancelling.told = await cancel(order_id)
            return cancelling.told is not None
        placing = self.new_placing()
        placing.told = await place(placing.body)
        return placing.told is not None

    # -- over REST ----------------------------------------------------------------------------

    async def trade_by_rest(self, stop: asyncio.Event) -> None:
        """Send one command after the other until told to stop, or until an answer fails to come."""
        async with httpx.AsyncClient(base_url=f"{self.server.url}/api/v1") as client:

            async def place(body: dict[str, Any]) -> Told | None:
                return await self.post(client, body)

            async def cancel(order_id: str) -> Told | None:
                return await self.delete(client, order_id)

            while not stop.is_set() and await self._act(place, cancel):
                pass

    async def post(self, client: httpx.AsyncClient, body: dict[str, Any]) -> Told | None:
        """Place an order; None if the outcome isn't known."""
        return await self._told(client, "POST", f"/orders/{self.market}", body)

    async def delete(self, client: httpx.AsyncClient, order_id: str) -> Told | None:
        """Cancel an order; None if the outcome isn't known."""
        return await self._told(client, "DELETE", f"/orders/{order_id}", None)

    async def _told(
        self, client: httpx.AsyncClient, method: str, path: str, body: object
    ) -> Told | None:
        try:
            answer = await client.request(method, path, headers=self.headers, json=body)
        except httpx.TransportError:
            return None
        if answer.status_code not in ANSWERED:
            assert answer.status_code in {503, 504}, answer.text
            return None
        envelope = answer.json()
        return _told(answer.is_success, envelope["data" if answer.is_success else "error"])

    # -- over the socket ----------------------------------------------------------------------

    async def trade_by_socket(self, stop: asyncio.Event) -> None:
        """Keep several commands in flight until told to stop, or until an answer fails to come."""
        try:
            async with socket_client(self.server.port, self.token) as client:
                await asyncio.gather(
                    *(self._trade_in_flight(client, stop) for _ in range(_IN_FLIGHT))
                )
        except (OSError, InvalidHandshake, ConnectionClosedError) as error:
            # Killed before the socket was open; a server that only stumbles says so.
            if isinstance(error, ConnectionClosedError) and error.rcvd is not None:
                raise

    async def _trade_in_flight(self, client: SocketClient, stop: asyncio.Event) -> None:
        async def place(body: dict[str, Any]) -> Told | None:
            return await _ack(client, "order:place", {"market": self.market, **body})

        async def cancel(order_id: str) -> Told | None:
            return await _ack(client, "order:cancel", {"orderId": order_id})

        while not stop.is_set() and await self._act(place, cancel):
            pass

    # -- after a restart ----------------------------------------------------------------------

    async def settle(self, client: httpx.AsyncClient) -> int:
        """Send again what has no answer, under the same ids; return how many had none."""
        unanswered = 0
        for placing in self.placings.values():
            if placing.told is None:
                unanswered += 1
                placing.told = await self.post(client, placing.body)
                assert placing.told is not None, placing.body
        for cancelling in self.cancellings:
            if cancelling.told is None:
                unanswered += 1
                cancelling.told = await self._settled_cancel(client, cancelling.order_id)
        return unanswered

    async def _settled_cancel(self, client: httpx.AsyncClient, order_id: str) -> Told:
        """Cancel again; if the order has ended, what it shows says by what."""
        told = await self.delete(client, order_id)
        assert told is not None
        if told.ok:
            return told
        assert told.content["code"] == "ORDER_NOT_OPEN", told
        answer = await client.get(f"/orders/{order_id}", headers=self.headers)
        order = answer.raise_for_status().json()["data"]
        if order["status"] == "CANCELLED" and order["cancelReason"] == "USER":
            return Told(True, {"order": order}, replayed=True)
        return told

    async def repeat(self, client: httpx.AsyncClient, placings: list[Placing]) -> None:
        """Send answered placings again: the first answer comes again, word for word."""
        for placing in placings:
            told = placing.told
            assert told is not None
            again = await self.post(client, placing.body)
            assert again == Told(told.ok, told.content, replayed=True), (placing, again)


def everybody_trades(traders: list[Trader], stop: asyncio.Event) -> Iterator[asyncio.Task[None]]:
    """Start all lanes of all traders, over REST and the socket at once."""
    for trader in traders:
        for _ in range(_REST_LANES):
            yield asyncio.create_task(trader.trade_by_rest(stop))
        yield asyncio.create_task(trader.trade_by_socket(stop))


def answered(traders: list[Trader]) -> int:
    """Return how many placings are answered so far, over all."""
    return sum(p.told is not None for t in traders for p in t.placings.values())


async def some_answers(traders: list[Trader], count: int) -> None:
    """Wait until so many placings are answered, over all."""
    await until(lambda: answered(traders) >= count)


async def _ack(client: SocketClient, event: str, payload: dict[str, Any]) -> Told | None:
    future = client.emit(event, payload)
    closed = asyncio.create_task(client.closed.wait())
    await asyncio.wait({future, closed}, return_when=asyncio.FIRST_COMPLETED)
    closed.cancel()
    if not future.done() or future.cancelled():
        return None
    answer = future.result()
    if answer["ok"]:
        return _told(True, answer["data"])
    if answer["error"]["code"] in {"UNAVAILABLE", "UNKNOWN_OUTCOME"}:
        return None
    return _told(False, answer["error"])


def _told(ok: bool, content: dict[str, Any]) -> Told:
    plain = {name: value for name, value in content.items() if name != "replayed"}
    return Told(ok, plain, bool(content.get("replayed", False)))
