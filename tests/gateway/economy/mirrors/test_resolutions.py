"""A mirror ends as its source did, once, after a while, whatever fails beside it; what contradicts
itself is an admin's to settle.
"""

from typing import Any

import pytest

from exchange.messages.commands import CreditAccount, OpenAccount, PlaceOrder, ResolveMarket
from exchange.messages.terms import BUY, GTC, LIMIT, NO, YES, Resolution
from exchange.model.market import CLOSED, HALTED, OPEN
from gateway.bootstrap.credits.mirrors import mirroring_of
from gateway.economy.mirrors.carrying import Carrying
from gateway.economy.mirrors.judging import Verdict, Word, judge, word_of
from gateway.economy.mirrors.resolving import JOB, MirrorResolutions
from gateway.feeds.model import ListedStatus, MarketsPage
from gateway.feeds.venue import VenueUnavailable
from persistence.clock import now_us
from persistence.repositories.economy.mirrors import Mirrors
from persistence.repositories.feeds.matches import Matches, MatchStatus, NewMatch
from tests.gateway.conftest import MakeWeb
from tests.gateway.economy.mirrors.mirror_stories import Stage, set_stage, source

SECOND = 1_000_000
ANN, BOB = 901, 902
ENDED: dict[str, Any] = {
    "status": ListedStatus.RESOLVED,
    "resolution": Resolution.YES,
    "resolved_at": 7,
}


class Ends:
    """The job, and the engine's part, at times that a test says."""

    def __init__(self, stage: Stage) -> None:
        parts, self.stage = stage.web.parts, stage
        self.late = 0
        feeds, settings = parts.feeds, parts.settings.mirrors
        self.job = MirrorResolutions(
            stage.rows, feeds.markets, Matches(parts.pool), feeds.venues, feeds.catalogue,
            settings, feeds.mirror_metrics, parts.logger, self.now,
        )  # fmt: skip
        self.carrying = Carrying(
            Mirrors(parts.pool),
            mirroring_of(parts.settings, feeds, parts.pool, parts.engine, parts.people),
            parts.engine.commands, parts.engine.view, parts.people.audit, feeds.mirror_metrics,
            parts.logger,
        )  # fmt: skip

    def now(self) -> int:
        return now_us() + self.late

    async def minute(self) -> None:
        """Let a minute's run and what follows pass."""
        await self.job.run({})
        await self.carrying.carry_all()

    async def later(self) -> None:
        """Be as if the first word had come an hour ago."""
        await self.stage.web.parts.pool.execute(
            "UPDATE mirrors SET said_at = said_at - 3600000000,"
            " confirmed_at = confirmed_at - 3600000000 WHERE said_at IS NOT NULL"
        )


async def hear(stage: Stage, number: int = 1, **changes: Any) -> None:
    """Have the venue say something of a market, and the feed take it in."""
    stage.say(number, **changes)
    await stage.ingest()


def hold(stage: Stage, market_id: int) -> None:
    """Let ANN hold 10 YES at 0.60, BOB 10 NO."""
    engine = stage.web.engine
    for account, outcome, price in ((ANN, YES, 6_000), (BOB, NO, 4_000)):
        engine.run(OpenAccount(account, 0))
        engine.run(CreditAccount(account, 10 * SECOND, "to begin with"))
        engine.run(PlaceOrder(account, market_id, BUY, outcome, LIMIT, price, 1_000, GTC))


def cash(stage: Stage) -> tuple[int, int]:
    accounts = stage.web.engine.view.accounts
    return accounts[ANN].available, accounts[BOB].available


@pytest.mark.parametrize(
    ("changes", "resolution", "paid"),
    [
        ({}, Resolution.YES, (14_000_000, 6_000_000)),
        ({"resolution": Resolution.NO}, Resolution.NO, (4_000_000, 16_000_000)),
        (
            {"resolution": Resolution.SPLIT, "yes_payout": 2_500},
            Resolution.SPLIT,
            (6_500_000, 13_500_000),
        ),
        (
            {"resolution": Resolution.SPLIT, "yes_payout": 10_000},
            Resolution.YES,
            (14_000_000, 6_000_000),
        ),
        (
            {"status": ListedStatus.VOID, "resolution": Resolution.VOID},
            Resolution.VOID,
            (9_000_000, 11_000_000),
        ),
    ],
)
async def test_it_ends_as_its_source_did(
    make_web: MakeWeb, changes: dict[str, Any], resolution: Resolution, paid: tuple[int, int]
) -> None:
    stage = await set_stage(make_web)
    ours = await stage.mirroring.mirror_of("fake:M1")
    hold(stage, ours.id)
    ends = Ends(stage)
    await ends.minute()
    assert (ours.status, (await stage.row()).said) == (OPEN, None)
    await hear(stage, **(ENDED | changes))
    await ends.minute()
    # What has ended there trades here no longer; it is paid once that was seen for a while.
    assert (ours.status, ours.resolution) == (HALTED, None)
    await ends.minute()
    assert (await stage.row()).resolution is None
    await ends.later()
    await ends.minute()
    assert ours.resolution is resolution
    assert cash(stage) == paid
    assert ours.source is not None
    assert ours.source.startswith("fake:M1: ")
    assert ours.source.endswith("1970-01-01T00:00:00.000Z")
    mirror = await stage.row()
    assert (mirror.status, mirror.resolution) == ("RESOLVED", resolution.value)
    await ends.minute()
    sent = [one for one in stage.web.engine.submitted if isinstance(one, ResolveMarket)]
    assert len(sent) == 1
    assert [line[1] for line in await stage.audited("mirror.resolve")] == ["ok"]
    assert len(await stage.audited("mirror.halt")) == 1


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"resolution": Resolution.NO}, "had ended YES, and says NO now"),
        ({"status": ListedStatus.OPEN, "resolution": None}, "says so no longer"),
    ],
)
async def test_a_source_that_contradicts_itself_is_an_admins(
    make_web: MakeWeb, changes: dict[str, Any], why: str
) -> None:
    stage = await set_stage(make_web)
    ours = await stage.mirroring.mirror_of("fake:M1")
    ends = Ends(stage)
    await hear(stage, **ENDED)
    await ends.minute()
    stage.say(1, **changes)
    await ends.later()
    await ends.minute()
    mirror = await stage.row()
    assert mirror.disputed is not None
    assert why in mirror.disputed
    assert (ours.status, ours.resolution) == (HALTED, None)
    shown = await stage.admin.data("GET", "/admin/mirrors?status=DISPUTED")
    assert [(one["disputed"], one["idle"]) for one in shown] == [(mirror.disputed, "DISPUTED")]
    assert any("waits for an admin" in line["event"] for line in stage.web.log_lines())
    await ends.later()
    await ends.minute()
    assert ours.resolution is None
    # The admin says that the source is right after all: it is listened to anew.
    stage.say(1, **ENDED)
    path = f"/admin/mirrors/{mirror.id}"
    assert (await stage.admin.data("PATCH", path, {"disputed": False}))["disputed"] is None
    assert await stage.audited("mirror.heed") == [(mirror.slug, "ok")]
    await hear(stage)
    for _ in range(2):
        await ends.minute()
        await ends.later()
    await ends.minute()
    assert ours.resolution is Resolution.YES


@pytest.mark.parametrize("then", [Resolution.YES, Resolution.NO])
async def test_a_source_that_is_closed_and_silent_confirms_nothing(
    make_web: MakeWeb, then: Resolution
) -> None:
    stage = await set_stage(make_web)
    ours = await stage.mirroring.mirror_of("fake:M1")
    ends = Ends(stage)
    await hear(stage, **ENDED)
    await ends.minute()
    await ends.later()
    stage.say(1, status=ListedStatus.CLOSED, resolution=None)
    await ends.minute()
    mirror = await stage.row()
    assert (mirror.disputed, mirror.decided_at, ours.status) == (None, None, HALTED)
    stage.say(1, **(ENDED | {"resolution": then}))
    await ends.minute()
    assert ours.resolution is None, "the delay begins anew"
    await ends.later()
    await ends.minute()
    mirror = await stage.row()
    paid = stage.ours(mirror).resolution
    if then is Resolution.YES:
        assert (mirror.disputed, paid) == (None, Resolution.YES)
    else:
        assert (mirror.disputed, paid) == ("fake:M1 had ended YES, and says NO now", None)


async def test_an_admin_resolves_what_is_disputed(make_web: MakeWeb) -> None:
    stage = await set_stage(make_web)
    ours = await stage.mirroring.mirror_of("fake:M1")
    ends = Ends(stage)
    await hear(stage, **ENDED)
    await ends.minute()
    await hear(stage, resolution=Resolution.NO)
    await ends.minute()
    await stage.admin.data("POST", f"/markets/{ours.slug}/resolve", {"outcome": "VOID"})
    await ends.minute()
    mirror = await stage.row()
    assert (mirror.status, mirror.resolution, mirror.disputed) == ("RESOLVED", "VOID", None)


async def test_another_venue_contradicts(make_web: MakeWeb) -> None:
    stage = await set_stage(make_web)
    await stage.mirroring.mirror_of("fake:M1")
    matches = Matches(stage.web.parts.pool)
    pairs = [NewMatch(("fake", "M1"), ("other", name), 9_000) for name in ("M2", "M3")]
    await matches.replace(pairs, 1)
    ends = Ends(stage)
    # M2 says otherwise, but nobody has said that it asks the same.
    other = source(2, platform="other", **(ENDED | {"resolution": Resolution.NO}))
    page = MarketsPage(markets=(other,))
    await stage.web.parts.feeds.catalogue.store("other", page, now_us())
    await hear(stage, 1, **ENDED)
    await ends.minute()
    assert (await stage.row()).disputed is None
    found, _ = await matches.page_of_market("fake", "M1", 10, 0, None)
    for one in found:
        await matches.decide(one.id, MatchStatus.CONFIRMED, 1)
    await ends.minute()
    assert (await stage.row()).disputed == "fake:M1 says YES, other:M2 says NO"


async def test_a_venue_that_is_away_confirms_nothing(make_web: MakeWeb) -> None:
    stage = await set_stage(make_web)
    ours = await stage.mirroring.mirror_of("fake:M1")
    ends = Ends(stage)
    await hear(stage, **ENDED)
    await ends.minute()
    await ends.later()
    await stage.web.parts.pool.execute("UPDATE venue_sightings SET seen_at = seen_at - 7200000000")
    await stage.web.parts.pool.execute(
        "UPDATE venue_markets SET changed_at = changed_at - 7200000000"
    )
    stage.venue.failure = VenueUnavailable("fake", "is down")
    await ends.minute()
    assert ours.resolution is None
    stage.venue.failure = None
    await ends.minute()
    assert ours.resolution is Resolution.YES


async def test_one_that_fails_stops_no_other(
    make_web: MakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await set_stage(make_web)
    markets = [await stage.mirroring.mirror_of(f"fake:M{number}") for number in (1, 2, 3)]
    ends = Ends(stage)
    for number in (1, 2, 3):
        await hear(stage, number, **ENDED)
    judge_one = MirrorResolutions._judge

    async def fail(self: MirrorResolutions, mirror: Any, row: Any) -> None:
        if mirror.external_id == "M2":
            raise ValueError("of ours")
        await judge_one(self, mirror, row)

    with monkeypatch.context() as patch:
        patch.setattr(MirrorResolutions, "_judge", fail)
        await ends.minute()
        await ends.later()
        await ends.minute()
    assert [one.resolution for one in markets] == [Resolution.YES, None, Resolution.YES]
    await ends.minute()
    await ends.later()
    await ends.minute()
    assert markets[1].resolution is Resolution.YES


async def test_one_that_was_taken_off_is_paid_all_the_same(make_web: MakeWeb) -> None:
    stage = await set_stage(make_web)
    ours = await stage.mirroring.mirror_of("fake:M1")
    hold(stage, ours.id)
    path = f"/admin/mirrors/{(await stage.row()).id}"
    assert (await stage.admin.data("DELETE", path))["status"] == "ENDED"
    assert (await stage.admin.call("DELETE", path)).status_code == 409
    ends = Ends(stage)
    await ends.minute()
    assert ours.status is CLOSED
    await hear(stage, **ENDED)
    await ends.minute()
    await ends.later()
    await ends.minute()
    assert (ours.resolution, cash(stage)) == (Resolution.YES, (14_000_000, 6_000_000))


async def test_the_job_comes_every_minute(make_web: MakeWeb) -> None:
    stage = await set_stage(make_web)
    (job,) = [one for one in stage.web.parts.jobs.all if one.name == JOB]
    assert job.schedule == "* * * * *"


def test_what_a_venue_does_not_say_is_no_end() -> None:
    assert word_of(source(1)) is None
    assert word_of(source(1, status=ListedStatus.CLOSED)) is None
    assert word_of(source(1, status=ListedStatus.RESOLVED)) is None
    split = {"status": ListedStatus.RESOLVED, "resolution": Resolution.SPLIT}
    assert word_of(source(1, **split)) is None
    assert word_of(source(1, **split, yes_payout=0)) == Word(Resolution.NO, None)
    assert word_of(source(1, status=ListedStatus.VOID)) == Word(Resolution.VOID, None)


async def test_a_decision_is_taken_back_while_nothing_was_done(make_web: MakeWeb) -> None:
    stage = await set_stage(make_web)
    await stage.mirroring.mirror_of("fake:M1")
    ends = Ends(stage)
    await hear(stage, **ENDED)
    await ends.job.run({})
    await ends.later()
    await ends.job.run({})
    assert (await stage.row()).decided_at is not None
    stage.say(1, resolution=Resolution.NO)
    await ends.job.run({})
    mirror = await stage.row()
    assert (mirror.decided_at, mirror.disputed is None) == (None, False)
    verdict = judge(mirror, Word(Resolution.YES, None), now_us(), [], now_us(), 0)
    assert isinstance(verdict, Verdict)
    # A dispute stands until an admin settles it.
    assert not await stage.rows.judge(mirror, now_us(), verdict.said)
