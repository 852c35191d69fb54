"""Who trades and who reads while an exchange is upgraded under them, and what they notice of it.

Laws: a trader who got no answer sends the same order again until there is one, so that the longest
time between two acknowledgements is how long nobody could trade; a reader whose connection ends
goes to the next gateway that lets it in, and each message of its book has to fit the one before,
by sequence and checksum.
"""

import asyncio
import itertools
import time
from typing import Any, Final

import httpx
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.faults.trading_load import Placing, Told, Trader
from tests.gateway.socket_client import BookModel, socket_client
from tests.server_process import ServerProcess

_AGAIN_SECONDS: Final = 0.02
_ANSWER_SECONDS: Final = 10.0


async def trade_through(trader: Trader, stop: asyncio.Event) -> list[float]:
    """Place one order after another, each until it is answered; return when each was.

    Moments are those of `time.monotonic`, in seconds.
    """
    moments: list[float] = []
    url = f"{trader.server.url}/api/v1"
    async with httpx.AsyncClient(base_url=url, timeout=_ANSWER_SECONDS) as client:
        while not stop.is_set():
            placing = trader.new_placing()
            placing.told = await _answer(client, trader, placing)
            moments.append(time.monotonic())
    return moments


async def _answer(client: httpx.AsyncClient, trader: Trader, placing: Placing) -> Told:
    while True:
        told = await trader.post(client, placing.body)
        if told is not None:
            return told
        await asyncio.sleep(_AGAIN_SECONDS)


def longest(moments: list[float]) -> float:
    """Return the longest time between two moments, in seconds."""
    return max(later - sooner for sooner, later in itertools.pairwise(moments))


class Reader:
    """One who follows the book of YES at whichever of some gateways is there."""

    def __init__(self, gateways: list[ServerProcess], slug: str, token: str) -> None:
        self.model = BookModel()
        self.connections = 0
        self.longest_s = 0.0
        """The longest time without a connection."""
        self._ports = itertools.cycle([gateway.port for gateway in gateways])
        self._market = {"slug": slug, "outcome": "YES"}
        self._token = token

    async def follow(self) -> None:
        """Follow until cancelled."""
        lost = time.monotonic()
        while True:
            try:
                async with socket_client(next(self._ports), self._token) as client:
                    await client.ok("subscribe:market", self._market)
                    self.connections += 1
                    self.longest_s = max(self.longest_s, time.monotonic() - lost)
                    read = 0
                    while not client.closed.is_set():
                        heard = client.heard("orderbook_update")
                        for message in heard[read:]:
                            self.model.apply(message)
                        read = len(heard)
                        await asyncio.sleep(_AGAIN_SECONDS)
                    lost = time.monotonic()
            except (OSError, ConnectionClosed, InvalidHandshake, asyncio.CancelledError):
                # A connection that ends cancels what waits on it; so does who ends this reader.
                me = asyncio.current_task()
                if me is not None and me.cancelling():
                    raise
                await asyncio.sleep(_AGAIN_SECONDS)


def says_the_same(now: Any, then: Any) -> bool:
    """Say whether an answer holds all of an earlier version's; fields that are new may be there."""
    if isinstance(then, dict):
        return isinstance(now, dict) and all(
            name in now and says_the_same(now[name], value) for name, value in then.items()
        )
    if isinstance(then, list):
        return (
            isinstance(now, list) and len(now) == len(then) and all(map(says_the_same, now, then))
        )
    return bool(now == then)
