"""What is no trigger and no pair, over real connections: see `test_bad_input.py`."""

from typing import Any

import pytest

from tests.e2e.conftest import Floor
from tests.e2e.test_bad_input import GOOD, PRICES, check, raw, refused


@pytest.mark.parametrize("token", PRICES)
def test_a_trigger_that_is_none(floor: Floor, token: str) -> None:
    refused(floor, raw(type='"STOP_LIMIT"', triggerPrice=token), 400, "triggerPrice")


def test_a_pair_that_is_none(floor: Floor) -> None:
    """Each of the two is looked at like an order, and named; neither is taken without the other."""
    stop = GOOD | {"type": "STOP_LIMIT", "triggerPrice": "0.95"}
    rows: list[tuple[dict[str, Any], int, str]] = [
        ({"orders": "both"}, 400, "orders"),
        ({"orders": [GOOD]}, 400, "orders"),
        ({"orders": [GOOD, GOOD]}, 400, "orders"),
        ({"orders": [GOOD, stop, stop]}, 400, "orders"),
        ({"orders": [GOOD, stop], "requestId": "a b"}, 400, "requestId"),
        ({"orders": [GOOD, stop], "surprise": 1}, 400, "surprise"),
        ({"orders": [GOOD, stop | {"triggerPrice": "NaN"}]}, 400, "orders[1].triggerPrice"),
        ({"orders": [GOOD, stop | {"triggerBy": "BEST "}]}, 400, "orders[1].triggerBy"),
        ({"orders": [GOOD, stop | {"outcome": "NO"}]}, 400, "orders[1].outcome"),
        ({"orders": [GOOD, stop | {"quantity": "0"}]}, 400, "orders[1].quantity"),
        ({"orders": [GOOD, stop | {"triggerPrice": "0.955"}]}, 422, "orders[1].triggerPrice"),
    ]
    before = floor.shown()
    for changes, status, field in rows:
        body = {"market": floor.slug} | changes
        check(floor.ann.client.post("/orders/oco", json=body), status, field)
        assert floor.shown() == before
