"""Signing in by a wallet, linking and unlinking: what a signature does, and what not."""

import asyncio
import sys
from typing import Any

import httpx
import pytest

from gateway.accounts.wallets import libraries
from persistence.repositories.people.wallets import Wallets
from tests.gateway.accounts.wallets.signers import DOMAIN, URL, Metamask, Phantom, Signer
from tests.gateway.conftest import PASSWORD, MakeWeb, Person, Web, person_of

API = "/api/v1"
NONCE = f"{API}/auth/wallet/nonce"
SIGN_IN = f"{API}/auth/wallet"
STEP_UP = f"{API}/auth/wallet/step-up"
OWN = f"{API}/users/me/wallets"
SIGNERS = {"ethereum": Metamask, "solana": Phantom}


@pytest.fixture
async def web(make_web: MakeWeb) -> Web:
    return await make_web(FRONTEND_URL=f"{URL}/app", ETHEREUM_CHAINS="1,137")


@pytest.fixture(params=SIGNERS)
async def signer(request: pytest.FixtureRequest) -> Any:
    return await asyncio.to_thread(SIGNERS[request.param])


async def call(
    web: Web, method: str, path: str, body: Any = None, who: Person | None = None
) -> httpx.Response:
    headers = {} if who is None else who.bearer
    answer = await web.client.request(method, path, json=body, headers=headers)
    web.client.cookies.clear()
    return answer


async def message(web: Web, signer: Signer) -> str:
    answer = await call(web, "GET", f"{NONCE}?address={signer.address}")
    assert answer.status_code == 200, answer.text
    text: str = answer.json()["data"]["message"]
    return text


def signed(signer: Signer, text: str) -> dict[str, str]:
    return {"message": text, "signature": signer.sign(text)}


async def proof(web: Web, signer: Signer) -> dict[str, str]:
    return signed(signer, await message(web, signer))


async def sign_in(web: Web, signer: Signer) -> Person:
    answer = await call(web, "POST", SIGN_IN, await proof(web, signer))
    assert answer.status_code == 200, answer.text
    return person_of(answer)


def refusal(answer: httpx.Response) -> tuple[int, str, list[str]]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], [detail["field"] for detail in error["details"]]


async def outcomes(web: Web, action: str) -> list[tuple[int | None, str | None, str]]:
    entries, _ = await web.accounts.audit.page(100)
    found = [entry for entry in reversed(entries) if entry.action == action]
    return [(entry.actor_id, entry.target, entry.outcome) for entry in found]


async def test_a_wallet_registers_and_signs_in(web: Web, signer: Signer) -> None:
    ann = await sign_in(web, signer)
    mine = (await call(web, "GET", f"{API}/users/me", who=ann)).json()["data"]
    assert (mine["email"], mine["displayName"]) == (None, f"Trader-{ann.id}")
    assert mine["waysIn"] == ["wallet"]
    assert ann.id in web.engine.view.accounts
    assert (await sign_in(web, signer)).id == ann.id
    (wallet,) = (await call(web, "GET", OWN, who=ann)).json()["data"]
    assert (wallet["kind"], wallet["address"]) == (signer.kind, signer.address)
    assert await outcomes(web, "auth.register") == [(ann.id, f"user:{ann.id}", "ok")]
    assert await outcomes(web, "auth.login") == [(ann.id, f"user:{ann.id} wallet", "ok")] * 2
    assert signer.address not in web.log.getvalue()
    exported = await call(web, "GET", f"{API}/users/me/export", who=ann)
    assert exported.json()["wallets"][0]["address"] == signer.address


async def test_the_nonce_says_what_a_message_has_to_hold(web: Web, signer: Signer) -> None:
    told = (await call(web, "GET", NONCE)).json()["data"]
    assert (told["domain"], told["uri"], told["version"], told["message"]) == (
        DOMAIN,
        URL,
        "1",
        None,
    )
    assert told["chains"] == {"ethereum": ["1", "137"], "solana": ["mainnet"]}
    text = await message(web, signer)
    assert text.startswith(f"{DOMAIN} wants you to sign in with your {signer.kind.title()} acc")
    polygon = Metamask(2)
    asked = await call(web, "GET", f"{NONCE}?address={polygon.address}&chainId=137")
    text = asked.json()["data"]["message"]
    assert "\nChain ID: 137\n" in text
    assert (await call(web, "POST", SIGN_IN, signed(polygon, text))).status_code == 200


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("address=0x12", "address"),
        (f"address={Metamask(1).address.swapcase().replace('X', 'x', 1)}", "address"),
        (f"address={'1' * 33}", "address"),
        (f"address={Metamask(1).address}&chainId=5", "chainId"),
        ("chainId=Mainnet", "chainId"),
        ("nonce=1", "nonce"),
    ],
)
async def test_a_nonce_for_nobody(web: Web, query: str, field: str) -> None:
    assert refusal(await call(web, "GET", f"{NONCE}?{query}"))[::2] == (400, [field])


async def test_an_address_may_be_as_wallets_tell_pages(web: Web) -> None:
    wallet = Metamask(3)
    asked = await call(web, "GET", f"{NONCE}?address={wallet.address.lower()}")
    text = asked.json()["data"]["message"]
    assert f"\n{wallet.address}\n" in text
    assert (await call(web, "POST", SIGN_IN, signed(wallet, text))).status_code == 200


async def test_a_nonce_is_good_once(web: Web, signer: Signer) -> None:
    body = await proof(web, signer)
    assert (await call(web, "POST", SIGN_IN, body)).status_code == 200
    again = await call(web, "POST", SIGN_IN, body)
    assert refusal(again) == (401, "UNAUTHORIZED", ["message"])
    assert (await outcomes(web, "auth.login"))[-1] == (None, "wallet", "refused")
    # Of many at the same moment one is signed in.
    body = await proof(web, signer)
    found = await asyncio.gather(*(call(web, "POST", SIGN_IN, body) for _ in range(5)))
    assert sorted(answer.status_code for answer in found) == [200, 401, 401, 401, 401]


async def test_a_nonce_of_nobody_or_of_yesterday(web: Web, signer: Signer) -> None:
    text = await message(web, signer)
    nonce = text.split("Nonce: ")[1].split("\n")[0]
    made_up = signed(signer, text.replace(nonce, "0" * len(nonce)))
    assert refusal(await call(web, "POST", SIGN_IN, made_up)) == (401, "UNAUTHORIZED", ["message"])
    await web.parts.pool.execute("UPDATE wallet_nonces SET expires_at = 1")
    late = await call(web, "POST", SIGN_IN, signed(signer, text))
    assert refusal(late) == (401, "UNAUTHORIZED", ["message"])
    assert await web.parts.pool.fetchval("SELECT count(*) FROM users") == 0
    await web.parts.pool.execute("INSERT INTO wallet_nonces VALUES ('abcdefgh', 1)")
    assert await Wallets(web.parts.pool).prune_nonces(2, 10) == 1


def line(text: str, name: str) -> str:
    return next(found for found in text.split("\n") if found.startswith(f"{name}: "))


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("domain", "evil.example", 400),
        ("domain", f"{DOMAIN}:8443", 400),
        ("domain", f"http://{DOMAIN}", 400),
        ("URI", "https://evil.example", 400),
        ("URI", f"{URL}.evil.example/", 400),
        ("URI", f"http://{DOMAIN}", 400),
        ("Version", "2", 400),
        ("Chain ID", "5", 400),
        ("Issued At", "2020-01-01T00:00:00Z", 401),
        ("Issued At", "2099-01-01T00:00:00Z", 401),
        ("Expiration Time", "2020-01-01T00:00:00Z", 401),
        ("Not Before", "2099-01-01T00:00:00Z", 401),
    ],
)
async def test_a_message_that_is_not_for_us_or_not_for_now(
    web: Web, signer: Signer, name: str, value: str, status: int
) -> None:
    text = await message(web, signer)
    if name == "domain":
        text = value + text[len(DOMAIN) :]
    elif name == "Not Before":
        text += f"\nNot Before: {value}"
    else:
        value = "devnet" if (name, signer.kind) == ("Chain ID", "solana") else value
        text = text.replace(line(text, name), f"{name}: {value}")
    answer = await call(web, "POST", SIGN_IN, signed(signer, text))
    assert refusal(answer)[::2] == (status, ["message"]), answer.text
    assert await outcomes(web, "auth.login") == [(None, "wallet", "refused")]


@pytest.mark.parametrize("place", [0, 40, 130, -1])
async def test_a_message_that_was_changed_by_a_character(
    web: Web, signer: Signer, place: int
) -> None:
    body = await proof(web, signer)
    text = body["message"]
    place %= len(text)
    other = "1" if text[place] != "1" else "2"
    body["message"] = text[:place] + other + text[place + 1 :]
    answer = await call(web, "POST", SIGN_IN, body)
    assert answer.status_code in {400, 401}
    assert await web.parts.pool.fetchval("SELECT count(*) FROM users") == 0


async def test_a_signature_of_somebody_else(web: Web, signer: Signer) -> None:
    text = await message(web, signer)
    other = SIGNERS[signer.kind]()
    body = {"message": text, "signature": other.sign(text)}
    assert refusal(await call(web, "POST", SIGN_IN, body)) == (401, "UNAUTHORIZED", ["signature"])
    # It has used the nonce up.
    assert refusal(await call(web, "POST", SIGN_IN, signed(signer, text)))[0] == 401


@pytest.mark.parametrize("signature", ["", "0x", "0x1", "hello", "1" * 88, "0x" + "00" * 2_049])
async def test_a_signature_that_is_none(web: Web, signer: Signer, signature: str) -> None:
    body = {"message": await message(web, signer), "signature": signature}
    assert refusal(await call(web, "POST", SIGN_IN, body))[::2] == (400, ["signature"])


ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


async def test_a_signature_has_one_form(web: Web) -> None:
    """The other s signs the same text: taken, one signature would be two."""
    signer = Metamask(7)
    for number, form in enumerate(("high s", "zeros", "v", "longer", "low v", "as it is")):
        text = await message(web, signer)
        raw = bytearray.fromhex(signer.sign(text)[2:])
        if form == "high s":
            raw[32:64] = (ORDER - int.from_bytes(raw[32:64], "big")).to_bytes(32, "big")
            raw[64] = 55 - raw[64]
        elif form == "zeros":
            raw[:64] = bytes(64)
        elif form == "v":
            raw[64] = 37
        elif form == "longer":
            raw.append(0)
        elif form == "low v":
            raw[64] -= 27
        body = {"message": text, "signature": f"0x{raw.hex()}"}
        answer = await call(web, "POST", SIGN_IN, body)
        assert answer.status_code == (401 if number < 4 else 200), form


async def test_an_address_is_written_in_one_way(web: Web) -> None:
    signer = Metamask(8)
    text = await message(web, signer)
    body = signed(signer, text.replace(signer.address, signer.address.lower()))
    assert refusal(await call(web, "POST", SIGN_IN, body))[::2] == (400, ["message"])
    system_program = "1" * 32
    phantom = Phantom()
    text = await message(web, phantom)
    body = signed(phantom, text.replace(phantom.address, system_program))
    assert refusal(await call(web, "POST", SIGN_IN, body))[::2] == (400, ["message"])


# -- linking ----------------------------------------------------------------------------------


async def test_linking_and_unlinking(web: Web) -> None:
    ann, ben = await web.register(), await web.register()
    first, second = Metamask(), Phantom()
    for signer in (first, second):
        linked = await call(web, "POST", OWN, await proof(web, signer), ann)
        assert linked.status_code == 201, linked.text
        assert (await sign_in(web, signer)).id == ann.id
    twice = await call(web, "POST", OWN, await proof(web, first), ann)
    assert refusal(twice)[:2] == (409, "CONFLICT")
    assert "this account" in twice.json()["error"]["message"]
    elsewhere = await call(web, "POST", OWN, await proof(web, first), ben)
    assert refusal(elsewhere)[:2] == (409, "CONFLICT")
    assert "another account" in elsewhere.json()["error"]["message"]
    page = (await call(web, "GET", f"{OWN}?limit=1", who=ann)).json()
    rest = (await call(web, "GET", f"{OWN}?cursor={page['nextCursor']}", who=ann)).json()
    ids = [wallet["id"] for wallet in page["data"] + rest["data"]]
    assert (len(ids), page["pagination"]["total"]) == (2, 2)
    assert (await call(web, "DELETE", f"{OWN}/{ids[0]}", who=ben)).status_code == 404
    for wallet_id in ids:
        assert (await call(web, "DELETE", f"{OWN}/{wallet_id}", who=ann)).status_code == 200
        assert (await call(web, "DELETE", f"{OWN}/{wallet_id}", who=ann)).status_code == 404
    assert (await sign_in(web, first)).id not in {ann.id, ben.id}
    assert [outcome for _, _, outcome in await outcomes(web, "wallet.link")] == [
        "ok",
        "ok",
        "linked already",
        "linked already",
    ]
    assert len(await outcomes(web, "wallet.unlink")) == 2


async def test_what_is_dear_asks_for_a_fresh_login(web: Web, signer: Signer) -> None:
    ann = await sign_in(web, signer)
    (wallet,) = (await call(web, "GET", OWN, who=ann)).json()["data"]
    await web.parts.pool.execute("UPDATE sessions SET proved_at = 1")
    other = await proof(web, Phantom())
    for answer in (
        await call(web, "POST", OWN, other, ann),
        await call(web, "DELETE", f"{OWN}/{wallet['id']}", who=ann),
    ):
        assert refusal(answer)[:2] == (403, "FRESH_LOGIN_REQUIRED")
    # A stranger's wallet proves nothing, the account's own does.
    stranger = await call(web, "POST", STEP_UP, await proof(web, Phantom()), ann)
    assert refusal(stranger) == (403, "FORBIDDEN", ["message"])
    assert (await call(web, "POST", STEP_UP, await proof(web, signer), ann)).status_code == 200
    assert (await call(web, "POST", OWN, other, ann)).status_code == 201
    assert [outcome for _, _, outcome in await outcomes(web, "auth.step-up")] == ["refused", "ok"]


async def test_the_last_way_in_stays(web: Web, signer: Signer) -> None:
    ann = await sign_in(web, signer)
    (wallet,) = (await call(web, "GET", OWN, who=ann)).json()["data"]
    last = await call(web, "DELETE", f"{OWN}/{wallet['id']}", who=ann)
    assert refusal(last)[:2] == (409, "CONFLICT")
    assert (await sign_in(web, signer)).id == ann.id
    assert (await outcomes(web, "wallet.unlink"))[0][2] == "last way in"
    # Of two at the same moment one stays.
    assert (await call(web, "POST", OWN, await proof(web, Metamask()), ann)).status_code == 201
    rows = (await call(web, "GET", OWN, who=ann)).json()["data"]
    found = await asyncio.gather(
        *(call(web, "DELETE", f"{OWN}/{row['id']}", who=ann) for row in rows)
    )
    assert sorted(answer.status_code for answer in found) == [200, 409]


async def test_one_wallet_for_one_account_whoever_asks_at_once(web: Web, signer: Signer) -> None:
    people = [await web.register() for _ in range(4)]
    proofs = [await proof(web, signer) for _ in people]
    found = await asyncio.gather(
        *(call(web, "POST", OWN, body, who) for who, body in zip(people, proofs, strict=True))
    )
    assert sorted(answer.status_code for answer in found) == [201, 409, 409, 409]
    # And a new one that signs in twice at once is one person.
    other = SIGNERS[signer.kind]()
    bodies = [await proof(web, other) for _ in range(4)]
    answers = await asyncio.gather(*(call(web, "POST", SIGN_IN, body) for body in bodies))
    assert len({person_of(answer).id for answer in answers}) == 1


async def test_an_account_has_so_many_wallets_and_no_more(make_web: MakeWeb) -> None:
    web = await make_web(FRONTEND_URL=URL, WALLETS_PER_USER=2)
    ann = await web.register()
    bodies = [await proof(web, Phantom()) for _ in range(4)]
    found = await asyncio.gather(*(call(web, "POST", OWN, body, ann) for body in bodies))
    assert sorted(answer.status_code for answer in found) == [201, 201, 422, 422]


async def test_whoever_leaves_takes_the_wallet_along(web: Web, signer: Signer) -> None:
    ann = await sign_in(web, signer)
    gone = await call(web, "DELETE", f"{API}/users/me", {"forfeitCredits": True}, ann)
    assert gone.status_code == 200, gone.text
    assert await web.parts.pool.fetchval("SELECT count(*) FROM wallets") == 0
    assert (await sign_in(web, signer)).id != ann.id


# -- limits, and what isn't there -------------------------------------------------------------


async def test_nonces_and_sign_ins_are_counted_over_all_processes(make_web: MakeWeb) -> None:
    limits = {"RATE_LIMIT_SIGN_INS_BEGUN": 3, "RATE_LIMIT_SIGN_INS": 5}
    one, other = await make_web(**limits), await make_web(**limits)
    found = [(await call(web, "GET", NONCE)).status_code for web in (one, other, one, other)]
    assert found == [200, 200, 200, 429]
    assert await one.parts.pool.fetchval("SELECT count(*) FROM wallet_nonces") == 3
    # What was begun counts as a sign-in, too: there is one left.
    text = (
        f"localhost:8080 wants you to sign in with your Ethereum account:\n{Metamask(1).address}"
        "\n\n\nURI: http://localhost:8080/\nVersion: 1\nChain ID: 1\nNonce: 12345678"
        "\nIssued At: 2020-01-01T00:00:00Z"
    )
    statuses = [
        (await call(web, "POST", SIGN_IN, signed(Metamask(1), text))).status_code
        for web in (one, other)
    ]
    assert statuses == [401, 429]


async def test_without_the_extra_it_is_said_and_the_rest_works(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = await proof(web, Metamask())
    ann = await web.register()
    monkeypatch.setitem(sys.modules, "eth_account", None)
    for answer in (
        await call(web, "GET", NONCE),
        await call(web, "POST", SIGN_IN, body),
        await call(web, "POST", OWN, body, ann),
    ):
        assert answer.status_code == 503
        assert answer.json()["error"]["message"] == libraries.NOT_INSTALLED
    login = {"email": ann.email, "password": PASSWORD}
    assert (await call(web, "POST", f"{API}/auth/login", login)).status_code == 200


async def test_nobody_new_comes_while_nothing_is_taken(web: Web, signer: Signer) -> None:
    body = await proof(web, signer)
    web.readiness.drain()
    assert (await call(web, "POST", SIGN_IN, body)).status_code == 503
    assert await web.parts.pool.fetchval("SELECT count(*) FROM users") == 0
