"""Rate limits: who is counted, where the count goes, and that its memory is bounded."""

import re
from dataclasses import dataclass, field
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.budgets import Budget
from gateway.access.client_address import ClientAddresses
from gateway.access.rate_limits import FixedWindow, RateLimits
from gateway.bootstrap.settings import load_settings
from gateway.settings.values import networks
from gateway.wire.errors import RateLimited
from tests.gateway.conftest import MakeWeb

K = TypeVar("K", str, int)

ME = "/api/v1/auth/me"
LOGIN = "/api/v1/auth/login"


async def test_address_is_refused_after_its_requests_and_told_when_to_return(
    make_web: MakeWeb,
) -> None:
    web = await make_web(RATE_LIMIT_MAX_REQUESTS=3)
    statuses = [(await web.client.get(ME)).status_code for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    answer = await web.client.get("/api/v1/no/such/path")
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "RATE_LIMITED")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert answer.headers["ratelimit-policy"] == '"anonymous";q=3;w=60'
    assert re.fullmatch(r'"anonymous";r=0;t=\d+', answer.headers["ratelimit"])
    async with web.from_address("192.0.2.2") as other:
        assert (await other.get(ME)).status_code == 401


async def test_user_is_counted_apart_from_the_address(make_web: MakeWeb) -> None:
    web = await make_web(RATE_LIMIT_MAX_REQUESTS=3, RATE_LIMIT_USER_MAX_REQUESTS=5)
    ada = await web.register()
    statuses = [(await web.client.get(ME, headers=ada.bearer)).status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    async with web.from_address("192.0.2.2") as other:
        assert (await other.get(ME, headers=ada.bearer)).status_code == 429
    assert (await web.client.get(ME)).status_code == 401


async def test_health_and_pages_are_never_refused(make_web: MakeWeb) -> None:
    web = await make_web(RATE_LIMIT_MAX_REQUESTS=1)
    for _ in range(3):
        for path in ("/health", "/ready", "/metrics", "/", "/static/pages.css", "/api/v1/docs"):
            assert (await web.client.get(path)).status_code == 200, path


async def test_forged_tokens_count_against_the_address(make_web: MakeWeb) -> None:
    web = await make_web(RATE_LIMIT_MAX_REQUESTS=2)
    statuses = []
    for number in range(4):
        headers = {"authorization": f"Bearer forged{number}"}
        statuses.append((await web.client.get(ME, headers=headers)).status_code)
    assert statuses == [401, 401, 429, 429]


async def test_forwarded_address_of_a_stranger_is_not_believed(make_web: MakeWeb) -> None:
    web = await make_web(RATE_LIMIT_MAX_REQUESTS=2, TRUSTED_PROXIES="10.0.0.0/8")
    statuses = []
    for number in range(4):
        headers = {"x-forwarded-for": f"203.0.113.{number}"}
        statuses.append((await web.client.get(ME, headers=headers)).status_code)
    assert statuses == [401, 401, 429, 429]


async def test_behind_our_proxy_each_client_is_counted(make_web: MakeWeb) -> None:
    web = await make_web(RATE_LIMIT_MAX_REQUESTS=1, TRUSTED_PROXIES="10.0.0.0/8")
    async with web.from_address("10.0.0.1") as proxy:
        statuses = []
        for forwarded in ("203.0.113.1", "203.0.113.2", "198.51.100.9, 203.0.113.1"):
            answer = await proxy.get(ME, headers={"x-forwarded-for": forwarded})
            statuses.append(answer.status_code)
    assert statuses == [401, 401, 429]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", [b"203.0.113.1"], "192.0.2.1"),
        ("10.0.0.1", [b"203.0.113.1"], "203.0.113.1"),
        ("10.0.0.1", [b"203.0.113.1, 10.0.0.2"], "203.0.113.1"),
        ("10.0.0.1", [b"1.1.1.1, 203.0.113.1, 10.0.0.2"], "203.0.113.1"),
        ("10.0.0.1", [b"1.1.1.1", b"203.0.113.1"], "203.0.113.1"),
        ("10.0.0.1", [b"203.0.113.1, what, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [b"10.0.0.3"], "10.0.0.3"),
        ("10.0.0.1", [b"what"], "10.0.0.1"),
        ("10.0.0.1", [b""], "10.0.0.1"),
        ("10.0.0.1", [b"1.1.1.1," * 10_000 + b"203.0.113.1"], "203.0.113.1"),
        ("::ffff:10.0.0.1", [b"203.0.113.1"], "203.0.113.1"),
        ("10.0.0.1", [b"2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        ("10.0.0.1", [b"203.0.113.1:54321"], "203.0.113.1"),
        ("10.0.0.1", [b"203.0.113.1:54321, 10.0.0.2:80"], "203.0.113.1"),
        ("10.0.0.1", [b"[2001:db8:1:2::5]:443"], "2001:db8:1:2::/64"),
        ("10.0.0.1", [b'"[2001:db8:1:2::5]"'], "2001:db8:1:2::/64"),
        ("10.0.0.1", [b"203.0.113.1:x"], "10.0.0.1"),
        ("2001:db8:1:2:ffff::1", [], "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", [], "192.0.2.7"),
    ],
)
def test_forwarded_list_is_walked_from_the_right(
    peer: str, forwarded: list[bytes], expected: str
) -> None:
    headers = [(b"x-forwarded-for", value) for value in forwarded]
    scope = {"client": (peer, 1), "headers": headers, "scheme": "http"}
    address, _ = ClientAddresses(networks("10.0.0.0/8")).find(scope, dict(headers))
    assert address == expected


def test_scheme_is_believed_from_our_proxy_alone() -> None:
    headers = [(b"x-forwarded-for", b"203.0.113.1"), (b"x-forwarded-proto", b"https")]
    addresses = ClientAddresses(networks("10.0.0.0/8"))
    for peer, expected in (("10.0.0.1", True), ("192.0.2.1", False)):
        scope = {"client": (peer, 1), "headers": headers, "scheme": "http"}
        assert addresses.find(scope, dict(headers))[1] is expected


def hit(window: FixedWindow[K], key: K) -> bool:
    """Count one more and say whether it is within the limit."""
    return window.spend(key).hits <= window.limit


def test_windows_end_and_begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr("gateway.access.rate_limits.time.monotonic", lambda: now)
    window = FixedWindow[str](limit=3, window_ms=60_000, capacity=100)
    assert [hit(window, "one") for _ in range(4)] == [True, True, True, False]
    assert (window.has_room("one"), window.has_room("two")) == (False, True)
    assert window.seconds_left("one") == 60
    now = 1_059.9
    assert hit(window, "one") is False
    now = 1_060.0
    assert window.has_room("one")
    assert window.seconds_left("one") == 0
    assert [hit(window, "one") for _ in range(4)] == [True, True, True, False]


def test_memory_is_bounded_and_the_oldest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr("gateway.access.rate_limits.time.monotonic", lambda: now)
    window = FixedWindow[int](limit=1, window_ms=60_000, capacity=100)
    for number in range(5_000):
        assert hit(window, number)
        assert len(window) == min(number + 1, 100)
    assert [window.has_room(number) for number in (4_899, 4_900, 4_999)] == [True, False, False]
    now = 1_061.0
    assert hit(window, 1)
    assert len(window) == 1


def test_flood_of_addresses_leaves_the_users_counted() -> None:
    settings = {"RATE_LIMIT_USER_MAX_REQUESTS": "1", "RATE_LIMIT_TRACKED_KEYS": "100"}
    limits = RateLimits(load_settings(settings).limits)
    limits.spend(Budget.STANDARD, 1, "192.0.2.1")
    for number in range(200):
        limits.spend(Budget.STANDARD, None, f"192.0.2.{number}")
    with pytest.raises(RateLimited):
        limits.spend(Budget.STANDARD, 1, "192.0.2.1")


@dataclass
class Owner:
    """Somebody with orders in the book, against limits of which the clock is ours."""

    cancels_per_second: int = 3
    requests: int = 5
    open_orders: int = 0
    now: float = 1_000.0
    limits: RateLimits = field(init=False)

    def __post_init__(self) -> None:
        settings = {
            "RATE_LIMIT_CANCELS_PER_SECOND": str(self.cancels_per_second),
            "RATE_LIMIT_USER_MAX_REQUESTS": str(self.requests),
        }
        self.limits = RateLimits(load_settings(settings).limits, lambda _: self.open_orders)

    def may(self, budget: Budget) -> bool:
        try:
            self.limits.count(budget, 1, "192.0.2.1")
        except RateLimited:
            return False
        return True

    def cancels(self) -> bool:
        """Send one cancel, which takes an order out of the book if it is taken."""
        taken = self.may(Budget.CANCEL)
        self.open_orders = max(0, self.open_orders - taken)
        return taken


@pytest.fixture
def owner(monkeypatch: pytest.MonkeyPatch) -> Owner:
    made = Owner()
    # One module, whoever imports it.
    monkeypatch.setattr("gateway.access.rate_limits.time.monotonic", lambda: made.now)
    return made


def test_whoever_has_used_everything_up_cancels_as_promised(owner: Owner) -> None:
    for budget in (Budget.STANDARD, Budget.WRITE):
        assert [owner.may(budget) for _ in range(6)] == [True] * 5 + [False]
    assert [owner.may(Budget.SESSION) for _ in range(6)] == [True] * 5 + [False]
    owner.open_orders = 40
    assert all(owner.cancels() for _ in range(2 * 3 + 40))
    assert owner.open_orders == 0
    assert [owner.cancels() for _ in range(7)][-1] is False
    for _ in range(50):
        assert owner.may(Budget.CANCEL_ALL)
    for _ in range(20):
        owner.now += 1
        assert [owner.cancels() for _ in range(3)] == [True] * 3
        assert owner.may(Budget.STANDARD) is (owner.now % 12 == 4)
        assert owner.may(Budget.WRITE) is (owner.now % 12 == 4)


def test_cancels_of_an_open_order_that_is_not_there_come_to_an_end(owner: Owner) -> None:
    """One order that stays doesn't buy cancels without end."""
    owner.open_orders = 10
    taken = sum(owner.may(Budget.CANCEL) for _ in range(1_000))
    assert taken == 2 * 3 + 5 + 10 + 2 * 3
    owner.now += 59
    assert sum(owner.may(Budget.CANCEL) for _ in range(1_000)) == 2 * 3 + 4
    owner.now += 2
    assert sum(owner.may(Budget.CANCEL) for _ in range(1_000)) == 2 * 3 + 1 + 10 + 2 * 3


def test_cancels_at_their_pace_leave_the_requests_alone(owner: Owner) -> None:
    for _ in range(100):
        owner.now += 1 / 3
        assert owner.may(Budget.CANCEL)
    for budget in (Budget.STANDARD, Budget.WRITE):
        assert [owner.may(budget) for _ in range(6)] == [True] * 5 + [False]


@given(
    pace=st.integers(1, 20),
    requests=st.integers(1, 30),
    orders=st.integers(0, 50),
    bursts=st.lists(st.integers(0, 40), max_size=30),
    gap=st.sampled_from([0.0, 0.013, 0.25, 1.0, 7.0]),
)
def test_an_order_in_the_book_can_always_be_cancelled(
    pace: int, requests: int, orders: int, bursts: list[int], gap: float
) -> None:
    """Whatever else was sent before and goes on between, every open order's cancel is taken."""
    with pytest.MonkeyPatch.context() as patch:
        owner = Owner(cancels_per_second=pace, requests=requests)
        patch.setattr("gateway.access.rate_limits.time.monotonic", lambda: owner.now)
        # Orders are requests too: those that are refused are not in the book.
        owner.open_orders = sum(owner.may(Budget.WRITE) for _ in range(orders))
        for burst in bursts:
            for _ in range(burst):
                owner.may(Budget.SESSION)
                owner.may(Budget.STANDARD)
                if owner.may(Budget.WRITE):
                    owner.open_orders += 1
            if owner.open_orders:
                assert owner.cancels()
            owner.now += gap
        assert all(owner.cancels() for _ in range(owner.open_orders))


@given(
    limit=st.integers(1, 6),
    steps=st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 2)), max_size=80),
)
def test_no_window_holds_more_than_its_limit_and_none_refuses_below_it(
    limit: int, steps: list[tuple[str, float]]
) -> None:
    """Against the list of all hits: at most twice the limit in any span as long as a window."""
    with pytest.MonkeyPatch.context() as patch:
        now = 1_000.0
        patch.setattr("gateway.access.rate_limits.time.monotonic", lambda: now)
        window = FixedWindow[str](limit, window_ms=1_000, capacity=10)
        taken: dict[str, list[float]] = {"a": [], "b": []}
        for key, pause in steps:
            now += pause
            recent = [at for at in taken[key] if at > now - 1]
            if hit(window, key):
                assert len(recent) < 2 * limit
                taken[key].append(now)
            else:
                assert len([at for at in taken[key] if at >= now - 1]) >= limit
