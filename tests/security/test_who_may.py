"""Every route and every event, as everybody: nobody, somebody else in each role, the owner.

The routes are those of the running application, the rules those of `table.py`; what is somebody's
is as it was after everybody else has tried everything with it.
"""

from contextlib import AsyncExitStack
from typing import Any

import httpx

from exchange.messages.commands import PlaceOrder
from exchange.messages.terms import BUY, GTC, LIMIT, YES
from gateway.access.principals import Role
from gateway.http.routing import Access, Route
from tests.gateway.conftest import Person, Web
from tests.gateway.socket_client import raw_client, socket_client
from tests.gateway.socket_desk import open_socket_desk
from tests.security.belongings import Belongings, give_one_of_everything, open_account
from tests.security.table import ADMIN, EVENTS, ROUTES, SIGNED_IN, Rule, theirs, unruled

OUT = {401, 403}
ENDS_WHO_CALLS = {
    "DELETE /users/me",
    "DELETE /users/me/sessions",
    "DELETE /users/me/sessions/{id}",
    "POST /auth/logout",
}
"""Tried last, or the rest would be tried by nobody."""
HOLDS_OTHERS = {
    "DELETE /admin/orders/{id}",
    "DELETE /orders",
    "DELETE /portfolios/{id}",
    "DELETE /watchlists/{id}",
}
"""Tried behind what goes with it."""
NAMES_NO_ONES = {
    "POST /orders/{id}",
    "POST /users/me/links/{provider}",
    "GET /economy/stocks/{symbol}/quote",
}
"""What their paths name is nobody's: a market, a provider, a stock."""
NEEDS_THE_COOKIE = "POST /auth/refresh"


def rows_of(web: Web) -> list[tuple[str, str, Route]]:
    """Return every row: its name, its prefix, itself; reads first, and what destroys last."""
    api, root = web.tables
    named = [(f"{row.method} {row.path}", "/api/v1", row) for row in api.routes]
    of_api = {name for name, _, _ in named}
    for row in root.routes:
        name = f"{row.method} {row.path}"
        # A page may be called as what it shows is in the API.
        named.append((f"{name} (page)" if name in of_api else name, "", row))
    order = {"GET": 0, "PUT": 1, "PATCH": 2, "POST": 3, "DELETE": 4}
    last = (ENDS_WHO_CALLS, HOLDS_OTHERS)
    named.sort(key=lambda one: (*(one[0] in these for these in last), order[one[2].method], one[0]))
    return named


async def ask(
    owned: Belongings, prefix: str, row: Route, who: Person | None, body: object = None
) -> httpx.Response:
    headers = {} if who is None else who.bearer
    more: dict[str, Any] = {} if body is None else {"json": body}
    path = prefix + owned.path(row.path)
    return await owned.web.client.request(row.method, path, headers=headers, **more)


async def in_role(web: Web, role: str) -> Person:
    """Register somebody and give them a role."""
    person = await web.register()
    await web.accounts.users.set_role(person.id, role)
    return person


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("error", {}).get("code", "")


async def test_every_route_has_a_rule_that_says_what_the_route_says(web: Web) -> None:
    rows = rows_of(web)
    wrong = unruled("ROUTES", ROUTES, {name for name, _, _ in rows})
    assert not wrong, wrong
    for name, _, row in rows:
        assert ROUTES[name].access is row.access, f"{name}: the rule and the route differ"
        names_a_thing = bool(row.parameters) and row.access is Access.USER
        if names_a_thing and name not in NAMES_NO_ONES:
            assert ROUTES[name].refusal, f"{name} names a thing: theirs(...)"


async def test_nobody_gets_at_what_is_somebody_elses(web: Web) -> None:
    owned = await give_one_of_everything(web)
    stranger, admin = await web.register(), await web.register(admin=True)
    maker, auditor = await in_role(web, "MARKET_MAKER"), await in_role(web, "AUDITOR")
    for person in (stranger, maker, auditor, admin):
        open_account(web, person)
    before = await owned.told()
    for name, prefix, row in rows_of(web):
        rule = ROUTES[name]
        nobody = await ask(owned, prefix, row, None, rule.body)
        if rule.access is not Access.PUBLIC:
            assert code_of(nobody) == (401, "UNAUTHORIZED"), name
        elif name != NEEDS_THE_COOKIE:
            assert nobody.status_code not in OUT, (name, nobody.text)
        if rule == ADMIN:
            for person in (stranger, maker, owned.owner):
                answer = await ask(owned, prefix, row, person)
                assert code_of(answer) == (403, "FORBIDDEN"), name
            answer = await ask(owned, prefix, row, auditor)
            assert (answer.status_code in OUT) is (row.method != "GET"), (name, answer.text)
        if rule.refusal is not None:
            for person in (stranger, maker, auditor, admin):
                answer = await ask(owned, prefix, row, person, rule.body)
                told = {rule.refusal}
                if person is auditor and row.method != "GET":
                    # They change nothing, whosever it is.
                    told.add((403, "FORBIDDEN"))
                assert code_of(answer) in told, (name, answer.text)
                assert owned.owner.email not in answer.text
    after = await owned.told()
    for name, kept in before.items():
        assert after[name] == kept, f"somebody else changed it: {name}"


async def test_who_may_does(web: Web) -> None:
    """The same rows by those whom they admit: else the test above would prove nothing."""
    owned = await give_one_of_everything(web)
    admin = await web.register(admin=True)
    open_account(web, admin)
    for name, prefix, row in rows_of(web):
        rule = ROUTES[name]
        if rule.refusal is not None:
            again = await ask(owned, prefix, row, owned.owner, rule.body)
            assert again.is_success, (name, again.text)
        elif rule == ADMIN:
            answer = await ask(owned, prefix, row, admin)
            assert answer.status_code not in OUT, (name, answer.text)
        elif rule == SIGNED_IN and name not in ENDS_WHO_CALLS:
            answer = await ask(owned, prefix, row, owned.owner)
            assert answer.status_code not in OUT, (name, answer.text)


async def test_every_event_has_a_rule_and_keeps_it() -> None:
    async with open_socket_desk() as desk:
        events = set(desk.sockets.server._events)
        wrong = unruled("EVENTS", EVENTS, events)
        assert not wrong, wrong
        place = PlaceOrder(1, 1, BUY, YES, LIMIT, 5_000, 100, GTC)
        desk.engine.run(place)
        (order,) = desk.engine.view.orders.values()
        before = desk.engine.view.accounts[1].seq
        roles = {"2": Role.USER, "3": Role.MARKET_MAKER, "4": Role.AUDITOR, "5": Role.ADMIN}
        desk.names.roles |= roles
        async with AsyncExitStack() as stack:
            nobody = await stack.enter_async_context(raw_client(desk.port))
            await nobody.join()
            others = {
                role: await stack.enter_async_context(socket_client(desk.port, name))
                for name, role in roles.items()
            }
            for name in sorted(events):
                rule = EVENTS[name]
                theirs_is = {} if rule.refusal is None else {"orderId": str(order.id)}
                payload = (rule.body or {}) | theirs_is
                answer = await nobody.call(name, payload)
                code = answer.get("error", {}).get("code")
                assert (code == "UNAUTHORIZED") is (rule.access is not Access.PUBLIC), name
                for role, other in others.items():
                    answer = await other.call(name, payload)
                    code = answer.get("error", {}).get("code")
                    if role is Role.AUDITOR and desk.sockets.server._events[name].scope != "read":
                        assert code == "FORBIDDEN", (name, answer)
                        continue
                    assert code not in {"UNAUTHORIZED", "FORBIDDEN"}, (name, role, answer)
                    if rule.refusal is not None:
                        assert code == rule.refusal[1], (name, role, answer)
        assert desk.engine.view.accounts[1].seq == before
        async with socket_client(desk.port, "1") as owner:
            await owner.ok("order:amend", {"orderId": str(order.id), "quantity": "0.5"})
            await owner.ok("order:cancel", {"orderId": str(order.id)})


def test_a_missing_rule_is_named() -> None:
    rules: dict[str, Rule] = {"GET /a": SIGNED_IN, "GET /b": theirs()}
    said = unruled("ROUTES", rules, {"GET /a", "POST /new"})
    assert '"POST /new": EVERYBODY | SIGNED_IN | ADMIN | theirs(...),' in said
    assert "ROUTES has a rule for GET /b, which is gone" in said
    assert unruled("ROUTES", rules, {"GET /a", "GET /b"}) == ""
