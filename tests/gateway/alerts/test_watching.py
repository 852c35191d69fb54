"""What fires over a real engine and its tables: each crossing once, whatever comes between."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from exchange.messages.commands import ResolveMarket
from exchange.messages.terms import NO, SELL, Resolution
from gateway.alerts import watching
from gateway.feeds.known import MarketRef
from gateway.feeds.model import ListedStatus
from persistence.clock import now_us
from persistence.repositories.alerts.alerts import Alert, AlertTerms
from persistence.repositories.alerts.looks import AlertLooks, Change, Tape
from tests.gateway.alerts.looking import Looking
from tests.gateway.portfolio.venue_fake import VenueFake, venue_market
from tests.persistence.running import ANN, BOB, CEM, limit, open_for_trade, running

THEIRS = ("kalshi", "KXRAIN")


@pytest.fixture
def theirs() -> VenueFake:
    return VenueFake(venue_market("KXRAIN"))


@pytest.fixture
async def looking(database_url: str, theirs: VenueFake) -> AsyncIterator[Looking]:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        made = Looking(engine, theirs)
        for person in (ANN, BOB, CEM):
            await made.person(person)
        yield made


async def trade(looking: Looking, cents: int, quantity: int = 1) -> None:
    """Ann and Bob trade YES at a price."""
    orders = limit(ANN, cents, quantity), limit(BOB, 100 - cents, quantity, NO)
    await looking.engine.send_all(*orders)


async def test_a_price_that_came_and_went_fires_once(looking: Looking) -> None:
    await trade(looking, 50)
    await looking.wants(CEM, "PRICE_ABOVE", 6_000, note="up")
    await looking.wants(CEM, "PRICE_BELOW", 3_000, outcome="NO")
    await looking.wants(CEM, "PRICE_ABOVE", 9_000)
    assert await looking.watch.look_at_prints() == 0
    for cents in (55, 71, 50):
        await trade(looking, cents)
    assert await looking.watch.look_at_prints() == 2
    assert await looking.watch.look_at_prints() == 0
    first, second = await looking.told(CEM)
    assert (first.kind, first.note, first.external_id) == ("PRICE_ABOVE", "up", "1")
    assert json.loads(first.saw) == {
        "slug": "rain",
        "question": "Will it rain?",
        "outcome": "YES",
        "price": "0.7100",
        "tradeNo": "3",
    }
    assert json.loads(second.saw)["price"] == "0.2900"
    await trade(looking, 80)
    assert await looking.watch.look_at_prints() == 0, "each fires once and for all"


async def test_what_was_before_it_does_not_count_and_what_is_so_must_be_so_again(
    looking: Looking,
) -> None:
    await trade(looking, 70)
    late = await looking.wants(CEM, "PRICE_ABOVE", 6_000)
    assert late.is_met
    await trade(looking, 75)
    assert await looking.watch.look_at_prints() == 0
    await trade(looking, 50)
    assert await looking.watch.look_at_prints() == 0
    await trade(looking, 60)
    assert await looking.watch.look_at_prints() == 1


async def test_two_who_look_and_one_that_dies_tell_each_crossing_once(
    looking: Looking, theirs: VenueFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    await trade(looking, 50)
    for _ in range(5):
        await looking.wants(CEM, "PRICE_ABOVE", 6_000, pause_s=10)
    await trade(looking, 70)
    looks = looking.watch._looks

    def dies(_tape: object) -> list[object]:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await looks.look_at_tape(1, 10, 9, dies, now_us())  # type: ignore[arg-type]
    other = looking.another(theirs)
    fired = await asyncio.gather(looking.watch.look_at_prints(), other.look_at_prints())
    assert sum(fired) == 5
    assert len(await looking.told(CEM)) == 5
    monkeypatch.setattr(watching, "PRINTS", 1)
    for cents in (50, 70, 50, 70):
        await trade(looking, cents)
    assert await looking.watch.look_at_prints() == 0, "within the pause, step by step"


async def test_an_alert_begun_anew_misses_nothing_and_repeats_nothing(looking: Looking) -> None:
    await trade(looking, 50)
    was = await looking.wants(CEM, "PRICE_ABOVE", 6_000)
    await trade(looking, 70)
    await looking.watch.look_at_prints()
    fired = await looking.alerts.get(CEM, was.id)
    assert fired is not None
    assert (fired.is_active, fired.fired_count) == (False, 1)
    terms = {name: getattr(fired, name) for name in ("kind", "platform", "external_id", "outcome")}
    more = {name: getattr(fired, name) for name in ("threshold", "order_id", "note", "pause_s")}
    again = await looking.alerts.change(
        fired,
        AlertTerms(**terms, **more, webhook_id=None),
        lambda last: last is not None and last >= 6_000,
        now_us(),
        is_active=True,
    )
    assert again is not None
    assert again.is_met, "it is above still"
    assert await looking.watch.look_at_prints() == 0
    await trade(looking, 50)
    await trade(looking, 61)
    assert await looking.watch.look_at_prints() == 1
    stale = await looking.alerts.change(
        fired, AlertTerms(**terms, **more, webhook_id=None), lambda _: False, 1, is_active=True
    )
    assert stale is None, "it is another one by now"


async def test_however_many_wait_for_a_price_a_step_is_small(
    looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "ALERTS", 2)
    monkeypatch.setattr(watching, "LOOKED_AT", 3)
    sizes = []

    async def apply(self: Tape | AlertLooks, changes: Sequence[Change], now: int) -> int:
        sizes.append(len(changes))
        return int(await applied[type(self)](self, changes, now))

    applied: dict[type, Any] = {one: one.apply for one in (Tape, AlertLooks)}
    for one in applied:
        monkeypatch.setattr(one, "apply", apply)
    await trade(looking, 50)
    for _ in range(5):
        await looking.wants(CEM, "PRICE_ABOVE", 6_000, pause_s=10)
        await looking.wants(CEM, "RESOLUTION", None)
    await trade(looking, 70)
    await trade(looking, 50)
    assert await looking.watch.look_at_prints() == 5
    assert await looking.watch.look_at_prints() == 0
    assert max(sizes) == 2
    assert not any(one.is_met for one in await all_of(looking, CEM)), "both prints were seen"
    sizes.clear()
    await looking.engine.send(ResolveMarket(1, Resolution.YES, None, ""))
    assert await looking.watch.look_at_markets() == 5
    assert await looking.watch.look_at_markets() == 0
    assert max(sizes) == 2


async def all_of(looking: Looking, person: int) -> list[Alert]:
    return (await looking.alerts.page(person, 100, 0, 0))[0]


async def change(looking: Looking, was: Alert, **changed: Any) -> Alert:
    """Its owner changes an alert, as PATCH does without `active`."""
    names = [one for one in AlertTerms.__struct_fields__ if one not in changed]
    terms = AlertTerms(**{name: getattr(was, name) for name in names}, **changed)
    after = await looking.alerts.change(was, terms, lambda _: True, now_us(), is_active=None)
    assert after is not None
    return after


async def test_another_note_hides_nothing_and_repeats_nothing(looking: Looking) -> None:
    await trade(looking, 50)
    hidden = await looking.wants(CEM, "PRICE_ABOVE", 6_000)
    await trade(looking, 70)
    await trade(looking, 50)
    await change(looking, hidden, note="x")
    assert await looking.watch.look_at_prints() == 1, "it crossed before the note was changed"
    await looking.wants(CEM, "CLOSE", 30, pause_s=10)
    looking.now = lambda: now_us() + 31 * 60 * 1_000_000
    assert await looking.watch.look_at_markets() == 1
    near = (await looking.alerts.page(CEM, 9, 0, hidden.id))[0][0]
    assert (await change(looking, near, note="x")).is_met
    looking.now = lambda: now_us() + 32 * 60 * 1_000_000
    assert await looking.watch.look_at_markets() == 0, "it was near all the time"


async def test_an_alert_that_fires_while_its_note_is_changed_is_over(looking: Looking) -> None:
    await trade(looking, 50)
    read = await looking.wants(CEM, "PRICE_ABOVE", 6_000)
    await trade(looking, 70)
    assert await looking.watch.look_at_prints() == 1
    assert not (await change(looking, read, note="x")).is_active
    await trade(looking, 50)
    await trade(looking, 70)
    assert await looking.watch.look_at_prints() == 0, "once and for all"


async def test_fills_of_ones_own_orders(looking: Looking) -> None:
    await trade(looking, 50)
    await looking.wants(ANN, "FILL", None, market=(None, None), pause_s=10)
    await looking.engine.send(limit(ANN, 40, 5))
    order = looking.engine.view.next_order_id - 1
    await looking.wants(ANN, "FILL", None, market=(None, None), order_id=order)
    await looking.wants(BOB, "FILL", None, market=("exchange", "2"))
    assert await looking.watch.look_at_fills() == 0
    looks = AlertLooks(looking.engine.pool)
    assert await looks.fill_alerts(0, 9) == [], "whose ledger stands still costs nothing"
    await looking.engine.send_all(limit(BOB, 60, 2, NO))
    assert [one.user_id for one in await looks.fill_alerts(0, 9)] == [ANN, ANN, BOB]
    assert await looking.watch.look_at_fills() == 2
    assert await looking.watch.look_at_fills() == 0
    first, second = await looking.told(ANN)
    assert first.external_id == second.external_id == "1"
    saw = json.loads(first.saw)
    assert saw == json.loads(second.saw)
    assert (saw["price"], saw["quantity"], saw["side"]) == ("0.4000", "2.00", "BUY")
    assert (saw["outcome"], saw["orderId"]) == ("YES", str(order))
    assert await looking.told(BOB) == []
    await looking.engine.send(limit(ANN, 39, 1, side=SELL))
    await looking.engine.send(limit(BOB, 61, 1, NO))
    assert await looking.watch.look_at_fills() == 0, "within the pause of the one that repeats"


async def test_markets_as_they_are(looking: Looking, theirs: VenueFake) -> None:
    await looking.wants(CEM, "PRICE_ABOVE", 4_500, market=THEIRS)
    await looking.wants(CEM, "CLOSE", 30)
    await looking.wants(CEM, "VOLUME_ABOVE", 5_000_000, market=THEIRS)
    await looking.wants(CEM, "RESOLUTION", None)
    looking.paid[MarketRef(*THEIRS)] = 4_999_999
    assert await looking.watch.look_at_markets() == 0
    assert looking.attended == [MarketRef(*THEIRS)], "its venue is asked more often"
    theirs.change("KXRAIN", yes_price=4_500)
    looking.paid[MarketRef(*THEIRS)] = 5_000_000
    assert await looking.watch.look_at_markets() == 2
    assert await looking.watch.look_at_markets() == 0
    looking.now = lambda: now_us() + 31 * 60 * 1_000_000
    assert await looking.watch.look_at_markets() == 1
    await looking.engine.send(ResolveMarket(1, Resolution.YES, None, ""))
    assert await looking.watch.look_at_markets() == 1
    told = {one.kind: json.loads(one.saw) for one in await looking.told(CEM)}
    assert told["PRICE_ABOVE"]["price"] == "0.4500"
    assert told["VOLUME_ABOVE"] == {
        "question": "Will KXRAIN happen?",
        "volume": "5.000000",
        "currency": "USD",
    }
    assert "closeTime" in told["CLOSE"]
    assert told["RESOLUTION"]["resolution"] == "YES"


async def ends(looking: Looking, person: int) -> dict[str, tuple[bool, str | None]]:
    return {one.note: (one.is_active, one.ended) for one in await all_of(looking, person)}


async def test_what_waits_for_a_market_that_has_ended_ends_with_the_reason(
    looking: Looking,
) -> None:
    await trade(looking, 50)
    for kind, threshold in (
        ("PRICE_ABOVE", 9_000), ("VOLUME_ABOVE", 10**9), ("CLOSE", 1), ("RESOLUTION", None),
        ("FILL", None),
    ):  # fmt: skip
        await looking.wants(CEM, kind, threshold, note=kind)
    await looking.wants(CEM, "RESOLUTION", None, note="again", pause_s=10)
    await looking.wants(CEM, "FILL", None, market=(None, None), note="any fill")
    looking.paid[MarketRef("exchange", "1")] = 0
    assert await looking.watch.look_at_markets() == 0
    await looking.engine.send(ResolveMarket(1, Resolution.VOID, None, ""))
    assert await looking.watch.look_at_markets() == 2
    assert await ends(looking, CEM) == {
        "PRICE_ABOVE": (False, "MARKET_ENDED"),
        "VOLUME_ABOVE": (False, "MARKET_ENDED"),
        "CLOSE": (False, "MARKET_ENDED"),
        "FILL": (False, "MARKET_ENDED"),
        "RESOLUTION": (False, "FIRED"),
        "again": (False, "MARKET_ENDED"),
        "any fill": (True, None),
    }
    assert await looking.watch.look_at_markets() == 0
    assert len(await looking.told(CEM)) == 2


async def test_it_ends_when_it_has_seen_all_of_the_market(looking: Looking) -> None:
    await trade(looking, 50)
    await looking.wants(CEM, "PRICE_ABOVE", 6_000, note="fires")
    await looking.wants(CEM, "PRICE_ABOVE", 9_000, note="doesn't")
    await looking.wants(ANN, "FILL", None, note="fill", pause_s=10)
    await trade(looking, 70)
    await looking.engine.send(ResolveMarket(1, Resolution.YES, None, ""))
    assert await looking.watch.look_at_markets() == 0
    assert await ends(looking, CEM) == {"fires": (True, None), "doesn't": (True, None)}
    assert await ends(looking, ANN) == {"fill": (True, None)}
    assert await looking.watch.look_at_prints() == 1
    assert await looking.watch.look_at_fills() == 1
    assert await looking.watch.look_at_markets() == 0
    assert await ends(looking, CEM) == {
        "fires": (False, "FIRED"), "doesn't": (False, "MARKET_ENDED"),
    }  # fmt: skip
    assert await ends(looking, ANN) == {"fill": (False, "MARKET_ENDED")}


async def test_a_venues_market_that_is_void_ends_too(looking: Looking, theirs: VenueFake) -> None:
    await looking.wants(CEM, "PRICE_ABOVE", 9_000, market=THEIRS, note="price")
    await looking.wants(CEM, "RESOLUTION", None, market=THEIRS, note="result")
    theirs.change("KXRAIN", status=ListedStatus.VOID, yes_price=None)
    assert await looking.watch.look_at_markets() == 1
    assert await ends(looking, CEM) == {
        "price": (False, "MARKET_ENDED"), "result": (False, "FIRED"),
    }  # fmt: skip


async def test_an_owner_who_stops_one_needs_no_reason(looking: Looking) -> None:
    await trade(looking, 50)
    was = await looking.wants(CEM, "PRICE_ABOVE", 6_000)
    await trade(looking, 70)
    assert await looking.watch.look_at_prints() == 1
    (fired,) = await all_of(looking, CEM)
    assert fired.ended == "FIRED"
    terms = AlertTerms(**{name: getattr(was, name) for name in AlertTerms.__struct_fields__})
    anew = await looking.alerts.change(fired, terms, lambda _: True, now_us(), is_active=True)
    assert anew is not None
    assert (anew.is_active, anew.ended) == (True, None)
    idle = await looking.alerts.change(anew, terms, lambda _: True, now_us(), is_active=False)
    assert idle is not None
    assert (idle.is_active, idle.ended) == (False, None)


async def test_what_was_told_is_kept_for_a_time_and_a_number(looking: Looking) -> None:
    await trade(looking, 50)
    for _ in range(3):
        await looking.wants(CEM, "PRICE_ABOVE", 6_000)
        await looking.wants(ANN, "PRICE_ABOVE", 6_000)
    await looking.wants(BOB, "PRICE_ABOVE", 6_000)
    await trade(looking, 60)
    await looking.watch.look_at_prints()
    numbers = [one.id for one in await looking.told(CEM)]
    assert await looking.firings.prune_many(2, 0, 2) == (1, BOB), "Ann's"
    assert len(await looking.told(CEM)) == 3, "whose turn comes later"
    assert await looking.firings.prune_many(2, BOB, 2) == (1, CEM)
    assert await looking.firings.prune_many(2, CEM, 2) == (0, None)
    await looking.engine.pool.execute("DELETE FROM alert_firings WHERE user_id <> $1", CEM)
    assert [one.id for one in await looking.told(CEM)] == numbers[1:]
    assert await looking.firings.prune(now_us() + 1, 1) == 1
    assert await looking.firings.prune(now_us() + 1, 10) == 1
