"""Every way of signing in tells the audit log, and whoever is suspended, the same."""

import httpx

from exchange.messages.commands import SuspendAccount
from tests.gateway.accounts.passkeys.authenticator import Authenticator
from tests.gateway.accounts.passkeys.holder import PAGE, add, creation_options, sign_in
from tests.gateway.accounts.second_factor.app import (
    LOGIN,
    audited,
    begin_sign_in,
    call,
    set_up,
    verify,
)
from tests.gateway.accounts.wallets.signers import URL, Phantom
from tests.gateway.accounts.wallets.test_wallets import SIGN_IN as WALLET
from tests.gateway.accounts.wallets.test_wallets import proof
from tests.gateway.accounts.wallets.test_wallets import sign_in as sign_in_by_wallet
from tests.gateway.conftest import PASSWORD, MakeWeb, Web


async def suspended(web: Web, answer: httpx.Response, user_id: int, way: str) -> None:
    """Check an answer that nobody was signed in by, and the last line about signing in."""
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "ACCOUNT_SUSPENDED")
    assert "set-cookie" not in answer.headers
    assert (await audited(web, "auth.login"))[-1] == (user_id, f"user:{user_id} {way}", "suspended")


async def test_a_suspended_account_signs_in_by_nothing(make_web: MakeWeb) -> None:
    web, device = await make_web(**PAGE), Authenticator()
    ada = await web.register("ada@example.org")
    await add(web, ada, device)
    app = await set_up(web, ada)
    challenge = (await begin_sign_in(web, ada))["challenge"]
    web.engine.run(SuspendAccount(ada.id, suspended=True))
    await suspended(web, await sign_in(web, device), ada.id, "passkey")
    await suspended(web, await verify(web, challenge, code=app.code(1)), ada.id, "password")
    body = {"email": ada.email, "password": PASSWORD}
    await suspended(web, await call(web, "POST", LOGIN, body=body), ada.id, "password")
    web.engine.run(SuspendAccount(ada.id, suspended=False))
    assert (await sign_in(web, device)).status_code == 200


async def test_nor_by_a_wallet(make_web: MakeWeb) -> None:
    web, signer = await make_web(FRONTEND_URL=f"{URL}/app"), Phantom()
    ann = await sign_in_by_wallet(web, signer)
    web.engine.run(SuspendAccount(ann.id, suspended=True))
    answer = await call(web, "POST", WALLET, body=await proof(web, signer))
    await suspended(web, answer, ann.id, "wallet")


async def test_what_is_refused_says_by_which_way(make_web: MakeWeb) -> None:
    web, stranger = await make_web(**PAGE), Authenticator()
    ada = await web.register("ada@example.org")
    stranger.create(await creation_options(web, ada))
    assert (await sign_in(web, stranger)).status_code == 401
    assert await audited(web, "auth.login") == [(None, "passkey", "refused")]
    app = await set_up(web, ada)
    asked = await begin_sign_in(web, ada)
    for challenge, code, target in (
        (asked["challenge"], app.wrong_code(), f"user:{ada.id}"),
        ("x" * 43, app.code(1), None),
    ):
        assert (await verify(web, challenge, code=code)).status_code == 401
        assert (await audited(web, "auth.login"))[-1] == (None, target, "refused")
