"""The owner hears of every way in and factor that comes or goes, at an address that is theirs."""

from typing import Any

from tests.gateway.accounts.mail.post_office import PostOffice, delivering
from tests.gateway.accounts.passkeys.authenticator import Authenticator
from tests.gateway.accounts.passkeys.holder import PAGE, PASSKEYS, add
from tests.gateway.accounts.second_factor.app import (
    API,
    TOTP,
    begin_sign_in,
    call,
    data,
    set_up,
    verify,
)
from tests.gateway.accounts.wallets.signers import URL, Phantom
from tests.gateway.accounts.wallets.test_wallets import OWN, proof
from tests.gateway.conftest import MakeWeb, Person, Web

ADA = "ada@example.org"
KEYS = f"{API}/users/me/api-keys"
NEW_KEY = {"label": "bot", "algorithm": "hmac-sha256", "scopes": ["read"]}


async def confirmed(web: Web, office: PostOffice) -> Person:
    """Somebody whose address is confirmed."""
    ada = await web.register(ADA)
    token = await office.token("verify-email", ADA)
    await data(web, "POST", f"{API}/auth/email/verify", body={"token": token})
    return ada


async def told(office: PostOffice, what: str, *secrets: str) -> None:
    """Take the next notice: it says what happened and what to do, and nothing else."""
    mail = await office.next("access-changed")
    assert mail.to == ADA
    assert f"on your account {what}. If this wasn't you, set a new password" in mail.text
    assert not any(secret in mail.text for secret in secrets)


async def test_of_factors(make_web: MakeWeb) -> None:
    office = PostOffice()
    web = await make_web(mailer=office, **PAGE)
    async with delivering(web):
        ada = await confirmed(web, office)
        made = await add(web, ada, Authenticator(), "my own phone")
        await told(office, "a passkey was added", "phone")
        app = await set_up(web, ada)
        await told(office, "codes of an app were set up as second factor", app.secret)
        codes = (await data(web, "POST", f"{API}/auth/2fa/recovery", ada))["recoveryCodes"]
        await told(office, "new recovery codes were made", *codes)
        challenge = (await begin_sign_in(web, ada))["challenge"]
        assert (await verify(web, challenge, recoveryCode=codes[0])).status_code == 200
        await told(office, "a recovery code was used", *codes)
        await data(web, "DELETE", TOTP, ada)
        await told(office, "the codes of an app were removed as second factor")
        await data(web, "DELETE", f"{PASSKEYS}/{made['passkey']['id']}", ada)
        await told(office, "a passkey was removed")
    assert office.mails == []


async def test_of_keys_and_wallets(make_web: MakeWeb) -> None:
    office, signer = PostOffice(), Phantom()
    web = await make_web(mailer=office, FRONTEND_URL=f"{URL}/app")
    async with delivering(web):
        ada = await confirmed(web, office)
        made = await data(web, "POST", KEYS, ada, NEW_KEY)
        key = f"{KEYS}/{made['key']['id']}"
        await told(office, "an API key was made", made["secret"], made["key"]["apiKey"], "bot")
        await data(web, "PATCH", key, ada, {"label": "another"})
        await data(web, "PATCH", key, ada, {"allowList": ["203.0.113.0/24"]})
        await told(office, "where an API key may be used from was changed", "203.0")
        await data(web, "DELETE", key, ada)
        await told(office, "an API key was revoked")
        wallet = await data(web, "POST", OWN, ada, await proof(web, signer))
        await told(office, "a wallet was linked", signer.address)
        again = await call(web, "POST", OWN, ada, await proof(web, signer))
        assert again.status_code == 409
        await data(web, "DELETE", f"{OWN}/{wallet['id']}", ada)
        await told(office, "a wallet was unlinked", signer.address)
        assert (await call(web, "DELETE", f"{OWN}/{wallet['id']}", ada)).status_code == 404
    assert office.mails == []


async def test_nobody_hears_at_an_address_that_was_not_confirmed(make_web: MakeWeb) -> None:
    office = PostOffice()
    web = await make_web(mailer=office)
    async with delivering(web):
        ben = await web.register("ben@example.org")
        await office.next("verify-email")
        await data(web, "POST", KEYS, ben, NEW_KEY)
        await confirmed(web, office)
    assert office.mails == []


async def test_a_change_is_made_though_there_is_no_room_for_mail(make_web: MakeWeb) -> None:
    web = await make_web(mailer=PostOffice(), MAIL_QUEUE_SIZE=1)
    ada: Any = await web.register(ADA)
    for _ in range(3):
        await data(web, "POST", KEYS, ada, NEW_KEY)
    assert len(await data(web, "GET", KEYS, ada)) == 3
