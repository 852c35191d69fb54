"""A holder whose stops all wait for one price, and a bid there that brings it when it is taken."""

import asyncio
from typing import Any

import httpx

from exchange.messages.events import TradeExecuted
from exchange.messages.execution import Execution
from exchange.messages.waiting_events import OrdersReached, OrderTriggered
from persistence.postgres.database import Connection
from tests.server_process import ServerProcess

SLUG = "rain-tomorrow"
TAKES_THE_BID = {"side": "BUY", "outcome": "NO", "type": "LIMIT", "quantity": "1", "price": "0.55"}
"""What brings the price to where all of them are due."""
_WAITING = "SELECT count(*) FROM orders WHERE status = 7"


class HeldStops:
    """The stops, and who may trade against them."""

    def __init__(self, server: ServerProcess, count: int) -> None:
        self.server = server
        self.count = count
        server.market(SLUG)
        self._tokens = [server.trader()[1] for _ in range(3)]

    async def place(self) -> None:
        """Let the stops wait, with bids for all of them below."""
        stop = {"type": "STOP", "triggerPrice": "0.45"}
        await self._order(0, "BUY YES", self.count, "0.50")
        await self._order(1, "BUY NO", self.count, "0.50")
        stops = [self._order(0, "SELL YES", 1, None, **stop) for _ in range(self.count)]
        await asyncio.gather(*stops)
        await self._order(2, "BUY YES", self.count, "0.40")
        await self._order(2, "BUY YES", 1, "0.45")

    async def take_the_bid(self, path: str, body: dict[str, Any]) -> Any:
        """Send what brings the price down; return what is answered."""
        answer = await self._post(1, path, body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()["data"]

    async def _order(
        self, who: int, text: str, quantity: int, price: str | None, **more: str
    ) -> None:
        side, outcome = text.split()
        body = {"side": side, "outcome": outcome, "type": "LIMIT", "quantity": str(quantity)}
        body |= {"price": price} if price else {}
        answer = await self._post(who, f"/orders/{SLUG}", body | more)
        assert answer.status_code == 201, answer.text

    async def _post(self, who: int, path: str, body: dict[str, Any]) -> httpx.Response:
        headers = {"authorization": f"Bearer {self._tokens[who]}"}
        async with httpx.AsyncClient(base_url=f"{self.server.url}/api/v1", timeout=60) as client:
            return await client.post(path, json=body, headers=headers)


async def until_waiting(connection: Connection, count: int) -> None:
    """Wait until so many orders wait, as the tables have it."""
    async with asyncio.timeout(60):
        while await connection.fetchval(_WAITING) != count:  # noqa: ASYNC110 - it says nothing
            await asyncio.sleep(0.02)


def check_triggers(executions: list[Execution], count: int) -> None:
    """See that so many stops were reached by one command, and that each sold its one share once, in
    the order in which they were due.
    """
    events = [event for execution in executions for event in execution.events]
    reached = [event.order_ids for event in events if isinstance(event, OrdersReached)]
    assert [len(ids) for ids in reached] == [count]
    triggered = [event.order_id for event in events if isinstance(event, OrderTriggered)]
    assert triggered == reached[0]
    sellers = [event.taker_order_id for event in events if isinstance(event, TradeExecuted)]
    assert [order_id for order_id in sellers if order_id in triggered] == triggered
