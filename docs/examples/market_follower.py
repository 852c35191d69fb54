"""Follows one market and one's own account, and holds both exactly, whatever gets lost on the way.

    pip install "python-socketio[asyncio-client]" httpx
    EMAIL=... PASSWORD=... python market_follower.py http://localhost:8080 rain-tomorrow

It keeps the book of YES, the tape, and one's orders, fills, balance and positions as market-data.md
tells. With each heartbeat it looks whether it has everything that the heartbeat speaks of, mends
what is missing, and prints one line of JSON with all that it holds once that is sure.

Law: what was had already changes nothing; what is missing is noticed by the next heartbeat that
comes, and asked for again until it is there.
"""

import asyncio
import json
import logging
import os
import random
import sys
from collections import Counter
from contextlib import suppress
from typing import Any

import httpx
import socketio

from trading_client import PRICE, SHARES, Api, Book, Refused, decimal, units

SILENCE_SECONDS, ANSWER_SECONDS, LONGEST_PAUSE_SECONDS = 4.0, 1.0, 5.0
FEW = 5
CHANNELS = ["book", "trades", "lifecycle"]
FAILURES = (OSError, httpx.HTTPError, socketio.exceptions.SocketIOError)


class Public:
    """The market: its book, the trades since we came, its status."""

    def __init__(self) -> None:
        self.book = Book()
        self.early: dict[int, dict[str, Any]] = {}  # deltas that came too early, by prevSeq
        self.trades: dict[int, dict[str, Any]] = {}  # by tradeNo
        self.trade_no: int | None = None  # all trades up to here are there
        self.traded_at = 0  # the seq behind which the next missing trade lies
        self.status, self.status_at = "", 0

    def on_book(self, update: dict[str, Any]) -> bool:
        """Take a book message; False: the book that came of it isn't the exchange's."""
        book = self.book
        if book.seq is not None and (update["epoch"], update["seq"]) <= (book.epoch, book.seq):
            return True  # had already
        if not book.apply(update):
            self.early[update["prevSeq"]] = update
            return True
        if book.checksum() != update["checksum"]:
            return False
        later = self.early.pop(update["seq"], None)
        return later is None or self.on_book(later)

    def on_trade(self, trade: dict[str, Any]) -> None:
        self.trades[trade["tradeNo"]] = trade
        if self.trade_no is not None:
            while self.trade_no + 1 in self.trades:
                self.trade_no += 1
                self.traded_at = self.trades[self.trade_no]["seq"]

    def on_market(self, market: dict[str, Any]) -> None:
        if market["seq"] > self.status_at:
            self.status, self.status_at = market["status"], market["seq"]

    def subscribed(self, ack: dict[str, Any]) -> None:
        """Begin the tape where the first subscription did."""
        if self.trade_no is None:
            self.trade_no, self.traded_at = ack["tradeNo"], ack["seq"]
            self.trades = {n: trade for n, trade in self.trades.items() if n > ack["tradeNo"]}


class Private:
    """The account: every order, fill and position, and the balance."""

    def __init__(self) -> None:
        self.seq = -1  # all private messages up to here are known, or what they told
        self.heard: set[int] = set()  # later ones that have come
        self.orders: dict[str, dict[str, Any]] = {}
        self.fills: dict[tuple[str, str], dict[str, Any]] = {}  # by trade and order
        self.balance: dict[str, Any] = {"accountSeq": -1}
        self.positions: dict[tuple[str, str], dict[str, Any]] = {}

    def on_order(self, order: dict[str, Any]) -> None:
        known = self.orders.get(order["id"])
        if known is None or order["seq"] >= known["seq"]:
            self.orders[order["id"]] = order
        if "accountSeq" in order:
            self.note(order["accountSeq"])

    def on_fill(self, fill: dict[str, Any]) -> None:
        self.fills[fill["tradeId"], fill["orderId"]] = fill

    def on_balance(self, balance: dict[str, Any]) -> None:
        if balance["accountSeq"] > self.balance["accountSeq"]:
            self.balance = balance
        self.note(balance["accountSeq"])

    def on_position(self, position: dict[str, Any]) -> None:
        key = position["marketId"], position["outcome"]
        known = self.positions.get(key)
        if known is None or position["accountSeq"] > known["accountSeq"]:
            self.positions[key] = position
        self.note(position["accountSeq"])

    def note(self, seq: int) -> None:
        """Go on as far as nothing is missing in between."""
        if seq > self.seq:
            self.heard.add(seq)
        while self.seq + 1 in self.heard:
            self.seq += 1
            self.heard.remove(self.seq)

    def was_read(self, seq: int) -> None:
        """Go on from what was read: it holds all that messages up to `seq` told."""
        self.seq = max(self.seq, seq)
        self.heard = {later for later in self.heard if later > self.seq}
        if self.seq + 1 in self.heard:
            self.note(self.seq + 1)

    def unfilled(self) -> list[str]:
        """Return the orders whose fills don't add up to what was filled."""
        sums: Counter[str] = Counter()
        for fill in self.fills.values():
            sums[fill["orderId"]] += units(fill["quantity"], SHARES)
        return [
            o["id"] for o in self.orders.values() if units(o["filled"], SHARES) != sums[o["id"]]
        ]


class Follower:
    """Follows over one socket after the other."""

    def __init__(self, url: str, market: str, api: Api) -> None:
        self.url, self.market, self.api = url, market, api
        self.public, self.private = Public(), Private()
        self.repairs: Counter[str] = Counter()
        self.retry_after = self.pause = 0.0

    async def live(self) -> None:
        """Follow for ever, again whenever a connection ends."""
        while True:
            try:
                await self.one_connection()
            except (Refused, *FAILURES) as error:
                logging.warning("%s", error or type(error).__name__)
            self.pause = min(2 * self.pause + 0.1, LONGEST_PAUSE_SECONDS)
            await asyncio.sleep(max(self.retry_after, self.pause) * random.uniform(1, 1.5))

    async def one_connection(self) -> None:
        """Follow until the connection ends; raises one of FAILURES, or Refused."""
        self.beats: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.is_book_right, self.retry_after = True, 0.0
        self.socket = socketio.AsyncClient(reconnection=False)
        # Plain functions: these the library calls in the order of the messages.
        self.socket.on("connect_error", self.on_refusal)
        self.socket.on("heartbeat", self.beats.put_nowait)
        self.socket.on("orderbook_update", self.on_book)
        self.socket.on("trade_executed", self.public.on_trade)
        self.socket.on("market_updated", self.public.on_market)
        for name in ("order_placed", "order_updated", "order_cancelled"):
            self.socket.on(name, self.private.on_order)
        self.socket.on("order_filled", self.private.on_fill)
        self.socket.on("balance_updated", self.private.on_balance)
        self.socket.on("position_updated", self.private.on_position)
        await self.api.fresh()
        auth = {"token": self.api.token}
        try:
            await self.socket.connect(
                self.url, auth=auth, transports=["websocket"], socketio_path="ws", wait_timeout=5
            )
            with suppress(Refused):  # else the first heartbeat sees to it
                await self.subscribe()
            while True:
                # A dead line says nothing; a socket that has ended neither.
                beat = await asyncio.wait_for(self.beats.get(), SILENCE_SECONDS)
                self.pause = 0.0
                if await self.api.fresh():
                    await self.ask("session:authenticate", {"token": self.api.token})
                await self.catch_up(beat)
        finally:
            with suppress(TimeoutError, *FAILURES):
                await asyncio.wait_for(self.socket.disconnect(), 1)

    def on_refusal(self, error: object = None) -> None:
        refusal = error.get("data") if isinstance(error, dict) else None
        if isinstance(refusal, dict):
            self.retry_after = refusal.get("retryAfter", 0.0)

    def on_book(self, update: dict[str, Any]) -> None:
        self.is_book_right = self.public.on_book(update) and self.is_book_right

    # -- what is missing -----------------------------------------------------------------------

    async def catch_up(self, beat: dict[str, Any]) -> None:
        """Mend what a heartbeat knows and we don't; print everything once it is whole."""
        public, private = self.public, self.private
        if not beat["markets"]:
            await self.mend("subscription", self.subscribe())
            return
        told = beat["markets"][0]
        behind = public.book.seq is None or public.book.seq < told["seq"]
        if behind or public.book.epoch != beat["epoch"] or not self.is_book_right:
            await self.mend("book", self.subscribe())
        if public.trade_no is not None and public.trade_no < told["tradeNo"]:
            await self.mend("tape", self.read_tape())
        if public.status_at < told["lifecycleSeq"] or not public.status:
            await self.mend("status", self.read_market())
        if private.seq < beat["accountSeq"]:
            await self.mend("account", self.read_account())
        if unfilled := private.unfilled():
            await self.mend("fills", self.read_fills(unfilled))
        if public.book.seq is None or public.book.seq < told["seq"] or public.trade_no is None:
            return
        print(json.dumps(self.holdings()), flush=True)

    async def mend(self, what: str, work: Any) -> None:
        self.repairs[what] += 1
        try:
            await work
        except Refused as refusal:  # the next heartbeat tries again
            logging.warning("%s: %s", what, refusal.code)

    async def subscribe(self) -> None:
        """Ask for the market anew: a snapshot follows the answer."""
        self.public.book.seq, self.is_book_right = None, True
        self.public.early.clear()
        asked = {"market": self.market, "outcome": "YES", "channels": CHANNELS}
        self.public.subscribed(await self.ask("subscribe:market", asked))

    async def read_tape(self) -> None:
        """Read the trades that are missing, and perhaps some that aren't."""
        after = self.public.traded_at - 1  # a seq may have several trades, of which we had one
        path = f"/markets/{self.market}/trades?limit=200&afterSeq={max(0, after)}"
        async for trade in self.pages(path):
            self.public.on_trade(trade)

    async def read_market(self) -> None:
        self.public.on_market((await self.read(f"/markets/{self.market}"))["data"])

    async def read_account(self) -> None:
        """Read everything; what messages told meanwhile is newer and stays."""
        private = self.private
        balance, positions = await self.read("/user/balance"), await self.read("/user/positions")
        seqs = balance["meta"]["accountSeq"], positions["meta"]["accountSeq"]
        held = {(one["marketId"], one["outcome"]) for one in positions["data"]}
        gone = [
            key
            for key, one in private.positions.items()
            if key not in held and one["accountSeq"] <= seqs[1]
        ]
        for key in gone:
            del private.positions[key]
        async for order in self.pages("/orders?limit=200"):
            private.on_order(order)
        private.was_read(min(seqs))
        private.on_balance(balance["data"] | {"accountSeq": seqs[0]})
        for one in positions["data"]:
            private.on_position(one | {"accountSeq": seqs[1]})

    async def read_fills(self, orders: list[str]) -> None:
        """Read the fills of a few orders, or all there are."""
        of = [f"&orderId={order_id}" for order_id in orders] if len(orders) <= FEW else [""]
        for query in of:
            async for fill in self.pages(f"/user/fills?limit=200{query}"):
                self.private.on_fill(fill)

    async def read(self, path: str) -> dict[str, Any]:
        """Return the whole answer of a GET; raises Refused."""
        headers = {"authorization": f"Bearer {self.api.token}"}
        answer = await self.api.client.get(path, headers=headers)
        if not answer.is_success:
            raise Refused(str(answer.status_code), float(answer.headers.get("retry-after", 1)))
        found: dict[str, Any] = answer.json()
        return found

    async def pages(self, path: str) -> Any:
        """Go through a list, part by part."""
        cursor: str | None = ""
        while cursor is not None:
            part = await self.read(f"{path}&cursor={cursor}" if cursor else path)
            for item in part["data"]:
                yield item
            cursor = part["nextCursor"]

    async def ask(self, event: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Send an event; return its answer's data, or raise Refused, as for no answer in time."""
        answer = asyncio.get_running_loop().create_future()
        await self.socket.emit(event, payload, callback=answer.set_result)
        await asyncio.wait({answer}, timeout=ANSWER_SECONDS)
        if not answer.done():
            raise Refused(f"no answer to {event}")
        reply = answer.result()
        if not reply["ok"]:
            raise Refused(reply["error"]["code"], reply["error"].get("retryAfter", 1.0))
        data: dict[str, Any] = reply["data"]
        return data

    def holdings(self) -> dict[str, Any]:
        """Return all that we hold, as text."""
        public, private = self.public, self.private
        sides = {"bids": sorted(public.book.bids.items())[::-1]}
        sides |= {"asks": sorted(public.book.asks.items())}
        return {
            name: [[decimal(price, PRICE), decimal(quantity, SHARES)] for price, quantity in side]
            for name, side in sides.items()
        } | {
            "seq": public.book.seq,
            "status": public.status,
            "trades": [public.trades[number]["id"] for number in sorted(public.trades)],
            "orders": {o["id"]: [o["status"], o["filled"]] for o in private.orders.values()},
            "fills": sorted(f"{trade} {order}" for trade, order in private.fills),
            "balance": {name: private.balance.get(name) for name in ("available", "locked")},
            "positions": {
                f"{market} {outcome}": [one["quantity"], one["locked"], one["cost"]]
                for (market, outcome), one in sorted(private.positions.items())
                if units(one["quantity"], SHARES)
            },
            "repairs": self.repairs,
        }


async def main() -> None:
    """Follow until a signal ends the program."""
    logging.basicConfig(format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.ERROR)
    url, market = sys.argv[1:]
    await Follower(url, market, Api(url, os.environ["EMAIL"], os.environ["PASSWORD"])).live()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
