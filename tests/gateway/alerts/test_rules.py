"""When alerts fire, and when they don't: on becoming so, once or after a pause."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.alerts.rules import AlertKind, happened, market_holds, price_holds, prints_seen, seen
from gateway.feeds.model import ListedStatus
from persistence.clock import MICROSECONDS
from persistence.repositories.alerts.alerts import Alert
from tests.gateway.portfolio.venue_fake import venue_market

S = MICROSECONDS
MINUTE = 60 * S


def alert(kind: str = "PRICE_ABOVE", threshold: int | None = 6_000, **changes: Any) -> Alert:
    """An active alert of YES that was never met."""
    found = Alert(
        1, 7, kind, "exchange", "1", "YES", threshold, None, "", None, None,
        True, False, 0, 0, 0, 0, None, 1, 1, None,
    )  # fmt: skip
    return msgspec.structs.replace(found, **changes)


@pytest.mark.parametrize(
    ("kind", "outcome", "yes", "holds"),
    [
        ("PRICE_ABOVE", "YES", 5_999, False),
        ("PRICE_ABOVE", "YES", 6_000, True),
        ("PRICE_BELOW", "YES", 6_000, True),
        ("PRICE_BELOW", "YES", 6_001, False),
        ("PRICE_ABOVE", "NO", 4_000, True),
        ("PRICE_ABOVE", "NO", 4_001, False),
        ("PRICE_BELOW", "NO", 4_000, True),
        ("PRICE_BELOW", "NO", 3_999, False),
        ("PRICE_BELOW", "NO", None, None),
    ],
)
def test_a_price_is_of_its_outcome_and_the_bound_belongs_to_it(
    kind: str, outcome: str, yes: int | None, holds: bool | None
) -> None:
    assert price_holds(kind, outcome, 6_000, yes) is holds


def test_it_fires_when_it_becomes_so_and_only_once() -> None:
    prints = [(5_000, 1 * S), (6_100, 2 * S), (6_200, 3 * S), (5_000, 4 * S), (6_300, 5 * S)]
    after, fired = prints_seen(alert(), prints)
    assert fired == [1]
    assert (after.is_active, after.fired_count, after.fired_at) == (False, 1, 2 * S)


def test_it_fires_again_after_its_pause() -> None:
    prints = [(6_100, 0), (5_000, 1 * S), (6_100, 9 * S), (5_000, 10 * S), (6_100, 11 * S)]
    after, fired = prints_seen(alert(pause_s=10), prints)
    assert fired == [0, 4], "what becomes so within the pause doesn't fire"
    assert (after.is_active, after.is_met, after.fired_count) == (True, True, 2)


def test_what_was_so_already_fires_when_it_is_so_again() -> None:
    assert prints_seen(alert(is_met=True), [(6_100, 1), (6_200, 2)])[1] == []
    assert prints_seen(alert(is_met=True), [(6_100, 1), (5_999, 2), (6_000, 3)])[1] == [2]


def test_what_is_not_known_and_what_is_not_active_changes_nothing() -> None:
    met = alert(is_met=True)
    assert seen(met, None, 1) == (met, False)
    idle = alert(is_active=False)
    assert seen(idle, True, 1) == (idle, False)
    assert happened(idle, 1) == (idle, False)


def test_each_fill_counts() -> None:
    fills = alert("FILL", None, outcome=None, pause_s=10)
    after, fires = happened(fills, 0)
    assert fires
    after, fires = happened(after, 9 * S)
    assert not fires
    after, fires = happened(after, 10 * S)
    assert fires
    assert after.fired_count == 2


def test_markets_as_they_are() -> None:
    now = 1_000 * MINUTE
    market = venue_market("K", close_time=now + 30 * MINUTE)
    near, far = alert("CLOSE", 30, outcome=None), alert("CLOSE", 29, outcome=None)
    assert market_holds(near, market, None, now) is True
    assert market_holds(far, market, None, now) is False
    closed = msgspec.structs.replace(market, status=ListedStatus.CLOSED)
    assert market_holds(near, closed, None, now) is False
    volume = alert("VOLUME_ABOVE", 5 * S, outcome=None)
    assert [market_holds(volume, market, v, now) for v in (None, 4 * S, 5 * S)] == [
        None, False, True,
    ]  # fmt: skip
    assert market_holds(alert("RESOLUTION", None, outcome=None), market, None, now) is False
    assert market_holds(alert(threshold=4_000), market, None, now) is True
    assert market_holds(alert(), None, None, now) is None


@given(
    prices=st.lists(st.integers(1, 9_999), max_size=40),
    threshold=st.integers(1, 9_999),
    cut=st.integers(0, 40),
    kind=st.sampled_from([AlertKind.PRICE_ABOVE, AlertKind.PRICE_BELOW]),
    outcome=st.sampled_from(["YES", "NO"]),
    pause_s=st.sampled_from([None, 10]),
)
def test_steps_of_any_size_fire_the_same(
    prices: list[int],
    threshold: int,
    cut: int,
    kind: AlertKind,
    outcome: str,
    pause_s: int | None,
) -> None:
    prints = [(price, place * 3 * S) for place, price in enumerate(prices)]
    begun = alert(kind.value, threshold, outcome=outcome, pause_s=pause_s)
    whole, fired = prints_seen(begun, prints)
    half, first = prints_seen(begun, prints[:cut])
    after, second = prints_seen(half, prints[cut:])
    assert after == whole
    assert [*first, *(cut + place for place in second)] == fired
