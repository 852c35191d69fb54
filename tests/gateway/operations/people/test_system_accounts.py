"""GET /admin/accounts: the exchange's own accounts, which no person has."""

from typing import Any, cast

import pytest

from exchange.messages.bounds import CREDIT_MAX
from exchange.messages.commands import CreditAccount
from exchange.model.system_accounts import HOUSE, SYSTEM_ACCOUNTS, reserve_of, system_name
from gateway.access.principals import Actor
from gateway.engine_side.audited import AuditedCommands
from gateway.engine_side.refusals import EngineRefused
from gateway.wire.scalars import parse_id
from tests.gateway.conftest import Web
from tests.gateway.portfolio.venue_fake import caller
from tests.gateway.trading_desk import Desk

CREDIT = {"amount": "500", "reason": "the house's capital", "requestId": "h-1"}
UNOPENED = {"id": str(HOUSE), "name": "house", "account": None}


def test_their_ids_are_beyond_peoples_and_told_exactly_by_every_client() -> None:
    assert [*SYSTEM_ACCOUNTS][:2] == [HOUSE, reserve_of(1)]
    assert reserve_of(999) == SYSTEM_ACCOUNTS[-1]
    assert parse_id(str(SYSTEM_ACCOUNTS[-1])) == SYSTEM_ACCOUNTS[-1] < 2**53
    assert [system_name(one) for one in (HOUSE, reserve_of(7), 7)] == ["house", "reserve:7", None]
    for number in (0, 1_000):
        with pytest.raises(ValueError, match="no reserve"):
            reserve_of(number)


async def test_the_house_is_funded_by_an_admins_credit_which_opens_it_once(desk: Desk) -> None:
    assert (await desk.call("GET", "/admin/accounts", "root")).data == [UNOPENED]
    for replayed in (False, True):
        reply = await desk.call("POST", f"/admin/users/{HOUSE}/credit", "root", CREDIT)
        assert reply.status == 200, reply.error
        assert reply.data.get("replayed", False) is replayed
    (house,) = (await desk.call("GET", "/admin/accounts", "root")).data
    account = house["account"]
    assert account["balance"]["available"] == "500.000000"
    assert (account["standing"], account["positions"], account["openOrders"]) == ("ACTIVE", 0, 0)
    assert desk.audit.lines == [
        (1, "user.credit", f"user:{HOUSE} 500.000000", outcome) for outcome in ("ok", "replayed")
    ]


async def test_a_first_credit_that_is_refused_opens_none(desk: Desk) -> None:
    engine = desk.engine
    commands = AuditedCommands(engine, engine.view, cast("Any", desk.audit))
    for wrong in ({"valid_until": 1}, {"amount": CREDIT_MAX + 1}, {"reason": "x" * 1_000}):
        terms: dict[str, Any] = {"amount": 1, "reason": "the house's capital"} | wrong
        with pytest.raises(EngineRefused):
            await commands.run(
                Actor(1, "c-1"), "user.credit", "house", CreditAccount(HOUSE, **terms)
            )
    assert HOUSE not in engine.view.accounts
    assert (await desk.call("GET", "/admin/accounts", "root")).data == [UNOPENED]
    await commands.run(Actor(1, "c-1"), "user.credit", "house", CreditAccount(HOUSE, 1, "capital"))
    assert engine.view.accounts[HOUSE].available == 1


async def test_a_reserve_is_shown_once_it_is_open(desk: Desk) -> None:
    await desk.call("POST", f"/admin/users/{reserve_of(7)}/credit", "root", CREDIT)
    found = (await desk.call("GET", "/admin/accounts", "root")).data
    assert [(one["id"], one["name"]) for one in found] == [
        (str(HOUSE), "house"),
        (str(reserve_of(7)), "reserve:7"),
    ]


async def test_beyond_them_no_credit_opens_an_account(desk: Desk) -> None:
    for number in (HOUSE - 1, SYSTEM_ACCOUNTS[-1] + 1):
        reply = await desk.call("POST", f"/admin/users/{number}/credit", "root", CREDIT)
        assert reply.error["code"] == "ACCOUNT_NOT_FOUND"


async def test_nobody_is_one_of_them(web: Web) -> None:
    admin = await caller(web, admin=True)
    assert (await admin.call("GET", f"/admin/users/{HOUSE}")).status_code == 404
    await admin.data("POST", f"/admin/users/{HOUSE}/credit", CREDIT)
    assert (await admin.call("GET", f"/admin/users/{HOUSE}")).status_code == 404
    assert (await admin.call("GET", f"/users/{HOUSE}")).status_code == 404
    listed = await admin.data("GET", "/admin/users")
    assert [one["id"] for one in listed] == ["1"]
    # An admin stops the house like anybody else.
    body = {"suspended": True, "reason": "over its limit"}
    suspended = await admin.data("POST", f"/admin/users/{HOUSE}/suspend", body)
    assert suspended["standing"] == "SUSPENDED"
