"""Bets on other platforms' markets: quoted as the house would offer, placed in their mirrors."""

from typing import Any

import pytest

from exchange.messages.commands import PlaceOrder, SetExchangeMode, SuspendAccount
from exchange.messages.terms import BUY, GTC, LIMIT, NO, YES, ExchangeMode
from exchange.model.system_accounts import HOUSE
from gateway.economy.bets import quotes
from gateway.economy.mirrors.making import Foreseen
from gateway.economy.mirrors.quoting import Quote
from gateway.wire.errors import LimitReached, Refused
from persistence.clock import now_us
from persistence.repositories.economy.mirrors import Mirror, Mirrors
from tests.gateway.conftest import MakeWeb
from tests.gateway.economy.bets.stories import bet, code, get
from tests.gateway.economy.mirrors.mirror_stories import Stage, set_stage, source
from tests.persistence.running import listing

VIEW = ("shares", "averagePrice", "worstPrice", "cost", "fee", "payout", "profit", "reason")


async def quoted(stage: Stage, person: Any, **query: str) -> dict[str, str | None]:
    """The quote of a bet of 20 on the first market elsewhere."""
    asked = {"marketId": "fake:M1", "side": "YES", "amount": "20"} | query
    text = "&".join(f"{name}={value}" for name, value in asked.items())
    answer = await get(stage.web, person, f"/quote?{text}")
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    return {name: data[name] for name in VIEW}


async def offering(make_web: MakeWeb, **settings: object) -> Stage:
    """A market elsewhere at 0.40 and 0.42, and a house that has credits."""
    markets = [source(1, best_bid=4_000, best_ask=4_200), source(2, best_bid=None, best_ask=4_200)]
    stage = await set_stage(make_web, *markets, **settings)
    stage.fund("1000")
    return stage


async def foreseen(stage: Stage) -> Foreseen:
    found = await stage.mirroring.foreseen("fake:M1")
    assert isinstance(found, Foreseen)
    return found


async def test_a_quote_of_what_nobody_mirrored_is_what_the_house_would_offer(
    make_web: MakeWeb,
) -> None:
    stage = await offering(make_web)
    ann = await stage.web.register()
    cases: list[dict[str, str]] = [
        {},
        {"side": "NO"},
        {"side": "THAT", "amount": "900"},
        {"amount": "900"},
        {"maxPrice": "0.43"},
    ]
    before = [await quoted(stage, ann, **query) for query in cases]
    assert before[0] == {
        "shares": "46.51",
        "averagePrice": "0.4300",
        "worstPrice": "0.4300",
        "cost": "19.999300",
        "fee": "0.000000",
        "payout": "46.510000",
        "profit": "26.510700",
        "reason": None,
    }
    assert before[1]["averagePrice"] == "0.6100"
    assert stage.web.engine.view.markets == {}
    assert await stage.audited("mirror.make") == []
    # The house does as it would have.
    standing = (await foreseen(stage)).quotes
    market = await stage.mirroring.mirror_of("fake:M1")
    for one in standing:
        order = (one.side, one.outcome, LIMIT, one.price, one.quantity, GTC)
        if one.quantity:
            stage.web.engine.run(PlaceOrder(HOUSE, market.id, *order))
    after = [await quoted(stage, ann, **query) for query in cases]
    for was, now in zip(before, after, strict=True):
        # Why a bet that is bet whole isn't larger by the last fraction doesn't matter.
        assert {**was, "reason": None} == {**now, "reason": None}
    made = (await bet(stage.web, ann, marketId="fake:M1", amount="20")).json()["data"]
    assert (made["shares"], made["slug"]) == ("46.51", market.slug)


async def test_a_quote_is_refused_as_a_bet_there_would_be(make_web: MakeWeb) -> None:
    stage = await offering(make_web)
    ann = await stage.web.register()
    for query, expected in (
        ("marketId=fake:M1&side=YES&amount=1001", (422, "INSUFFICIENT_BALANCE")),
        ("marketId=fake:M1&side=YES&amount=20&maxPrice=0.42", (422, "WORST_PRICE")),
        # Nobody bids there, so nobody here buys YES of whoever bets on NO.
        ("marketId=fake:M2&side=NO&amount=20", (422, "NO_LIQUIDITY")),
        ("marketId=fake:M9&side=NO&amount=20", (404, "NOT_FOUND")),
    ):
        assert code(await get(stage.web, ann, f"/quote?{query}")) == expected, query
    assert stage.web.engine.view.markets == {}


@pytest.mark.parametrize("bound", ["MIRRORS_PER_PERSON", "MIRRORS_MAX"])
async def test_who_may_begin_no_more_costs_no_look_at_the_venue(
    make_web: MakeWeb, bound: str
) -> None:
    stage = await offering(make_web, **{bound: 1})
    ann = await stage.web.register()
    await stage.mirroring.mirror_of("fake:M1", person=ann.id)
    asked = len(stage.venue.asked)
    for _ in range(3):
        answer = await bet(stage.web, ann, marketId="fake:M2", amount="20")
        assert code(answer) == (422, "LIMIT_REACHED")
        with pytest.raises(LimitReached):
            await stage.mirroring.mirror_of("fake:M2", person=ann.id)
    assert stage.venue.asked[asked:] == []


@pytest.mark.parametrize("bound", ["MIRRORS_PER_PERSON", "MIRRORS_MAX"])
async def test_the_last_place_is_everybody_s_who_comes_for_the_same_market_at_once(
    make_web: MakeWeb, bound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await offering(make_web, **{bound: 1})
    ann = await stage.web.register()
    market = await stage.mirroring.mirror_of("fake:M1", person=ann.id)
    of_source, looks = Mirrors.of_source, list[str]()

    async def before_it_was_there(rows: Mirrors, platform: str, name: str) -> Mirror | None:
        looks.append(name)
        return None if len(looks) == 1 else await of_source(rows, platform, name)

    monkeypatch.setattr(Mirrors, "of_source", before_it_was_there)
    assert await stage.mirroring.mirror_of("fake:M1", person=ann.id) is market
    assert looks == ["M1", "M1"]


async def test_a_house_without_credits_offers_nothing(make_web: MakeWeb) -> None:
    stage = await set_stage(make_web, source(1, best_bid=4_000, best_ask=4_200))
    ann = await stage.web.register()
    asked = "/quote?marketId=fake:M1&side=YES&amount=20"
    assert code(await get(stage.web, ann, asked)) == (422, "NO_LIQUIDITY")


@pytest.mark.parametrize(
    "doubt", ["at its bound", "suspended", "exchange not open", "near its end", "crossed"]
)
async def test_what_the_house_would_not_quote_is_bet_on_by_nobody(
    make_web: MakeWeb, doubt: str
) -> None:
    """Else first bets fill the places of mirrors, of which none trades."""
    more = {"MIRROR_STOPS_BEFORE_END": "3h"} if doubt == "near its end" else {}
    stage = await offering(make_web, HOUSE_EXPOSURE="100", **more)
    ann, engine = await stage.web.register(), stage.web.engine
    match doubt:
        case "at its bound":
            engine.run(listing("ours"))
            there = engine.view.market_by_slug["ours"].id
            engine.run(PlaceOrder(HOUSE, there, BUY, YES, LIMIT, 5_000, 20_000, GTC))
        case "suspended":
            engine.run(SuspendAccount(HOUSE, suspended=True))
        case "exchange not open":
            engine.run(SetExchangeMode(ExchangeMode.POST_ONLY))
        case "near its end":
            stage.say(1, close_time=now_us() + 2 * 3_600_000_000)
        case _:
            stage.say(1, best_bid=4_300)
    await stage.ingest()
    before = len(engine.view.markets)
    asked = "/quote?marketId=fake:M1&side=YES&amount=20"
    assert code(await get(stage.web, ann, asked)) == (422, "NO_LIQUIDITY")
    answer = await bet(stage.web, ann, marketId="fake:M1", amount="20")
    assert code(answer) == (422, "NO_LIQUIDITY")
    assert len(engine.view.markets) == before


def test_an_amount_that_pays_for_no_share_makes_no_mirror() -> None:
    market = Foreseen("fake:M1", (Quote(False, BUY, NO, 5_700, 100),))
    assert quotes.foreseen(market, YES, 4_300, None, 10**9).quantity == 1
    with pytest.raises(Refused, match="MAX_COST_TOO_SMALL"):
        quotes.foreseen(market, YES, 4_299, None, 10**9)


@pytest.mark.parametrize("call", ["quote", "bet"])
async def test_nothing_is_mirrored_by_bets_where_that_is_off(make_web: MakeWeb, call: str) -> None:
    stage = await offering(make_web, MIRROR_ON_BET="off")
    ann = await stage.web.register()
    if call == "quote":
        answer = await get(stage.web, ann, "/quote?marketId=fake:M1&side=YES&amount=20")
    else:
        answer = await bet(stage.web, ann, marketId="fake:M1", amount="20")
    assert code(answer) == (422, "NOT_MIRRORED")
    assert stage.web.engine.view.markets == {}


async def test_nothing_is_mirrored_by_a_bet_that_could_not_be_placed_there(
    make_web: MakeWeb,
) -> None:
    stage = await offering(make_web)
    ann = await stage.web.register()
    for asked, expected in (
        ({"marketId": "fake:M1", "amount": "1001"}, (422, "INSUFFICIENT_BALANCE")),
        ({"marketId": "fake:M1", "amount": "20", "maxPrice": "0.42"}, (422, "WORST_PRICE")),
        ({"marketId": "fake:M2", "amount": "20", "side": "NO"}, (422, "NO_LIQUIDITY")),
    ):
        assert code(await bet(stage.web, ann, **asked)) == expected, asked
    assert stage.web.engine.view.markets == {}
    assert await stage.rows.standing() == []
