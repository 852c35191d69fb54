"""The audit log as admins read it: filters, and files whose hashes anybody can go through."""

import csv
import hashlib
import io
import json
from typing import Any

import pytest

from gateway.operations.audit import routes
from persistence.repositories import audit
from tests.gateway.conftest import Person, Web

AUDIT = "/api/v1/admin/audit"
NAMES = ["id", "at", "actorId", "action", "target", "outcome", "requestId", "previousHash", "hash"]


async def lines(web: Web, admin: Person, query: str) -> list[dict[str, Any]]:
    answer = await web.client.get(f"{AUDIT}?{query}", headers=admin.bearer)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def test_lines_are_found_by_time_and_outcome(web: Web) -> None:
    admin = await web.register(admin=True)
    log = web.accounts.audit
    for second in (1, 2, 3):
        at = 1_700_000_000_000_000 + second * 1_000_000 + 999
        await log.write(at, 7, "a", f"user:{second}", "ok" if second < 3 else "refused", "r")
    day = "2023-11-14T22:13"
    query = f"action=a&from={day}:22Z&to={day}:22Z"
    assert [line["target"] for line in await lines(web, admin, query)] == ["user:2"]
    query = f"action=a&to={day}:22Z"
    assert [line["target"] for line in await lines(web, admin, query)] == ["user:2", "user:1"]
    assert [line["target"] for line in await lines(web, admin, "action=a&outcome=refused")] == [
        "user:3"
    ]
    (newest,) = await lines(web, admin, "action=a&limit=1")
    (next_one,) = await lines(web, admin, f"action=a&limit=1&cursor={newest['id']}")
    assert (newest["target"], next_one["target"]) == ("user:3", "user:2")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("actor=x", "actor"),
        ("from=yesterday", "from"),
        ("to=2026-01-01", "to"),
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "to"),
        ("outcome=", "outcome"),
    ],
)
@pytest.mark.parametrize("path", [AUDIT, f"{AUDIT}/export"])
async def test_a_wrong_filter_is_named(web: Web, path: str, query: str, field: str) -> None:
    admin = await web.register(admin=True)
    answer = await web.client.get(f"{path}?{query}", headers=admin.bearer)
    assert answer.status_code == 400
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]


def field(text: str | None) -> str:
    return "-" if text is None else f"{len(text.encode())}:{text}"


async def test_a_file_of_the_log_can_be_checked_by_anybody(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "PIECE_LINES", 7)
    admin = await web.register(admin=True)
    for number in range(20):
        await web.accounts.audit.write(number, None, "a", f"user:{number} für öl", "ok", "r")
    answer = await web.client.get(f"{AUDIT}/export", headers=admin.bearer)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/jsonl"
    assert 'filename="probity-audit.jsonl"' in answer.headers["content-disposition"]
    found = [json.loads(line) for line in answer.text.splitlines()]
    assert [list(line) for line in found] == [NAMES] * len(found)
    assert [line["id"] for line in found] == [str(number + 1) for number in range(len(found))]
    assert len(found) == 21
    last = "00" * 32
    for line in found:
        assert line["previousHash"] == last
        text = "".join(field(line[name]) for name in NAMES[:7])
        last = hashlib.sha256(bytes.fromhex(last) + text.encode()).hexdigest()
        assert line["hash"] == last


async def test_a_table_of_the_log_holds_no_formula(web: Web) -> None:
    admin = await web.register(admin=True)
    await web.accounts.audit.write(1, 7, "a", '=HYPERLINK("x")\nb', "ok", "+r")
    answer = await web.client.get(f"{AUDIT}/export?format=csv&action=a", headers=admin.bearer)
    head, row = csv.reader(io.StringIO(answer.text, newline=""))
    assert answer.headers["content-type"].startswith("text/csv")
    assert head == NAMES
    assert row[1:7] == ["1", "7", "a", '\'=HYPERLINK("x")\nb', "ok", "'+r"]


async def test_files_that_are_read_at_the_same_time_are_few(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "AT_ONCE", 0)
    admin = await web.register(admin=True)
    answer = await web.client.get(f"{AUDIT}/export", headers=admin.bearer)
    assert answer.status_code == 503
    monkeypatch.setattr(routes, "AT_ONCE", 1)
    for _ in range(3):
        answer = await web.client.get(f"{AUDIT}/export", headers=admin.bearer)
        assert answer.status_code == 200
