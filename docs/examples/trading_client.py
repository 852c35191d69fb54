"""What every program needs that trades here: a session that stays fresh, a book, an order.

    pip install "python-socketio[asyncio-client]" httpx

Laws: integers for money; what an order came to is read from the order, which is shown whole each
time, whatever got lost between. `maker.py` is what one makes of it.
"""

import time
from typing import Any
from zlib import crc32

import httpx

PRICE, SHARES, CASH = 4, 2, 6  # decimal places: a price times shares is cash, exactly


class Refused(Exception):
    """The exchange said no, and perhaps when to come again."""

    def __init__(self, code: str, retry_after: float = 1.0) -> None:
        super().__init__(code)
        self.code, self.retry_after = code, retry_after


def units(text: str, places: int) -> int:
    """Turn "0.55" into 5500, for 4 places."""
    whole, _, rest = text.partition(".")
    return int(whole + rest.ljust(places, "0"))


def decimal(number: int, places: int) -> str:
    """Turn -5500 into "-0.5500", for 4 places."""
    whole, rest = divmod(abs(number), 10**places)
    return f"{'-' * (number < 0)}{whole}.{rest:0{places}}"


class Api:
    """REST, signed in for as long as it takes: the cookie renews the token before it expires."""

    def __init__(self, url: str, email: str, password: str) -> None:
        self.client = httpx.AsyncClient(base_url=f"{url}/api/v1", timeout=5)
        self.client.headers["X-Requested-With"] = "httpx"  # the cookie counts with this alone
        self.person = {"email": email, "password": password}
        self.token, self.renew_at, self.renewals = "", 0.0, 0

    async def fresh(self) -> bool:
        """Have a token with a third of its life left at least; True if it is another one."""
        if time.time() < self.renew_at:
            return False
        try:
            signed_in = await self.call("POST", "/auth/refresh")
        except Refused as refusal:
            if refusal.code != "UNAUTHORIZED":
                raise
            # The first time, or the session is over.
            signed_in = await self.call("POST", "/auth/login", self.person)
        self.token, self.renewals = signed_in["accessToken"], self.renewals + 1
        self.renew_at = time.time() + signed_in["expiresIn"] * 2 / 3
        return True

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """Return the data of the answer; raises Refused."""
        signed = {} if path.startswith("/auth/") else {"authorization": f"Bearer {self.token}"}
        answer = await self.client.request(method, path, json=body, headers=signed)
        if answer.is_success:
            return answer.json()["data"]
        ours = answer.headers.get("content-type", "").startswith("application/json")
        code = answer.json()["error"]["code"] if ours else str(answer.status_code)
        if code == "UNAUTHORIZED":
            self.renew_at = 0.0
        raise Refused(code, float(answer.headers.get("retry-after", 1)))


class Book:
    """The book of YES as docs/sockets.md says; `seq` is None while a snapshot is awaited."""

    def __init__(self) -> None:
        self.seq: int | None = None
        self.epoch = 0
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}

    def apply(self, update: dict[str, Any]) -> bool:
        """Take a snapshot, or the delta that follows; False means that one is missing."""
        if update["kind"] == "snapshot":
            self.bids, self.asks = {}, {}
        elif (update["epoch"], update["prevSeq"]) != (self.epoch, self.seq):
            return False
        for side, levels in (self.bids, update["bids"]), (self.asks, update["asks"]):
            for price, quantity in levels:
                side[units(price, PRICE)] = units(quantity, SHARES)
            for price in [price for price, quantity in side.items() if quantity == 0]:
                del side[price]
        self.epoch, self.seq = update["epoch"], update["seq"]
        return True

    def checksum(self) -> int:
        """Return what the exchange's checksum of this book would be."""
        bids = ",".join(f"{price}:{self.bids[price]}" for price in sorted(self.bids)[:-11:-1])
        asks = ",".join(f"{price}:{self.asks[price]}" for price in sorted(self.asks)[:10])
        return crc32(f"{bids}|{asks}".encode())


class Order:
    """One order of ours, from before it is sent until it is over."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.body, self.outcome = body, body["outcome"]
        self.price = units(body.get("price", "0"), PRICE)
        self.id, self.status, self.seq = "", "", 0
        self.filled = self.fees = self.taken = self.taken_cash = 0

    def update(self, order: dict[str, Any]) -> None:
        """Take the order as an answer, a message or a read shows it, in any order of these."""
        if order["seq"] >= self.seq:
            self.seq, self.status = order["seq"], order["status"]
            self.filled, self.fees = units(order["filled"], SHARES), units(order["fees"], CASH)

    def answered(self, answer: dict[str, Any]) -> None:
        """Take the answer to its placing, with all that it took: the same however often asked."""
        took = [(units(t["price"], PRICE), units(t["quantity"], SHARES)) for t in answer["trades"]]
        self.taken = sum(quantity for _, quantity in took)
        self.taken_cash = sum(price * quantity for price, quantity in took)
        self.id = answer["order"]["id"]
        self.update(answer["order"])

    @property
    def cost(self) -> int:
        """What was paid: to makers their prices, by takers its own, and the fees."""
        return self.taken_cash + (self.filled - self.taken) * self.price + self.fees

    @property
    def is_over(self) -> bool:
        return self.id != "" and self.status not in {"OPEN", "PARTIAL"}
