"""What an API key may call: each route and event says so; no account is in a key's reach."""

from gateway.access.api_keys.standing import Scope
from gateway.http.routing import Access
from tests.gateway.socket_desk import open_socket_desk
from tests.gateway.trading_desk import all_tables

ROUTES = [route for table in all_tables() for route in table.routes]


def test_a_route_for_users_says_what_it_asks_of_a_key() -> None:
    silent = [
        f"{route.method} {route.path}"
        for route in ROUTES
        if route.access is Access.USER and route.scope is None
    ]
    assert silent == [], "say scope=Scope.READ, TRADE or OWNER"


def test_what_is_no_read_asks_for_more_than_reading() -> None:
    reading = {
        f"{route.method} {route.path}"
        for route in ROUTES
        if route.method != "GET" and route.asks is Scope.READ
    }
    assert reading == {"POST /orders/preview"}
    trading = {route.path.split("/")[1] for route in ROUTES if route.asks is Scope.TRADE}
    assert trading == {"orders", "order-groups", "bets"}


def test_no_key_reaches_accounts_keys_or_what_admins_do() -> None:
    for route in ROUTES:
        row = f"{route.method} {route.path}"
        if route.tag == "pages":  # the same page for everybody, without anybody's data
            continue
        if route.access is Access.ADMIN or route.path.startswith(("/admin", "/auth", "/users/me")):
            assert route.asks is Scope.OWNER, row
        if route.access is Access.PUBLIC and route.method != "GET":
            assert route.asks is Scope.OWNER, row


async def test_every_event_says_what_it_asks_of_a_key() -> None:
    async with open_socket_desk() as desk:
        scopes = {name: event.scope for name, event in desk.sockets.server._events.items()}
    assert None not in scopes.values()
    assert {name for name, scope in scopes.items() if scope is Scope.READ} == {
        "ping",
        "session:authenticate",
        "session:resume",
        "subscribe:market",
        "subscribe:stocks",
        "unsubscribe:market",
        "unsubscribe:stocks",
        "order:preview",
    }
