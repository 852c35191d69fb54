"""What broke off, was refused or was not the process's to do, of a mirror's making and its end."""

from typing import Any

import msgspec
import pytest

from exchange.messages.admin.commands import EditMarket
from exchange.messages.bounds import TIME_MAX
from exchange.messages.commands import Command, SetMarketStatus
from gateway.economy.mirrors import carrying as carrying_room
from gateway.economy.mirrors.carrying import Carrying
from gateway.economy.mirrors.making import NotMirrored
from gateway.engine_side.refusals import EngineRefused
from gateway.wire.errors import LimitReached, ReadsOnly
from persistence.repositories.economy import mirrors as repository
from persistence.repositories.economy.mirrors import Said
from tests.gateway.conftest import MakeWeb
from tests.gateway.economy.mirrors.mirror_stories import broken_off, set_stage, source
from tests.persistence.running import listing


async def test_a_market_that_was_edited_meanwhile_is_still_its_own(
    make_web: MakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await set_stage(make_web)
    await broken_off(stage, monkeypatch)
    stage.web.engine.run(EditMarket(1, "Will it, really?", None, None, None, None))
    assert await stage.mirroring.finish_left() == 1
    assert (await stage.row()).market_id == 1


async def test_a_process_without_an_engine_makes_none_that_broke_off(
    make_web: MakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await set_stage(make_web)
    await broken_off(stage, monkeypatch)
    mirroring = stage.mirroring
    mirroring._takes_commands = False
    with pytest.raises(ReadsOnly):
        await mirroring.mirror_of("fake:M1")


async def test_one_that_a_clock_that_was_ahead_tried_last_is_made(
    make_web: MakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await set_stage(make_web)
    with monkeypatch.context() as patch:
        await broken_off(stage, patch)
    assert await stage.mirroring.finish_left() == 0
    await stage.web.parts.pool.execute("UPDATE mirrors SET tried_at = tried_at + 86400000000")
    assert await stage.mirroring.finish_left() == 1
    assert (await stage.row()).status == "OPEN"


async def test_of_a_source_one_refused_listing_is_kept(make_web: MakeWeb) -> None:
    stage = await set_stage(make_web)
    await stage.mirroring.mirror_of("fake:M1")
    first = (await stage.row()).id
    for number in (1, 2, 3):
        stage.web.engine.run(listing(f"mirror-{first + number}"))
        with pytest.raises(EngineRefused):
            await stage.mirroring.mirror_of("fake:M2")
    assert [one.id for one in await stage.rows.page(["REFUSED"], 1_000, 10)] == [first + 3]
    await stage.mirroring.mirror_of("fake:M2")
    assert await stage.rows.page(["REFUSED"], 1_000, 10) == []


async def test_what_the_engine_would_refuse_for_good_is_no_mirror(make_web: MakeWeb) -> None:
    stage = await set_stage(make_web, source(1, close_time=TIME_MAX + 1))
    with pytest.raises(NotMirrored, match="closeTime is out of range"):
        await stage.mirroring.mirror_of("fake:M1")
    assert await stage.rows.page(None, 1_000, 10) == []


async def test_there_are_no_more_than_the_house_can_follow(make_web: MakeWeb) -> None:
    stage = await set_stage(make_web, FEED_FOLLOWED_MARKETS=2)
    for number in (1, 2):
        await stage.mirroring.mirror_of(f"fake:M{number}")
    with pytest.raises(LimitReached):
        await stage.mirroring.mirror_of("fake:M3")


async def test_only_what_changed_is_read_again(
    make_web: MakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await set_stage(make_web)
    for number in (1, 2, 3):
        await stage.mirroring.mirror_of(f"fake:M{number}")
    read: list[int] = []
    whole = repository._mirror

    def counting(row: Any) -> repository.Mirror:
        mirror = whole(row)
        read.append(mirror.id)
        return mirror

    rows = stage.rows
    before = await rows.standing()
    monkeypatch.setattr(repository, "_mirror", counting)
    assert await rows.standing() == before
    assert read == []
    second = before[1]
    assert await rows.end(second.id, 7)
    changed = msgspec.structs.replace(second, status="ENDED", quotes=False, changed_at=7)
    assert await rows.standing() == [before[0], changed, before[2]]
    assert read == [second.id]
    assert await rows.resolved(second.id, "YES", 8, 8)
    assert await rows.standing() == [before[0], before[2]]


async def test_what_is_refused_again_and_again_is_one_line(
    make_web: MakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await set_stage(make_web)
    ours = await stage.mirroring.mirror_of("fake:M1")
    mirror, engine, parts = await stage.row(), stage.web.engine, stage.web.parts
    said = Said(outcome="YES", payout=None, at=1, source_at=1, confirmed_at=1)
    assert await stage.rows.judge(mirror, 1, said)
    submit, sent = engine.submit, list[Command]()

    def refuse(command: Command) -> Any:
        sent.append(command)
        return submit(SetMarketStatus(ours.id + 1, command.status))  # type: ignore[union-attr]

    now = [0]
    carrying = Carrying(
        *(stage.rows, stage.mirroring, engine, engine.view, parts.people.audit),
        *(parts.feeds.mirror_metrics, parts.logger, lambda: now[0]),
    )
    with monkeypatch.context() as patch:
        patch.setattr(engine, "submit", refuse)
        for moment in (0, 1, carrying_room.AGAIN_US, carrying_room.AGAIN_US + 1):
            now[0] = moment
            await carrying.carry_all()
    assert len(sent) == 2
    target = f"market:{ours.id} mirror-{mirror.id} YES"
    assert await stage.audited("mirror.halt") == [(target, "MARKET_NOT_FOUND")]
    now[0] = 3 * carrying_room.AGAIN_US
    await carrying.carry_all()
    assert [line[1] for line in await stage.audited("mirror.halt")] == ["MARKET_NOT_FOUND", "ok"]
