"""What is no order group, over real connections: see `test_bad_input.py`."""

from typing import Any

import pytest

from tests.e2e.conftest import Floor
from tests.e2e.test_bad_input import QUANTITIES, check, raw, refused

MM = {"groupId": "mm", "maxFilled": "10", "windowSeconds": 60}
NAMES = ("", "a b", "x" * 65, "\u00e9", "a\n", "a\u0000")


def groups(floor: Floor) -> Any:
    """All that Ann is shown of her groups."""
    return floor.ann.client.get("/order-groups").json()["data"]


def test_limits_that_are_none(floor: Floor) -> None:
    rows: list[tuple[dict[str, Any], str]] = [
        *(({"groupId": name}, "groupId") for name in NAMES),
        ({"groupId": None}, "groupId"),
        ({"maxFilled": None}, "maxFilled"),
        ({"maxNet": "0"}, "maxNet"),
        ({"maxNet": "NaN"}, "maxNet"),
        *(({"windowSeconds": value}, "windowSeconds") for value in (0, -1, 3_601, "60", 0.5, None)),
        ({"surprise": 1}, "surprise"),
    ]
    before = floor.shown(), groups(floor)
    for changes, field in rows:
        check(floor.ann.client.post("/order-groups", json=MM | changes), 400, field)
        assert (floor.shown(), groups(floor)) == before


@pytest.mark.parametrize("token", QUANTITIES)
def test_quantities_that_are_none(floor: Floor, token: str) -> None:
    for name in ("maxFilled", "maxNet"):
        if (name, token) == ("maxNet", "null"):
            continue  # Not given.
        limits = {"groupId": '"mm"', "windowSeconds": "60", "maxFilled": '"10"'} | {name: token}
        content = "{" + ",".join(f'"{key}":{value}' for key, value in limits.items()) + "}"
        answer = floor.ann.client.post(
            "/order-groups", content=content, headers={"content-type": "application/json"}
        )
        check(answer, 400, name)
    assert groups(floor) == []


def test_an_order_of_a_group_that_is_none(floor: Floor) -> None:
    for token in ('""', '"a b"', "7", "true", '"\\u0000"'):
        refused(floor, raw(groupId=token), 400, "groupId")
    refused(floor, raw(groupId='"nowhere"'), 404, "groupId")


def test_a_reset_of_what_is_not_there(floor: Floor) -> None:
    for name, status in (("nowhere", 404), ("a%20b", 400), ("%00", 404)):
        answer = floor.ann.client.post(f"/order-groups/{name}/reset")
        assert answer.status_code == status, (name, answer.text)
