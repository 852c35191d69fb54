"""GET /proof and its like: signed by the key of now, one's own place, nothing of anybody else."""

import io

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import CollectorRegistry

from gateway.accounts.sessions.keys import KeyRing
from gateway.accounts.sessions.tokens import Tokens
from gateway.observability.logs import configure_logs
from gateway.operations.checker.settings import CheckSettings
from gateway.operations.proof.jobs import ProofFailed, ProofMaker
from gateway.operations.proof.routes import TYPE
from gateway.wire.errors import Unauthorized
from persistence.proof.solvency.making import make_proof
from persistence.repositories.checks.proofs import Proofs
from tests.gateway.conftest import MakeWeb, Person, Web
from tests.persistence.proof.online.days import a_day, executed

SETTINGS = CheckSettings(interval=60, round=86_400, halts=True, proof_interval=3_600, proof_kept=60)


@pytest.fixture
async def web(make_web: MakeWeb) -> Web:
    return await make_web()


async def get(web: Web, path: str, who: Person | None = None) -> tuple[int, dict[str, object]]:
    headers = {} if who is None else who.bearer
    answer = await web.client.get(f"/api/v1{path}", headers=headers)
    body = answer.json()
    return answer.status_code, body["data"] if answer.is_success else body["error"]


async def test_before_the_first_one_there_is_none(web: Web) -> None:
    ann = await web.register()
    for path, who in (("/proof", None), ("/proof/me", ann), ("/proof/1", None), ("/proof/x", None)):
        status, told = await get(web, path, who)
        assert (status, told["code"]) == (404, "NOT_FOUND")
    assert (await get(web, "/proof/me"))[0] == 401


async def test_it_is_signed_by_the_key_that_signs_now_and_is_no_token(web: Web) -> None:
    url = web.parts.pool.url
    await a_day(url)
    number = await make_proof(url)
    status, shown = await get(web, "/proof")
    assert status == 200
    jws = str(shown["jws"])
    key = web.accounts.keys.signing()
    header = jwt.get_unverified_header(jws)
    assert header == {"alg": "EdDSA", "typ": TYPE, "kid": key.kid}
    said = msgspec.json.decode(jwt.PyJWS().decode(jws, key.public, algorithms=["EdDSA"]))
    for name in ("seq", "root", "chainHead", "available", "locked", "collateral", "markets"):
        assert shown[name] == said[name]
    assert (shown["id"], said["proofId"]) == (str(number), str(number))
    assert await get(web, f"/proof/{number}") == (200, shown)
    with pytest.raises(Unauthorized):
        await web.accounts.sessions.verify(jws.encode()[:1_000])
    # An older one stays where it is.
    newer = await make_proof(url)
    assert (await get(web, f"/proof/{number}"))[1]["id"] == str(number)
    assert (await get(web, "/proof"))[1]["id"] == str(newer)


def test_a_token_of_another_type_is_none() -> None:
    key = Ed25519PrivateKey.generate()
    tokens = Tokens(KeyRing.of(key), 900)
    token = tokens.issue(7, 9)
    assert tokens.verify(token.encode()).user_id == 7
    claims = jwt.decode(token, options={"verify_signature": False})
    header = {"typ": TYPE, "kid": jwt.get_unverified_header(token)["kid"]}
    with pytest.raises(Unauthorized):
        tokens.verify(jwt.encode(claims, key, algorithm="EdDSA", headers=header).encode())


async def test_who_came_later_is_in_the_next_one(web: Web) -> None:
    url = web.parts.pool.url
    await a_day(url)
    await make_proof(url)
    people = [await web.register() for _ in range(4)]
    status, own = await get(web, "/proof/me", people[0])
    assert (status, own["accountId"]) == (200, str(people[0].id))
    assert len(own["path"]) == 10  # type: ignore[arg-type]
    status, told = await get(web, "/proof/me", people[3])
    assert (status, told["code"]) == (404, "NOT_FOUND")


async def test_the_job_makes_one_and_says_when_it_can_not(web: Web) -> None:
    url, proofs, registry = web.parts.pool.url, Proofs(web.parts.pool), CollectorRegistry()
    await a_day(url)
    said = io.StringIO()
    job = ProofMaker(lambda: url, proofs, registry, configure_logs("info", said), SETTINGS)
    (row,) = job.jobs()
    assert (row.name, row.schedule) == ("proof", "37 * * * *")
    await make_proof(url, lambda: 1_000_000)
    await job.run({})
    newest = await proofs.newest()
    assert newest is not None
    assert f'"proof":{newest}' in said.getvalue()
    assert (registry.get_sample_value("proof_last_success_timestamp_seconds") or 0) > 0
    # The one of 1970 has been kept for long enough.
    assert await web.parts.pool.fetchval("SELECT count(*) FROM proofs") == 1
    await executed(url, "UPDATE accounts SET available = available + 1 WHERE id = 1")
    with pytest.raises(ProofFailed, match="were issued"):
        await job.run({})
    assert await proofs.newest() == newest
