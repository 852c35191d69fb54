"""A market maker of one market that lives through whatever happens to it, for days.

    pip install "python-socketio[asyncio-client]" httpx
    EMAIL=... PASSWORD=... python maker.py http://localhost:8080 rain-tomorrow

It bids for YES below the middle of everybody else's book and for NO above it (NO at 0.46 is what a
seller of YES at 0.54 gets), so it needs credits and no shares. Quotes are post-only and replaced by
one batch; an order group takes them out when too much of them is filled, a dead-man switch when the
program hangs or dies. SIGTERM and Ctrl-C end it: it takes its quotes back, buys what makes its
shares pairs, and prints one line of JSON about all it did.

Law: no order under a new id while the outcome of an old one isn't known.
"""

import asyncio
import json
import logging
import os
import random
import secrets
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from typing import Any

import httpx
import socketio

from trading_client import CASH, PRICE, SHARES, Api, Book, Order, Refused, decimal

ONE = 10_000  # what a pair of YES and NO is worth
TICK, HALF_SPREAD, SIZE = 100, 200, 1_000  # 0.01, 0.02, 10 shares
SHARES_A_TICK = 2_000  # held of one outcome, they move both prices by a tick
LOOK_SECONDS, SILENCE_SECONDS, ANSWER_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 4.0, 10.0, 5.0
ALIVE_SECONDS, DEAD_MS = 1.0, 6_000  # it says so often that it lives, else it is taken for dead
FILLED_MAX, WINDOW_SECONDS, REST_SECONDS = "100", 10, 1.0  # more in a window: it rests for a moment
UNTOLD = {"RATE_LIMITED", "UNAVAILABLE", "UNKNOWN_OUTCOME"}  # refusals that leave the outcome open
FAILURES = (OSError, httpx.HTTPError, socketio.exceptions.SocketIOError)


class Maker:
    """Keeps two quotes in one market, over one socket after the other."""

    def __init__(self, url: str, market: str, api: Api) -> None:
        self.url, self.market, self.api = url, market, api
        self.life, self.numbers = secrets.token_hex(4), 0
        self.orders: dict[str, Order] = {}  # by clientOrderId: those that aren't over
        self.batch: dict[str, Any] | None = None  # the one whose outcome isn't known
        self.group = {"groupId": f"maker-{market}"[:64]}
        self.rested_at: float | None = -1.0  # when the group is to begin, None once it has
        self.bought = {"YES": 0, "NO": 0}
        self.cost = self.fees = 0
        self.tally = Counter(connections=0, checksum_errors=0, book_gaps=0, asked_again=0, rests=0)
        self.stopping, self.retry_after, self.pause = False, 0.0, 0.0
        self.quiet_until: dict[str, float] = {}
        self.silence: asyncio.TimerHandle | None = None

    async def live(self) -> None:
        """Connect and quote until told to stop, again whenever a connection ends."""
        while True:
            try:
                return await self.one_connection()
            except (Refused, *FAILURES) as error:
                logging.warning("%s", error or type(error).__name__)
                self.pause = min(2 * self.pause + 0.1, LONGEST_PAUSE_SECONDS)
                wait = max(self.retry_after, getattr(error, "retry_after", 0.0), self.pause)
                await asyncio.sleep(wait * random.uniform(1, 1.5))

    async def one_connection(self) -> None:
        """Quote until told to stop; raises one of FAILURES, or Refused, when it ends."""
        self.book, self.asked_at, self.unsure, self.stale = Book(), 0.0, True, False
        self.account_seq: int | None = None
        self.retry_after = self.alive_at = 0.0
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.socket = socketio.AsyncClient(reconnection=False)
        # Plain functions: these the library calls in the order of the messages.
        self.socket.on("connect_error", self.on_refusal)
        self.socket.on("disconnect", lambda _reason: self.gone.cancel())
        self.socket.on("heartbeat", self.on_heartbeat)
        self.socket.on("orderbook_update", self.on_book)
        for name in ("order_placed", "order_updated", "order_cancelled"):
            self.socket.on(name, self.on_order)
        for name in ("balance_updated", "position_updated"):
            self.socket.on(name, self.on_private)
        await self.api.fresh()
        auth = {"token": self.api.token}
        self.expect_more()
        try:
            await self.socket.connect(
                self.url, auth=auth, transports=["websocket"], socketio_path="ws", wait_timeout=5
            )
            self.tally["connections"] += 1
            while not await self.step():
                await asyncio.wait({self.gone}, timeout=LOOK_SECONDS)
        finally:
            with suppress(TimeoutError, *FAILURES):
                await asyncio.wait_for(self.socket.disconnect(), 1)

    # -- what is heard -------------------------------------------------------------------------

    def on_refusal(self, error: object = None) -> None:
        refusal = error.get("data") if isinstance(error, dict) else None
        if isinstance(refusal, dict):
            self.retry_after = refusal.get("retryAfter", 0.0)
            if refusal["code"] == "UNAUTHORIZED":
                self.api.renew_at = 0.0

    def expect_more(self) -> None:
        """Give the connection up unless something comes in time: a dead line says nothing."""
        if self.silence is not None:
            self.silence.cancel()
        loop = asyncio.get_running_loop()
        self.silence = loop.call_later(SILENCE_SECONDS, self.gone.cancel)

    def on_heartbeat(self, beat: dict[str, Any]) -> None:
        self.expect_more()
        self.stale, self.pause = beat["stale"], 0.0
        if self.account_seq is not None and beat["accountSeq"] > self.account_seq:
            self.unsure = True
        self.account_seq = beat["accountSeq"]
        if self.book.seq is not None and any(m["seq"] > self.book.seq for m in beat["markets"]):
            self.lose_book("book_gaps")

    def on_book(self, update: dict[str, Any]) -> None:
        if self.book.seq is None and update["kind"] == "delta":
            return
        if not self.book.apply(update):
            self.lose_book("book_gaps")
        elif self.book.checksum() != update["checksum"]:
            self.lose_book("checksum_errors")

    def lose_book(self, why: str) -> None:
        self.tally[why] += 1
        self.book.seq, self.asked_at = None, 0.0

    def on_order(self, message: dict[str, Any]) -> None:
        self.on_private(message)
        self.see(message)

    def on_private(self, message: dict[str, Any]) -> None:
        if self.account_seq is not None and message["accountSeq"] != self.account_seq + 1:
            self.unsure = True
        self.account_seq = message["accountSeq"]

    # -- what is done --------------------------------------------------------------------------

    async def step(self) -> bool:
        """Do what is due, True if that was all; what is refused is due again at the next step."""
        if self.gone.done():
            raise ConnectionError("the line is dead")
        try:
            if await self.api.fresh():
                await self.ask("session:authenticate", {"token": self.api.token})
            if self.book.seq is None and time.monotonic() > self.asked_at + ANSWER_SECONDS:
                self.asked_at = time.monotonic()
                await self.ask("subscribe:market", {"slug": self.market, "outcome": "YES"})
            if self.batch is not None:
                self.tally["asked_again"] += 1
                await self.send_batch(self.batch)
            for order in [order for order in self.orders.values() if not order.id]:
                self.tally["asked_again"] += 1
                await self.place(order)
            if self.unsure:
                await self.read_orders()
            if self.stopping:
                return await self.leave()
            if time.monotonic() > self.alive_at + ALIVE_SECONDS:
                await self.ask("session:heartbeat", {"timeoutMs": DEAD_MS})
                self.alive_at = time.monotonic()
            if self.book.seq is not None and not self.stale and await self.may_quote():
                await self.quote()
        except Refused as refusal:
            logging.warning("refused: %s", refusal.code)
        return False

    async def ask(self, event: str, payload: dict[str, Any]) -> Any:
        """Send an event; return its answer's data, or raise: Refused, ConnectionError for none."""
        if time.monotonic() < self.quiet_until.get(event, 0.0):
            raise Refused("RATE_LIMITED")
        answer = asyncio.get_running_loop().create_future()
        await self.socket.emit(event, payload, callback=answer.set_result)
        waited = {answer, self.gone}
        await asyncio.wait(waited, timeout=ANSWER_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise ConnectionError(f"no answer to {event}")
        reply = answer.result()
        if reply["ok"]:
            return reply["data"]
        refusal = Refused(reply["error"]["code"], reply["error"].get("retryAfter", 1.0))
        if refusal.code == "RATE_LIMITED":
            self.quiet_until[event] = time.monotonic() + refusal.retry_after
        raise refusal

    async def may_quote(self) -> bool:
        """Let the group begin, again where it was triggered, once the market has had its moment."""
        if self.rested_at is None:
            return True
        if time.monotonic() < self.rested_at:
            return False
        terms = {"maxFilled": FILLED_MAX, "windowSeconds": WINDOW_SECONDS}
        group = await self.api.call("POST", "/order-groups", {**self.group, **terms})
        if group["status"] == "TRIGGERED":
            self.tally["rests"] += 1
            await self.api.call("POST", f"/order-groups/{group['groupId']}/reset")
        self.rested_at = None
        return True

    async def quote(self) -> None:
        """Take out what stands wrong and put in what is missing, as one command."""
        wanted = self.prices()
        wrong = [
            order
            for order in self.orders.values()
            if abs(order.price - wanted[order.outcome]) > TICK or order.filled > SIZE // 2
        ]
        there = {order.outcome for order in self.orders.values() if order not in wrong}
        operations: list[dict[str, Any]] = [{"op": "cancel", "orderId": o.id} for o in wrong]
        for outcome in wanted.keys() - there:
            terms = {"type": "LIMIT", "price": decimal(wanted[outcome], PRICE)}
            order = self.new_order(outcome, SIZE, postOnly=True, **self.group, **terms)
            operations.append({"op": "place", **order.body})
        if operations:
            self.numbers += 1
            self.batch = {"requestId": f"{self.life}-{self.numbers}", "operations": operations}
            await self.send_batch(self.batch)

    async def send_batch(self, batch: dict[str, Any]) -> None:
        """Send a batch, or ask what became of it: under its requestId that is the same."""
        try:
            results = (await self.ask("order:batch", batch))["results"]
        except Refused as refusal:
            if refusal.code in UNTOLD:
                raise
            results = [{"ok": False, "error": {"code": refusal.code}}] * len(batch["operations"])
        self.batch = None
        for operation, result in zip(batch["operations"], results, strict=True):
            if not result["ok"]:
                logging.warning("%s refused: %s", operation["op"], result["error"]["code"])
                if result["error"]["code"] == "GROUP_LIMIT":
                    self.rested_at = time.monotonic() + REST_SECONDS
            if operation["op"] == "place" and result["ok"]:
                self.placed(self.orders[operation["clientOrderId"]], result["data"])
            elif operation["op"] == "place":
                del self.orders[operation["clientOrderId"]]
            elif result["ok"]:
                self.see(result["data"]["order"])
            else:
                self.unsure = True  # it may have ended by itself

    def prices(self) -> dict[str, int]:
        """Return our bids for YES and for NO: around the others' middle, against what we hold."""
        bids, asks = dict(self.book.bids), dict(self.book.asks)
        held = self.bought["YES"] - self.bought["NO"]
        for order in self.orders.values():
            yes = order.outcome == "YES"
            side, price = (bids, order.price) if yes else (asks, ONE - order.price)
            side[price] = side.get(price, 0) - (SIZE - order.filled)
            held += order.filled if yes else -order.filled
        best_bid = max((price for price, quantity in bids.items() if quantity > 0), default=TICK)
        best_ask = min((p for p, quantity in asks.items() if quantity > 0), default=ONE - TICK)
        middle = (best_bid + best_ask) // 2 - held * TICK // SHARES_A_TICK
        middle = min(max(middle, TICK + HALF_SPREAD), ONE - TICK - HALF_SPREAD)
        middles = {"YES": middle, "NO": ONE - middle}
        return {outcome: (at - HALF_SPREAD) // TICK * TICK for outcome, at in middles.items()}

    def new_order(self, outcome: str, quantity: int, **terms: Any) -> Order:
        self.numbers += 1
        body: dict[str, Any] = {"market": self.market, "side": "BUY", "outcome": outcome, **terms}
        body |= {"quantity": decimal(quantity, SHARES)}
        body |= {"clientOrderId": f"{self.life}-{self.numbers}"}
        order = self.orders[body["clientOrderId"]] = Order(body)
        return order

    async def place(self, order: Order) -> None:
        """Place an order, or ask what became of it: under its id that is the same."""
        try:
            answer = await self.ask("order:place", order.body)
        except Refused as refusal:
            if refusal.code not in UNTOLD:
                del self.orders[order.body["clientOrderId"]]
            raise
        self.placed(order, answer)

    def placed(self, order: Order, answer: dict[str, Any]) -> None:
        order.answered(answer)
        self.tally["orders"] += 1
        self.count(order)

    def see(self, shown: dict[str, Any]) -> None:
        """Take what an answer or a message shows of an order."""
        order = self.orders.get(shown["clientOrderId"])
        if order is not None:
            order.update(shown)
            self.count(order)

    async def read_orders(self) -> None:
        """Read what we may have missed a message of."""
        for order in [order for order in self.orders.values() if order.id]:
            order.update(await self.api.call("GET", f"/orders/{order.id}"))
            self.count(order)
        self.unsure = False

    def count(self, order: Order) -> None:
        """Add up an order that is over, once."""
        if order.is_over and order.body["clientOrderId"] in self.orders:
            del self.orders[order.body["clientOrderId"]]
            self.bought[order.outcome] += order.filled
            self.cost, self.fees = self.cost + order.cost, self.fees + order.fees

    async def leave(self) -> bool:
        """Take the quotes back and make all shares pairs, which the exchange turns into cash."""
        await self.ask("session:heartbeat", {"timeoutMs": 0})
        await self.ask("order:cancel_all", {"market": self.market})
        await self.read_orders()
        held = self.bought["YES"] - self.bought["NO"]
        if held == 0:
            return True
        order = self.new_order("NO" if held > 0 else "YES", abs(held), type="MARKET")
        await self.place(order)
        return order.filled == 0  # nobody sells: it stays held

    def report(self) -> dict[str, object]:
        """Return all that was done; `pnl` is the cash gained, fees paid."""
        cash = min(self.bought.values()) * ONE - self.cost
        volume, held = sum(self.bought.values()), self.bought["YES"] - self.bought["NO"]
        report = {"pnl": decimal(cash, CASH), "fees": decimal(self.fees, CASH)}
        report |= {"volume": decimal(volume, SHARES), "held": decimal(held, SHARES)}
        return {**report, **self.tally, "renewals": self.api.renewals}


async def main() -> None:
    """Make a market until a signal comes."""
    logging.basicConfig(format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.ERROR)
    url, market = sys.argv[1:]
    maker = Maker(url, market, Api(url, os.environ["EMAIL"], os.environ["PASSWORD"]))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, setattr, maker, "stopping", True)
    await maker.live()
    print(json.dumps(maker.report()))


if __name__ == "__main__":
    asyncio.run(main())
