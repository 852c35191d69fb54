"""One real server for the end-to-end tests of a module, and people who trade on it."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import httpx
import pytest

from tests.server_process import ServerProcess, running_server

_SLUGS = (f"market-{number}" for number in itertools.count(1))


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in, and a connection of theirs."""

    id: int
    token: str
    client: httpx.Client

    def call(self, method: str, path: str, body: object = None) -> httpx.Response:
        return self.client.request(method, path, json=body)

    def data(self, method: str, path: str, body: object = None) -> Any:
        answer = self.call(method, path, body)
        assert answer.is_success, answer.text
        return answer.json()["data"]

    def order(self, slug: str, side: str, outcome: str, price: str, quantity: str) -> Any:
        """Place a LIMIT order; return the whole answer."""
        body = {"side": side, "outcome": outcome, "type": "LIMIT"}
        body |= {"price": price, "quantity": quantity}
        return self.data("POST", f"/orders/{slug}", body)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server for all tests of a module; it must end orderly."""
    with running_server(tmp_path_factory.mktemp("server") / "data") as made:
        yield made


@pytest.fixture
def people(server: ServerProcess) -> Iterator[list[Person]]:
    """Three people with 1000 credits each."""
    found = []
    for _ in range(3):
        user_id, token = server.trader()
        client = httpx.Client(
            base_url=f"{server.url}/api/v1",
            headers={"authorization": f"Bearer {token}"},
            timeout=30,
            limits=httpx.Limits(max_connections=32),
        )
        found.append(Person(user_id, token, client))
    yield found
    for person in found:
        person.client.close()


@pytest.fixture
def slug(server: ServerProcess) -> str:
    """The slug of a fresh open market without fees, tick 0.01."""
    name = next(_SLUGS)
    server.market(name)
    return name


class Floor(NamedTuple):
    """A market in which Ann and Bob hold shares and have open orders."""

    server: ServerProcess
    slug: str
    ann: Person
    bob: Person
    ann_order: str

    def shown(self) -> list[Any]:
        """Return all that is shown of both traders, and the book."""
        paths = ("/user/balance", "/user/positions", "/user/escrow", "/orders", "/user/ledger")
        found = [who.data("GET", path) for who in (self.ann, self.bob) for path in paths]
        return [*found, self.ann.data("GET", f"/markets/{self.slug}/orderbook")]


@pytest.fixture
def floor(server: ServerProcess, people: list[Person], slug: str) -> Floor:
    ann, bob, _ = people
    ann.order(slug, "BUY", "YES", "0.40", "10")
    bob.order(slug, "BUY", "NO", "0.60", "5")
    ann.order(slug, "SELL", "YES", "0.90", "2")
    bob.order(slug, "SELL", "NO", "0.80", "1")
    (open_order,) = ann.data("GET", "/orders?status=PARTIAL")
    return Floor(server, slug, ann, bob, open_order["id"])
