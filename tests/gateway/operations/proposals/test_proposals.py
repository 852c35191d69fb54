"""Two admins for what is dear: proposed, approved by another one, done once whatever happens."""

import asyncio
from typing import Any

import pytest

from exchange.messages.commands import OpenAccount, SetMarketStatus
from exchange.messages.terms import ExchangeMode, MarketStatus, Resolution
from exchange.projections.lifecycle import LifeChange
from gateway.bootstrap.admins import approving
from gateway.operations.proposals import approving as module
from gateway.operations.proposals.approving import Approving
from gateway.operations.proposals.deeds import Deeds
from persistence.clock import now_us
from persistence.errors import CommandNotTaken, OutcomeUnknown
from persistence.repositories.market_life import LifeMoment
from persistence.repositories.proposals import Proposal, Proposals
from tests.gateway.conftest import MakeWeb, Person, Web
from tests.persistence.running import listing

PATH = "/api/v1/admin/proposals"
CREDIT = {"action": "user.credit", "body": {"amount": "5", "reason": "gift"}, "reason": "asked for"}


@pytest.fixture
async def web(make_web: MakeWeb) -> Web:
    """With the rule on, a market and two admins' accounts."""
    web = await make_web(TWO_PERSON_RULE="on")
    web.engine.run(listing())
    return web


async def admins(web: Web, count: int = 2) -> list[Person]:
    return [await web.register(admin=True) for _ in range(count)]


async def user(web: Web) -> Person:
    person = await web.register()
    web.engine.run(OpenAccount(person.id, 0))
    return person


async def call(
    web: Web, who: Person, method: str, path: str, body: object = None
) -> tuple[int, dict[str, Any]]:
    answer = await web.client.request(method, path, json=body, headers=who.bearer)
    return answer.status_code, answer.json()


async def propose(web: Web, who: Person, body: dict[str, Any], **more: object) -> str:
    status, told = await call(web, who, "POST", PATH, body | more)
    assert status == 201, told
    assert told["data"]["status"] == "OPEN"
    return str(told["data"]["id"])


async def decide(
    web: Web, who: Person, number: str, word: str = "approve", body: object = None
) -> tuple[int, dict[str, Any]]:
    return await call(web, who, "POST", f"{PATH}/{number}/{word}", body)


def cash(web: Web, person: Person) -> int:
    """What somebody has beside the credits that everybody begins with."""
    return web.engine.view.accounts[person.id].available - web.settings.sign_in.starting_credits


def agreed(web: Web) -> Approving:
    parts = web.parts
    return approving(web.settings, parts.engine, parts.people, parts.pool, parts.segments)


async def test_another_admin_approves_and_both_are_in_the_audit_log(web: Web) -> None:
    one, two = await admins(web)
    ann = await user(web)
    number = await propose(web, one, CREDIT, target=str(ann.id))
    status, told = await decide(web, one, number)
    assert (status, told["error"]["code"]) == (403, "FORBIDDEN")
    assert cash(web, ann) == 0
    status, told = await decide(web, two, number)
    assert (status, told["data"]["status"], told["data"]["outcome"]) == (200, "DONE", "ok")
    assert (told["data"]["proposerId"], told["data"]["decidedBy"]) == (str(one.id), str(two.id))
    assert cash(web, ann) == 5_000_000
    for who in (one, two):
        status, told = await decide(web, who, number)
        assert (status, told["error"]["code"]) == (409, "CONFLICT")
    assert cash(web, ann) == 5_000_000
    entries, _ = await web.accounts.audit.page(6)
    both = f"proposal:{number} of user:{one.id}"
    assert [(e.actor_id, e.action, e.target, e.outcome) for e in reversed(entries)] == [
        (one.id, "proposal.create", f"{both} user.credit user:{ann.id}", "ok"),
        (one.id, "proposal.approve", f"{both} user.credit user:{ann.id}", "own"),
        (two.id, "proposal.approve", f"{both} user.credit user:{ann.id}", "ok"),
        (two.id, "user.credit", f"user:{ann.id} {both}", "ok"),
        (one.id, "proposal.approve", f"{both} user.credit user:{ann.id}", "done"),
        (two.id, "proposal.approve", f"{both} user.credit user:{ann.id}", "done"),
    ]


async def test_one_session_more_is_no_second_person(web: Web) -> None:
    one, _ = await admins(web)
    ann = await user(web)
    number = await propose(web, one, CREDIT, target=str(ann.id))
    body = {"email": one.email, "password": "correct horse battery"}
    answer = await web.client.post("/api/v1/auth/login", json=body)
    headers = {"authorization": f"Bearer {answer.json()['data']['accessToken']}"}
    answer = await web.client.post(f"{PATH}/{number}/approve", headers=headers)
    assert answer.status_code == 403


ALONE: list[tuple[str, str, object]] = [
    ("POST", "/markets/rain/resolve", {"outcome": "YES"}),
    ("PATCH", "/markets/rain/status", {"status": "OPEN"}),
    ("POST", "/admin/exchange/mode", {"mode": "open"}),
    ("POST", "/admin/users/1/credit", CREDIT["body"]),
    ("POST", "/admin/users/1/debit", CREDIT["body"]),
    ("PATCH", "/admin/users/1/role", {"role": "ADMIN"}),
]


async def test_what_takes_two_is_refused_to_one_and_what_protects_is_not(web: Web) -> None:
    one, _ = await admins(web)
    for path, body in (("/markets/rain/status", "HALTED"), ("/admin/exchange/mode", "halted")):
        method, name = ("PATCH", "status") if "status" in path else ("POST", "mode")
        status, _ = await call(web, one, method, f"/api/v1{path}", {name: body})
        assert status == 200
    before = web.engine.view.seq
    for method, path, fields in ALONE:
        status, told = await call(web, one, method, f"/api/v1{path}", fields)
        assert (status, told["error"]["code"]) == (403, "PROPOSAL_REQUIRED"), path
        assert "/admin/proposals" in told["error"]["message"]
    assert web.engine.view.seq == before
    status, _ = await call(
        web, one, "PATCH", "/api/v1/markets/rain/status", {"status": "FULL_HALT"}
    )
    assert status == 200
    path, fields = "/api/v1/markets/rain/status", {"status": "HALTED"}
    status, told = await call(web, one, "PATCH", path, fields)
    assert told["error"]["code"] == "PROPOSAL_REQUIRED"


async def test_each_action_is_carried_out(web: Web) -> None:
    one, two = await admins(web)
    ann = await user(web)
    view = web.engine.view
    web.engine.run(SetMarketStatus(1, MarketStatus.HALTED))
    await call(web, one, "POST", "/api/v1/admin/exchange/mode", {"mode": "halted"})
    done: list[tuple[str, str | None, dict[str, str]]] = [
        ("market.status", "rain", {"status": "OPEN"}),
        ("exchange.mode", None, {"mode": "open"}),
        ("user.credit", str(ann.id), {"amount": "5", "reason": "r"}),
        ("user.debit", str(ann.id), {"amount": "2", "reason": "r"}),
        ("user.role", str(ann.id), {"role": "AUDITOR"}),
        ("market.resolve", "1", {"outcome": "VOID"}),
    ]
    for action, target, body in done:
        proposal: dict[str, Any] = {"action": action, "body": body, "reason": "r"}
        if target is not None:
            proposal["target"] = target
        status, told = await decide(web, two, await propose(web, one, proposal))
        assert (status, told["data"]["status"]) == (200, "DONE"), told
    assert (view.mode, cash(web, ann)) == (ExchangeMode.OPEN, 3_000_000)
    assert view.markets[1].resolution is Resolution.VOID
    found = await web.accounts.users.by_id(ann.id)
    assert found is not None
    assert found.role == "AUDITOR"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"action": "user.delete"}, "action"),
        ({"target": None}, "target"),
        ({"target": "x"}, "target"),
        ({"body": {"amount": "0", "reason": "r"}}, "body.amount"),
        ({"body": {"amount": "1"}}, "body.reason"),
        ({"body": {"amount": "1", "reason": "r", "more": 1}}, "body.more"),
        ({"body": {"amount": "1", "reason": "r", "requestId": "a"}}, "body.requestId"),
        ({"body": "5"}, "body"),
        ({"reason": ""}, "reason"),
        ({"reason": "a\0b"}, "reason"),
        ({"requestId": "a b"}, "requestId"),
        ({"action": "exchange.mode", "body": {"mode": "open"}}, "target"),
    ],
)
async def test_what_is_wrong_is_named_when_it_is_proposed(
    web: Web, change: dict[str, Any], field: str
) -> None:
    one, _ = await admins(web)
    status, told = await call(web, one, "POST", PATH, CREDIT | {"target": "1"} | change)
    assert (status, [d["field"] for d in told["error"]["details"]]) == (400, [field])
    status, told = await call(web, one, "GET", PATH)
    assert told["pagination"]["total"] == 0


async def test_a_repeat_under_its_id_is_the_same_proposal(web: Web) -> None:
    one, two = await admins(web)
    first = await propose(web, one, CREDIT, target="1", requestId="r")
    assert await propose(web, one, CREDIT, target="1", requestId="r") == first
    status, _ = await call(web, one, "POST", PATH, CREDIT | {"target": "2", "requestId": "r"})
    assert status == 409
    assert await propose(web, two, CREDIT, target="1", requestId="r") != first


async def test_what_expired_lapsed_or_was_rejected_is_approved_no_more(web: Web) -> None:
    one, two, three = await admins(web, 3)
    ann = await user(web)
    numbers = [await propose(web, one, CREDIT, target=str(ann.id)) for _ in range(4)]
    old, gone, back, last = numbers
    await web.parts.pool.execute("UPDATE proposals SET expires_at = 1 WHERE id = $1", int(old))
    status, told = await decide(web, two, gone, "reject", {"reason": "no"})
    assert (status, told["data"]["status"], told["data"]["outcome"]) == (200, "REJECTED", "no")
    assert (await decide(web, one, back, "reject", {"reason": "my mistake"}))[0] == 200
    role = {"action": "user.role", "body": {"role": "USER"}, "reason": "r", "target": str(one.id)}
    status, told = await decide(web, three, await propose(web, two, role))
    assert told["data"]["status"] == "DONE"
    for number, told_as in ((old, "EXPIRED"), (gone, "REJECTED"), (last, "LAPSED")):
        status, told = await call(web, two, "GET", f"{PATH}/{number}")
        assert told["data"]["status"] == told_as
        status, told = await decide(web, two, number)
        assert status == 409
    _, told = await call(web, two, "GET", f"{PATH}?status=EXPIRED")
    assert [one["id"] for one in told["data"]] == [old]
    assert cash(web, ann) == 0
    # Two have to be left, or nothing could be approved any more.
    role["target"] = str(three.id)
    status, told = await decide(web, three, await propose(web, two, role))
    assert told["data"]["status"] == "REFUSED"
    assert "Two admins" in told["data"]["outcome"]


async def test_of_two_who_approve_at_once_one_does(web: Web) -> None:
    one, *others = await admins(web, 4)
    ann = await user(web)
    number = await propose(web, one, CREDIT, target=str(ann.id))
    answers = await asyncio.gather(*(decide(web, who, number) for who in others * 3))
    assert sorted(status for status, _ in answers) == [200] + [409] * 8
    assert cash(web, ann) == 5_000_000


async def test_what_the_exchange_refuses_is_told(web: Web) -> None:
    one, two = await admins(web)
    number = await propose(web, one, CREDIT | {"action": "user.debit"}, target="999")
    status, told = await decide(web, two, number)
    data = told["data"]
    assert (status, data["status"], data["outcome"]) == (200, "REFUSED", "ACCOUNT_NOT_FOUND")


async def forget_claims(web: Web) -> None:
    await web.parts.pool.execute("UPDATE proposals SET claimed_at = 0 WHERE status = 'APPROVED'")


async def test_what_a_process_left_that_died_is_done_once(web: Web) -> None:
    one, two = await admins(web)
    ann = await user(web)
    number = int(await propose(web, one, CREDIT, target=str(ann.id)))
    rows = Proposals(web.parts.pool)
    # It died between the approval and the command.
    _, is_approved = await rows.approve(number, two.id, now_us(), web.engine.view.seq)
    assert is_approved
    watch = agreed(web)
    assert await watch.finish_left() == 0  # whoever approved it may be at work
    await forget_claims(web)
    assert await watch.finish_left() == 1
    assert cash(web, ann) == 5_000_000
    # It died between the command and its note.
    await web.parts.pool.execute("UPDATE proposals SET status = 'APPROVED', claimed_at = 0")
    assert await watch.finish_left() == 1
    assert cash(web, ann) == 5_000_000
    found = await rows.by_id(number, now_us())
    assert found is not None
    assert (found.status, found.outcome) == ("DONE", "ok")


async def test_a_resolution_that_was_done_before_is_not_refused(web: Web) -> None:
    one, two = await admins(web)
    resolve = {"action": "market.resolve", "body": {"outcome": "YES"}, "reason": "r"}
    number = await propose(web, one, resolve, target="rain")
    assert (await decide(web, two, number))[1]["data"]["status"] == "DONE"
    await web.parts.pool.execute("UPDATE proposals SET status = 'APPROVED', claimed_at = 0")
    seq = web.engine.view.seq
    assert await agreed(web).finish_left() == 1
    assert web.engine.view.seq == seq
    assert (await call(web, two, "GET", f"{PATH}/{number}"))[1]["data"]["status"] == "DONE"


class LivesFake:
    """The life of a market: halted by command 5, opened by command 8."""

    async def part(
        self, market_id: int, after: tuple[int, int] | None, until: int, limit: int
    ) -> tuple[list[LifeMoment], None]:
        changes = (5, MarketStatus.HALTED), (8, MarketStatus.OPEN)
        begin = 0 if after is None else after[0]
        moments = [
            LifeMoment(seq, 0, 1, 1, LifeChange(market_id, "STATUS", "ADMIN", status=status))
            for seq, status in changes
            if begin < seq <= until
        ]
        return moments[:limit], None


@pytest.mark.parametrize(("approved_at", "is_done"), [(4, True), (7, True), (8, False)])
async def test_a_halt_that_was_lifted_and_set_again_is_not_lifted_twice(
    web: Web, approved_at: int, is_done: bool
) -> None:
    web.engine.view.seq = 10
    body = '{"status": "OPEN"}'
    proposal = Proposal(
        id=3, proposer_id=1, client_id=None, action="market.status", target="1", body=body,
        reason="r", effect_id="e", created_at=1, expires_at=9, status="APPROVED", decided_by=2,
        decided_at=2, seq_before=approved_at, outcome=None,
    )  # fmt: skip
    assert await Deeds(web.engine.view, LivesFake()).is_done(proposal) is is_done


@pytest.mark.parametrize(
    ("failure", "status", "left"),
    [(CommandNotTaken("full"), 503, "OPEN"), (OutcomeUnknown("lost"), 504, "APPROVED")],
)
async def test_an_outcome_that_is_not_known_is_told_and_learnt_later(
    web: Web, monkeypatch: pytest.MonkeyPatch, failure: Exception, status: int, left: str
) -> None:
    one, two = await admins(web)
    ann = await user(web)
    number = await propose(web, one, CREDIT, target=str(ann.id))

    def submit(_command: object) -> None:
        raise failure

    with monkeypatch.context() as patch:
        patch.setattr(web.engine, "submit", submit)
        assert (await decide(web, two, number))[0] == status
    _, told = await call(web, one, "GET", f"{PATH}/{number}")
    assert told["data"]["status"] == left
    if left == "OPEN":
        assert (await decide(web, two, number))[0] == 200
    else:
        await forget_claims(web)
        assert await agreed(web).finish_left() == 1
    assert cash(web, ann) == 5_000_000


async def test_open_proposals_are_bounded(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OPEN_MAX", 2)
    one, two = await admins(web)
    for who in (one, two):
        await propose(web, who, CREDIT, target="1")
    status, told = await call(web, one, "POST", PATH, CREDIT | {"target": "1"})
    assert (status, told["error"]["code"]) == (422, "LIMIT_REACHED")


async def test_without_the_rule_one_admin_is_enough_and_two_may(make_web: MakeWeb) -> None:
    web = await make_web()
    one, two = await admins(web)
    ann = await user(web)
    path = f"/api/v1/admin/users/{ann.id}/credit"
    assert (await call(web, one, "POST", path, CREDIT["body"]))[0] == 200
    assert (await decide(web, two, await propose(web, one, CREDIT, target=str(ann.id))))[0] == 200
    assert cash(web, ann) == 10_000_000
