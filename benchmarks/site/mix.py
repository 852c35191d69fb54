"""What people do on a site, as requests: mostly reading, some trading, now and then a sign-in.

Laws: each person has an address of its own (X-Forwarded-For, believed where TRUSTED_PROXIES says
so), so that limits hold for each as they would for strangers; each order has an id of its own, and
buys of YES and of NO meet, so that a book doesn't grow for ever.
"""

import random
from collections.abc import Mapping
from typing import Final

import msgspec

PASSWORD: Final = "correct horse battery staple"  # noqa: S105 - of made-up people
# Of a thousand requests.
SHARES: Final[dict[str, int]] = {
    "book": 300,
    "trades": 150,
    "market": 100,
    "markets": 100,
    "balance": 80,
    "open orders": 70,
    "order": 150,
    "cancel": 48,
    "sign-in": 2,
}


class Person(msgspec.Struct):
    """Somebody who uses the site."""

    number: int
    email: str
    token: str
    open_ids: list[str] = []
    sent: int = 0

    @property
    def address(self) -> str:
        """Where it calls from."""
        return f"10.77.{self.number // 250}.{self.number % 250 + 1}"


class Call(msgspec.Struct, frozen=True):
    """One request, as bytes, and whose it is."""

    kind: str
    person: Person
    raw: bytes


class Mix:
    """Draws calls of people in one market, each kind so often as its share says."""

    def __init__(
        self,
        host: str,
        slug: str,
        people: list[Person],
        seed: int,
        shares: Mapping[str, int] = SHARES,
    ) -> None:
        self._host, self._slug, self._people = host, slug, people
        self._dice = random.Random(seed)
        self._kinds = list(shares)
        self._weights = list(shares.values())
        self._run = f"{self._dice.getrandbits(48):012x}"

    def pause(self, rate: float) -> float:
        """Return how long after the one before a call is due, in seconds, at so many a second."""
        return self._dice.expovariate(rate)

    def next(self) -> Call:
        """Return another call."""
        [kind] = self._dice.choices(self._kinds, self._weights)
        person = self._dice.choice(self._people)
        if kind == "order":
            return self._order(person)
        if kind == "cancel" and person.open_ids:
            path = f"/orders/{person.open_ids.pop()}"
            return Call(kind, person, self._request("DELETE", path, person))
        if kind == "sign-in":
            body = msgspec.json.encode({"email": person.email, "password": PASSWORD})
            return Call(kind, person, self._request("POST", "/auth/login", person, body))
        paths = {
            "book": f"/markets/{self._slug}/orderbook",
            "trades": f"/markets/{self._slug}/trades",
            "market": f"/markets/{self._slug}",
            "markets": "/markets",
            "balance": "/user/balance",
            "open orders": "/orders?status=OPEN,PARTIAL",
        }
        # Who has nothing to cancel looks what there is.
        found = kind if kind in paths else "open orders"
        return Call(found, person, self._request("GET", paths[found], person))

    def _order(self, person: Person) -> Call:
        person.sent += 1
        outcome = self._dice.choice(("YES", "NO"))
        body = {
            "side": "BUY",
            "outcome": outcome,
            "type": "LIMIT",
            "price": f"0.{self._dice.randint(47, 53)}",
            "quantity": "1",
            "clientOrderId": f"{self._run}-{person.sent}",
        }
        path = f"/orders/{self._slug}"
        raw = self._request("POST", path, person, msgspec.json.encode(body))
        return Call("order", person, raw)

    def _request(self, method: str, path: str, person: Person, body: bytes = b"") -> bytes:
        head = (
            f"{method} /api/v1{path} HTTP/1.1\r\nhost: {self._host}\r\n"
            f"x-forwarded-for: {person.address}\r\n"
        )
        if path != "/auth/login":
            head += f"authorization: Bearer {person.token}\r\n"
        if body:
            head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        return f"{head}\r\n".encode() + body
