"""What is no limit, and what limits forbid, over real connections: see `test_bad_input.py`."""

from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Floor
from tests.e2e.test_bad_input import GOOD, PRICES, QUANTITIES, check

HALT = {"move": "0.1", "windowSeconds": 60, "haltSeconds": 60}


def put(floor: Floor, path: str, content: bytes | None = None, json: object = None) -> Any:
    headers = {"authorization": f"Bearer {floor.server.admin()}"}
    if content is not None:
        headers["content-type"] = "application/json"
    url = f"{floor.server.url}/api/v1/admin/{path}/limits"
    return httpx.put(url, content=content, json=json, headers=headers)


@pytest.mark.parametrize("field", ["orderQuantity", "orderNotional", "position"])
@pytest.mark.parametrize("token", [token for token in QUANTITIES if token != "null"])
def test_a_limit_that_is_none(floor: Floor, field: str, token: str) -> None:
    for path in (f"markets/{floor.slug}", f"users/{floor.ann.id}"):
        # A notional may be as small as money is.
        if (field, token.strip('"')) != ("orderNotional", "0.001"):
            check(put(floor, path, f'{{"{field}":{token}}}'.encode()), 400, field)


@pytest.mark.parametrize("token", [token for token in PRICES if token != "null"])
def test_a_band_that_is_none(floor: Floor, token: str) -> None:
    path = f"markets/{floor.slug}"
    check(put(floor, path, f'{{"priceBand":{token}}}'.encode()), 400, "priceBand")


def test_limits_that_are_none(floor: Floor) -> None:
    market, ann = f"markets/{floor.slug}", f"users/{floor.ann.id}"
    rows: list[tuple[str, object, str]] = [
        (market, {"openOrders": 0}, "openOrders"),
        (market, {"openOrders": 10_001}, "openOrders"),
        (ann, {"openOrders": "7"}, "openOrders"),
        (ann, {"openOrders": 1.5}, "openOrders"),
        (ann, {"priceBand": "0.1"}, "priceBand"),
        (ann, {"volatilityHalt": HALT}, "volatilityHalt"),
        (market, {"volatilityHalt": "soon"}, "volatilityHalt"),
        (market, {"volatilityHalt": HALT | {"move": "NaN"}}, "volatilityHalt.move"),
        (market, {"volatilityHalt": HALT | {"windowSeconds": 0}}, "volatilityHalt.windowSeconds"),
        (market, {"volatilityHalt": HALT | {"haltSeconds": 10**9}}, "volatilityHalt.haltSeconds"),
        (market, {"volatilityHalt": HALT | {"surprise": 1}}, "volatilityHalt.surprise"),
        (market, {"surprise": 1}, "surprise"),
        (market, [], "body"),
    ]
    for path, body, field in rows:
        check(put(floor, path, json=body), 400, field)
    trading = floor.ann.data("GET", f"/user/limits?market={floor.slug}")["trading"]
    assert set(trading.values()) == {None}
    assert put(floor, "markets/nowhere", json={}).status_code == 404
    assert put(floor, "users/999999", json={}).status_code == 404


def test_what_a_limit_forbids_changes_nothing(floor: Floor) -> None:
    """The last price is 0.40; Ann holds 5 YES, wants 5 more, and offers 2 of them."""
    limits = {"orderQuantity": "20", "orderNotional": "8", "position": "12", "priceBand": "0.2"}
    assert put(floor, f"markets/{floor.slug}", json=limits | {"openOrders": 2}).is_success
    rows: list[tuple[dict[str, Any], str, str, str]] = [
        ({"price": "0.61", "quantity": "1"}, "OUTSIDE_BAND", "price", "0.6000"),
        ({"price": "0.10", "quantity": "20.01"}, "ORDER_TOO_LARGE", "quantity", "20.00"),
        ({"price": "0.55", "quantity": "20"}, "ORDER_TOO_LARGE", "quantity", "8.000000"),
        ({"price": "0.10", "quantity": "2.01"}, "POSITION_LIMIT", "quantity", "12.00"),
        ({"price": "0.10", "quantity": "2"}, "TOO_MANY_OPEN_ORDERS", "", "2"),
    ]
    for changes, code, field, bound in rows:
        before = floor.shown()
        answer = floor.ann.client.post(f"/orders/{floor.slug}", json=GOOD | changes)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (422, code)
        assert [detail["field"] for detail in error["details"]] == ([field] if field else [])
        assert bound in error["message"]
        assert floor.shown() == before
    # An amend is judged too, but for less.
    before = floor.shown()
    path = f"/orders/{floor.ann_order}"
    refused = floor.ann.client.patch(path, json={"price": "0.61"})
    assert refused.json()["error"]["code"] == "OUTSIDE_BAND"
    assert floor.shown() == before
    assert floor.ann.client.patch(path, json={"quantity": "6"}).is_success
