"""What many requests at the same moment must not do: spend twice, refund twice, pay twice."""

import concurrent.futures
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Person
from tests.server_process import ServerProcess

AT_ONCE = 20


def at_once(*calls: Callable[[], httpx.Response]) -> list[httpx.Response]:
    """Make all calls at the same moment, each in its own thread; return the answers in order."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], httpx.Response]) -> httpx.Response:
        barrier.wait()
        return call()

    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def statuses(answers: list[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


def balance(person: Person) -> tuple[str, str]:
    shown = person.data("GET", "/user/balance")
    return shown["available"], shown["locked"]


def limit(side: str, outcome: str, price: str, quantity: str, **more: Any) -> dict[str, Any]:
    terms = {"side": side, "outcome": outcome, "type": "LIMIT", "price": price}
    return {**terms, "quantity": quantity, **more}


def test_parallel_orders_spend_a_balance_once(people: list[Person], slug: str) -> None:
    """Each order takes 600 of 1000 credits: one fits."""
    ann = people[0]
    body = limit("BUY", "YES", "0.60", "1000")
    answers = at_once(*[lambda: ann.call("POST", f"/orders/{slug}", body)] * AT_ONCE)
    assert statuses(answers) == {201: 1, 422: AT_ONCE - 1}
    assert {a.json()["error"]["code"] for a in answers if a.status_code == 422} == {
        "INSUFFICIENT_BALANCE"
    }
    assert balance(ann) == ("400.000000", "600.000000")


def test_parallel_sells_sell_shares_once(people: list[Person], slug: str) -> None:
    ann, bob, _ = people
    ann.order(slug, "BUY", "YES", "0.50", "10")
    bob.order(slug, "BUY", "NO", "0.50", "10")
    body = limit("SELL", "YES", "0.70", "10")
    answers = at_once(*[lambda: ann.call("POST", f"/orders/{slug}", body)] * AT_ONCE)
    assert statuses(answers) == {201: 1, 422: AT_ONCE - 1}
    (position,) = ann.data("GET", "/user/positions")
    assert (position["quantity"], position["locked"]) == ("10.00", "10.00")


def test_parallel_cancels_refund_once(people: list[Person], slug: str) -> None:
    ann = people[0]
    order_id = ann.order(slug, "BUY", "YES", "0.50", "10")["order"]["id"]
    answers = at_once(*[lambda: ann.call("DELETE", f"/orders/{order_id}")] * AT_ONCE)
    assert statuses(answers) == {200: 1, 422: AT_ONCE - 1}
    assert {a.json()["error"]["code"] for a in answers if a.status_code == 422} == {
        "ORDER_NOT_OPEN"
    }
    assert balance(ann) == ("1000.000000", "0.000000")


@pytest.mark.parametrize("attempt", range(10))
def test_a_cancel_that_races_a_fill_loses_or_wins_whole(
    people: list[Person], slug: str, attempt: int
) -> None:
    ann, bob, _ = people
    order_id = ann.order(slug, "BUY", "YES", "0.40", "10")["order"]["id"]
    take = limit("BUY", "NO", "0.60", "10", timeInForce="IOC")
    cancel, taken = at_once(
        lambda: ann.call("DELETE", f"/orders/{order_id}"),
        lambda: bob.call("POST", f"/orders/{slug}", take),
    )
    order = ann.data("GET", f"/orders/{order_id}")
    assert taken.status_code == 201
    if cancel.status_code == 200:
        assert (order["status"], order["filled"]) == ("CANCELLED", "0.00")
        assert balance(ann) == balance(bob) == ("1000.000000", "0.000000")
    else:
        assert cancel.json()["error"]["code"] == "ORDER_NOT_OPEN"
        assert (order["status"], order["filled"]) == ("FILLED", "10.00")
        assert balance(ann) == ("996.000000", "0.000000")
        assert balance(bob) == ("994.000000", "0.000000")


def test_takers_never_take_one_resting_order_twice(people: list[Person], slug: str) -> None:
    ann, bob, cem = people
    ann.order(slug, "BUY", "YES", "0.40", "10")
    take = limit("BUY", "NO", "0.60", "3", timeInForce="IOC")
    answers = at_once(
        *[lambda: bob.call("POST", f"/orders/{slug}", take)] * 5,
        *[lambda: cem.call("POST", f"/orders/{slug}", take)] * 5,
    )
    filled = sorted(answer.json()["data"]["order"]["filled"] for answer in answers)
    assert filled == ["0.00"] * 6 + ["1.00"] + ["3.00"] * 3
    (position,) = ann.data("GET", "/user/positions")
    assert position["quantity"] == "10.00"


def test_a_market_is_resolved_once(server: ServerProcess, people: list[Person], slug: str) -> None:
    ann, bob, _ = people
    ann.order(slug, "BUY", "YES", "0.40", "10")
    bob.order(slug, "BUY", "NO", "0.60", "10")
    ann.order(slug, "BUY", "YES", "0.10", "10")
    headers = {"authorization": f"Bearer {server.admin()}"}
    url = f"{server.url}/api/v1/markets/{slug}/resolve"
    answers = at_once(
        *[lambda: httpx.post(url, headers=headers, json={"outcome": "YES"})] * 5,
        *[lambda: httpx.post(url, headers=headers, json={"outcome": "NO"})] * 5,
    )
    assert statuses(answers) == {200: 1, 409: 9}
    (done,) = [answer.json()["data"] for answer in answers if answer.is_success]
    yes = done["resolution"] == "YES"
    assert balance(ann) == ("1006.000000" if yes else "996.000000", "0.000000")
    assert balance(bob) == ("994.000000" if yes else "1004.000000", "0.000000")
    assert ann.data("GET", "/user/positions") == bob.data("GET", "/user/positions") == []


def test_one_id_sent_many_times_at_once_takes_effect_once(people: list[Person], slug: str) -> None:
    ann = people[0]
    body = limit("BUY", "YES", "0.50", "10", clientOrderId="only-once")
    answers = at_once(*[lambda: ann.call("POST", f"/orders/{slug}", body)] * AT_ONCE)
    assert statuses(answers) == {201: AT_ONCE}
    told = [answer.json()["data"] for answer in answers]
    assert sum(data.pop("replayed", False) for data in told) == AT_ONCE - 1
    assert all(data == told[0] for data in told)
    assert balance(ann) == ("995.000000", "5.000000")
    assert len(ann.data("GET", "/orders")) == 1


def test_one_credit_sent_many_times_at_once_is_paid_once(
    server: ServerProcess, people: list[Person]
) -> None:
    ann = people[0]
    body = {"amount": "5", "reason": "welcome", "requestId": f"welcome-{ann.id}"}
    headers = {"authorization": f"Bearer {server.admin()}"}
    url = f"{server.url}/api/v1/admin/users/{ann.id}/credit"
    answers = at_once(*[lambda: httpx.post(url, headers=headers, json=body)] * AT_ONCE)
    assert statuses(answers) == {200: AT_ONCE}
    assert balance(ann) == ("1005.000000", "0.000000")


def test_one_address_registers_once(server: ServerProcess) -> None:
    body = {"email": "twice@example.com", "password": "correct horse battery"}
    url = f"{server.url}/api/v1/auth/register"
    answers = at_once(*[lambda: httpx.post(url, json=body, timeout=30)] * 8)
    assert statuses(answers) == {201: 1, 409: 7}
