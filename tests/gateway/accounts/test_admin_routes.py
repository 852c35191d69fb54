"""Administration of people: users, roles, the audit log."""

import asyncio

import pytest

from tests.gateway.conftest import Web

USERS = "/api/v1/admin/users"


async def test_users_come_in_pages(web: Web) -> None:
    admin = await web.register(admin=True)
    for _ in range(4):
        await web.register()
    answer = await web.client.get(f"{USERS}?limit=2&offset=3", headers=admin.bearer)
    body = answer.json()
    assert [user["id"] for user in body["data"]] == ["4", "5"]
    assert body["pagination"] == {"total": 5, "limit": 2, "offset": 3, "hasMore": False}
    answer = await web.client.get(f"{USERS}?limit=2", headers=admin.bearer)
    assert answer.json()["pagination"]["hasMore"] is True
    assert "password" not in answer.text


async def test_users_are_looked_for(web: Web) -> None:
    admin = await web.register("root@example.org", admin=True)
    ann, bob = await web.register("ann@example.org"), await web.register("bob@elsewhere.org")
    await web.accounts.users.set_role(bob.id, "AUDITOR")
    await web.parts.pool.execute(
        "INSERT INTO accounts (id, opened_seq, available, locked, seq, standing)"
        " VALUES ($1, 1, 0, 0, 1, 2)",
        ann.id,
    )
    for query, found in (
        ("q=ANN@", [ann]),
        (f"q={bob.id}", [bob]),
        ("q=example.org", [admin, ann]),
        ("q=%25", []),
        ("role=AUDITOR", [bob]),
        ("status=SUSPENDED", [ann]),
        ("status=ACTIVE&q=example", [admin]),
    ):
        answer = await web.client.get(f"{USERS}?{query}", headers=admin.bearer)
        assert [user["id"] for user in answer.json()["data"]] == [str(one.id) for one in found]
        assert answer.json()["pagination"]["total"] == len(found)
    answer = await web.client.get(USERS, headers=admin.bearer)
    told = [user["standing"] for user in answer.json()["data"]]
    assert told == ["ACTIVE", "SUSPENDED", "ACTIVE"]
    answer = await web.client.get(f"{USERS}?role=KING", headers=admin.bearer)
    assert [d["field"] for d in answer.json()["error"]["details"]] == ["role"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=1e1", "limit"),
        ("limit=5.0", "limit"),
        ("limit=%EF%BC%91", "limit"),
        ("limit=", "limit"),
        ("limit=5&limit=6", "limit"),
        ("offset=-1", "offset"),
        ("offset=100001", "offset"),
        ("offset=99999999999999999999", "offset"),
        ("page=2", "page"),
        ("limit=5&x", "query"),
        ("limit=%FF", "query"),
        ("a=1&" * 30 + "b=1", "query"),
        ("x=" + "y" * 3000, "query"),
        ("a%00b=1", "a?b"),
    ],
)
async def test_wrong_query_names_the_parameter(web: Web, query: str, field: str) -> None:
    admin = await web.register(admin=True)
    answer = await web.client.get(f"{USERS}?{query}", headers=admin.bearer)
    assert answer.status_code == 400
    assert [d["field"] for d in answer.json()["error"]["details"]] == [field]


async def test_routes_without_parameters_refuse_any(web: Web) -> None:
    ada = await web.register()
    answer = await web.client.get("/api/v1/auth/me?x=1", headers=ada.bearer)
    assert (answer.status_code, answer.json()["error"]["details"][0]["field"]) == (400, "x")


async def test_role_changes_take_effect_at_once(web: Web) -> None:
    admin, ada = await web.register(admin=True), await web.register()
    changes: list[tuple[int, str]] = []
    web.accounts.sessions.on_role_changed.append(lambda user, role: changes.append((user, role)))
    assert (await web.client.get(USERS, headers=ada.bearer)).status_code == 403
    for role, expected in (("ADMIN", 200), ("USER", 403)):
        path = f"{USERS}/{ada.id}/role"
        answer = await web.client.patch(path, json={"role": role}, headers=admin.bearer)
        assert answer.json()["data"]["role"] == role
        assert (await web.client.get(USERS, headers=ada.bearer)).status_code == expected
    assert changes == [(ada.id, "ADMIN"), (ada.id, "USER")]


async def lost(*_line: object) -> None:
    raise ConnectionResetError


async def test_a_demotion_counts_though_its_audit_line_is_lost(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, ada = await web.register(admin=True), await web.register(admin=True)
    assert (await web.client.get(USERS, headers=ada.bearer)).status_code == 200
    path = f"{USERS}/{ada.id}/role"
    with monkeypatch.context() as patch:
        patch.setattr(web.accounts.audit, "write", lost)
        answer = await web.client.patch(path, json={"role": "USER"}, headers=admin.bearer)
    assert answer.status_code == 504
    assert (await web.client.get(USERS, headers=ada.bearer)).status_code == 403


async def test_last_admin_stays(web: Web) -> None:
    admin = await web.register(admin=True)
    path = f"{USERS}/{admin.id}/role"
    answer = await web.client.patch(path, json={"role": "USER"}, headers=admin.bearer)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN")
    assert (await web.client.get(USERS, headers=admin.bearer)).status_code == 200


async def test_a_refused_demotion_whose_audit_line_is_lost_is_an_outage_and_no_doubt(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = await web.register(admin=True)
    with monkeypatch.context() as patch:
        patch.setattr(web.accounts.audit, "write", lost)
        path = f"{USERS}/{admin.id}/role"
        answer = await web.client.patch(path, json={"role": "USER"}, headers=admin.bearer)
    assert answer.status_code == 503
    assert (await web.client.get(USERS, headers=admin.bearer)).status_code == 200


async def test_refused_changes_of_a_role_are_in_the_audit_log(web: Web) -> None:
    admin = await web.register(admin=True)
    for user_id in (admin.id, 999):
        path = f"{USERS}/{user_id}/role"
        await web.client.patch(path, json={"role": "USER"}, headers=admin.bearer)
    answer = await web.client.get("/api/v1/admin/audit?limit=2", headers=admin.bearer)
    assert [(line["target"], line["outcome"]) for line in answer.json()["data"]] == [
        ("user:999 USER", "not found"),
        (f"user:{admin.id} USER", "last admin"),
    ]


async def test_two_admins_can_not_demote_one_another_away(web: Web) -> None:
    pair = [await web.register(admin=True), await web.register(admin=True)]
    answers = await asyncio.gather(
        *(
            web.client.patch(f"{USERS}/{b.id}/role", json={"role": "USER"}, headers=a.bearer)
            for a, b in (pair, pair[::-1])
        )
    )
    # The second may be refused as the last admin, or as no admin any more.
    assert sorted(a.status_code for a in answers) == [200, 403]


@pytest.mark.parametrize("user_id", ["0", "-1", "9" * 18, "9" * 30, "x", "\uff11", "1%0A"])
async def test_role_of_nobody(web: Web, user_id: str) -> None:
    admin = await web.register(admin=True)
    path = f"{USERS}/{user_id}/role"
    answer = await web.client.patch(path, json={"role": "USER"}, headers=admin.bearer)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("role", ["admin", "ROOT", "", None, 1, ["ADMIN"]])
async def test_unknown_role_is_refused(web: Web, role: object) -> None:
    admin = await web.register(admin=True)
    path = f"{USERS}/{admin.id}/role"
    answer = await web.client.patch(path, json={"role": role}, headers=admin.bearer)
    assert (answer.status_code, answer.json()["error"]["details"][0]["field"]) == (400, "role")


async def test_audit_log_tells_who_did_what(web: Web) -> None:
    admin, ada = await web.register(admin=True), await web.register()
    headers = {**admin.bearer, "x-request-id": "my-request"}
    await web.client.patch(f"{USERS}/{ada.id}/role", json={"role": "ADMIN"}, headers=headers)
    answer = await web.client.get("/api/v1/admin/audit?limit=1", headers=admin.bearer)
    (line,) = answer.json()["data"]
    assert line == {
        "id": line["id"],
        "at": line["at"],
        "actorId": str(admin.id),
        "action": "user.role",
        "target": f"user:{ada.id} ADMIN",
        "outcome": "ok",
        "requestId": "my-request",
    }
