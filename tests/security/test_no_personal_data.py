"""Nothing of a person is in a log, a metric or the audit log: whoever is planted there isn't found.

Somebody whose address, name, picture, device, password, IP address and tokens bear marks does all
that leaves lines somewhere, right and wrong; error reports are asked in
`tests/gateway/observability/test_error_reports.py`.
"""

import httpx
import pytest

from gateway.http.request import AnyRequest
from gateway.http.routing import Access, Route
from persistence.errors import OutcomeUnknown
from tests.gateway.accounts.api_keys.signer import make_key
from tests.gateway.accounts.mail.post_office import PostOffice, delivering
from tests.gateway.conftest import MakeWeb, Person, Web, person_of

API = "/api/v1"
ADDRESS = "203.0.113.77"
OTHER_ADDRESS = "2001:db8:77:77::1"
EMAIL = "zzmark@marked.example"
NEXT_EMAIL = "zzmark@elsewhere.example"
PASSWORD = "zzmark password"
NEXT_PASSWORD = "zzmark another"
NAME = "Zzmark Person"
USERNAME = "zzmark_user"
AVATAR = "https://zzmark.example/me.png"
DEVICE = "ZzmarkPhone/1"
MARKS = ("zzmark", "203.0.113", "2001:db8:77")


async def fail(_request: AnyRequest) -> None:
    """Fail with what a driver would say."""
    raise RuntimeError(f"Key (email)=({EMAIL}) already exists at {ADDRESS}")


async def lose(_request: AnyRequest) -> None:
    raise OutcomeUnknown(EMAIL)


ROWS = tuple(
    Route(
        method="GET",
        path=f"/{handler.__name__}/{{id}}",
        handler=handler,
        access=Access.PUBLIC,
        answer=None,
        summary="Fail",
        tag="test",
    )
    for handler in (fail, lose)
)


async def _signs_in_and_out(web: Web, client: httpx.AsyncClient, office: PostOffice) -> Person:
    """Do all that has to do with signing in, right and wrong; return the last session."""
    person = {"email": EMAIL, "password": PASSWORD}
    answer = await client.post(f"{API}/auth/register", json={**person, "displayName": NAME})
    assert answer.status_code == 201, answer.text
    first = person_of(answer)
    token = await office.token("verify-email", EMAIL)
    for wrong in ({**person, "password": f"{PASSWORD}!"}, {**person, "email": NEXT_EMAIL}):
        assert (await client.post(f"{API}/auth/login", json=wrong)).status_code == 401
    assert (await client.post(f"{API}/auth/register", json=person)).status_code == 409
    assert (await client.post(f"{API}/auth/register", json={"email": EMAIL})).status_code == 400
    await client.post(f"{API}/auth/email/verify", json={"token": token})
    await client.post(f"{API}/auth/email/verify", json={"token": token})
    assert (await client.post(f"{API}/auth/refresh")).status_code == 200
    stolen = {"cookie": f"probity_refresh={first.cookie}"}
    client.cookies.clear()
    assert (await client.post(f"{API}/auth/refresh", headers=stolen)).status_code == 401
    await client.post(f"{API}/auth/password/forgot", json={"email": EMAIL})
    await client.post(f"{API}/auth/password/forgot", json={"email": NEXT_EMAIL})
    reset = {"token": await office.token("reset-password", EMAIL), "password": NEXT_PASSWORD}
    assert (await client.post(f"{API}/auth/password/reset", json=reset)).status_code == 200
    assert (await client.post(f"{API}/auth/password/reset", json=reset)).status_code == 400
    answer = await client.post(f"{API}/auth/login", json={**person, "password": NEXT_PASSWORD})
    client.cookies.clear()
    return person_of(answer)


async def _changes_everything(web: Web, client: httpx.AsyncClient, person: Person) -> str:
    """Change what can be changed, right and wrong; return a key's secret."""
    mine = person.bearer
    for body in ({"username": USERNAME, "avatarUrl": AVATAR}, {"username": f"{USERNAME}!"}):
        await client.patch(f"{API}/users/me", json=body, headers=mine)
    await client.patch(f"{API}/users/me", json={"email": NEXT_EMAIL}, headers=mine)
    await client.post(f"{API}/auth/step-up", json={"password": PASSWORD}, headers=mine)
    await client.get(f"{API}/users/{USERNAME}")
    await client.get(f"{API}/users/{USERNAME}?{EMAIL}={PASSWORD}")
    await client.get(f"{API}/{EMAIL}")
    await client.get(f"{API}/auth/me", headers={"authorization": f"Bearer {EMAIL}"})
    await client.post(f"{API}/watchlists", content=f'{{"{EMAIL}'.encode(), headers=mine)
    for row in ROWS:
        answer = await client.get(f"{API}{row.path.replace('{id}', USERNAME)}")
        assert answer.status_code in {500, 504}
    key = await make_key(web, person, "hmac-sha256")
    assert (await key.call(client, "GET", "/user/balance")).status_code == 200
    assert (await key.call(client, "GET", "/users/me")).status_code == 403
    wanted = {"label": NAME, "algorithm": "hmac-sha256", "scopes": ["read"]}
    made = await client.post(f"{API}/users/me/api-keys", json=wanted, headers=mine)
    secret: str = made.json()["data"]["secret"]
    return secret


@pytest.fixture
def office() -> PostOffice:
    return PostOffice()


async def test_whoever_is_planted_is_found_nowhere(make_web: MakeWeb, office: PostOffice) -> None:
    web = await make_web(mailer=office, rows=ROWS, REFRESH_GRACE_SECONDS=0)
    async with delivering(web), web.from_address(ADDRESS) as client:
        client.headers["user-agent"] = DEVICE
        person = await _signs_in_and_out(web, client, office)
        secret_key = await _changes_everything(web, client, person)
        admin = await web.register(admin=True)
        async with web.from_address(OTHER_ADDRESS) as elsewhere:
            elsewhere.headers["user-agent"] = DEVICE
            await elsewhere.get(f"{API}/auth/me", headers=person.bearer)
            metrics = (await elsewhere.get("/metrics")).text
        pages = await client.get(f"{API}/admin/audit?limit=200", headers=admin.bearer)
        export = await client.get(f"{API}/admin/audit/export?format=csv", headers=admin.bearer)
        await client.request("DELETE", f"{API}/users/me", headers=person.bearer, json={})
    assert pages.status_code == 200
    assert export.status_code == 200
    audit = pages.text + export.text + repr(await web.parts.pool.fetch("SELECT * FROM audit_log"))
    kept = {"log": web.log.getvalue(), "metrics": metrics, "audit": audit}
    assert '"auth.login"' in audit
    assert "RuntimeError" in kept["log"]
    assert "http_requests_total" in metrics
    secrets = (*MARKS, person.token, person.cookie, secret_key)
    for place, text in kept.items():
        for secret in secrets:
            assert secret.lower() not in text.lower(), f"{secret} is in the {place}"
