"""One user's whole picture, for admins and auditors."""

from exchange.messages.commands import SuspendAccount
from exchange.messages.limit_commands import SetAccountLimits
from exchange.messages.limits import AccountLimits
from tests.gateway.conftest import Web
from tests.gateway.portfolio.venue_fake import caller
from tests.security.belongings import give_one_of_everything


async def test_admins_and_auditors_see_one_user_whole(web: Web) -> None:
    owned = await give_one_of_everything(web)
    owner = owned.owner
    web.engine.run(SetAccountLimits(owner.id, AccountLimits(open_orders=7)))
    admin, auditor = await caller(web, admin=True), await caller(web)
    await web.accounts.users.set_role(auditor.id, "AUDITOR")
    path = f"/admin/users/{owner.id}"
    answer = await admin.call("PUT", f"{path}/rate-tier", {"tier": "maker"})
    assert answer.is_success
    told = await auditor.data("GET", path)
    assert (told["id"], told["email"], told["role"]) == (str(owner.id), owner.email, "USER")
    assert told["waysIn"] == ["password", "x", "wallet", "passkey"]
    assert [one["label"] for one in told["secondFactors"]["passkeys"]] == ["phone"]
    assert told["secondFactors"]["totpSince"] is None
    assert [one["kind"] for one in told["wallets"]] == ["ethereum"]
    assert [one["provider"] for one in told["links"]] == ["x"]
    assert [one["current"] for one in told["sessions"]] == [False]
    assert [one["label"] for one in told["apiKeys"]] == ["a"]
    assert told["rateTier"] == "maker"
    account = told["account"]
    assert (account["standing"], account["openOrders"]) == ("ACTIVE", 2)
    # The bet's shares.
    assert (account["balance"]["locked"], account["positions"]) == ("1.000000", 1)
    assert account["limits"]["openOrders"] == 7
    lines = [line["action"] for line in told["audit"]]
    assert lines[:3] == ["user.rate_tier", "economy.bet", "alert-webhook.create"]
    web.engine.run(SuspendAccount(owner.id, suspended=True))
    told = await admin.data("GET", path)
    assert (told["account"]["standing"], told["account"]["openOrders"]) == ("SUSPENDED", 0)
    looks = [line["actorId"] for line in told["audit"] if line["action"] == "user.read"]
    assert looks == [str(auditor.id)]


async def test_nothing_secret_is_shown(web: Web) -> None:
    owned = await give_one_of_everything(web)
    admin = await caller(web, admin=True)
    text = (await admin.call("GET", f"/admin/users/{owned.owner.id}")).text
    for word in ("password_hash", "argon2", "material", "secret", "tokens", "a key", "hash"):
        assert word not in text


async def test_who_has_no_account_yet_and_who_is_nobody(web: Web) -> None:
    admin, newcomer = await caller(web, admin=True), await caller(web)
    unopened = await web.accounts.users.insert(None, "Ann", "USER", None, 1)
    assert unopened is not None
    told = await admin.data("GET", f"/admin/users/{unopened.id}")
    assert (told["account"], told["email"], told["waysIn"]) == (None, None, [])
    assert (await admin.refused("GET", "/admin/users/999"))[0] == 404
    assert (await newcomer.refused("GET", f"/admin/users/{admin.id}"))[0] == 403
