"""The front page as it is rendered: bounded, escaped, and true to the book."""

import re

from exchange.messages.commands import (
    CreateMarket,
    OpenAccount,
    PlaceOrder,
    ResolveMarket,
    SetExchangeMode,
    SetMarketStatus,
)
from exchange.messages.terms import (
    BUY,
    GTC,
    LIMIT,
    NO,
    YES,
    ExchangeMode,
    FeeModel,
    MarketStatus,
    Outcome,
    Resolution,
)
from gateway.site.front_page import SHOWN, FrontPage, live
from tests.gateway.conftest import Web
from tests.gateway.engine_fake import EngineFake


def exchange(*questions: str, tick: int = 100) -> EngineFake:
    engine = EngineFake()
    for account in (1, 2):
        engine.run(OpenAccount(account, 10**12))
    for number, question in enumerate(questions, start=1):
        closing = engine.now + 10**12 + number
        engine.run(
            CreateMarket(
                f"market-{number}", question, "", "science", closing, tick, 1, 0, 0, FeeModel.FLAT,
                False,
            )
        )  # fmt: skip
    return engine


def buy(engine: EngineFake, account: int, outcome: Outcome, price: int, quantity: int) -> None:
    engine.run(PlaceOrder(account, 1, BUY, outcome, LIMIT, price, quantity, GTC))


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_a_row_shows_the_top_of_the_book_in_yes_terms() -> None:
    engine = exchange("Will it rain?")
    buy(engine, 1, YES, 5500, 120_450)
    buy(engine, 2, NO, 4000, 100)
    shown = text_of(live(engine.view))
    assert "Will it rain? science 58 % 0.55 1,204.50 0.60 1 \u2013 0 " in shown


def test_without_a_book_the_last_price_is_the_chance() -> None:
    engine = exchange("Will it rain?")
    assert "\u2013 \u2013 \u2013 \u2013 0" in text_of(live(engine.view))
    buy(engine, 1, YES, 7000, 100)
    buy(engine, 2, NO, 3000, 100)
    assert "70 % \u2013 \u2013 0.70 1 " in text_of(live(engine.view))


def test_prices_have_the_decimals_of_their_tick() -> None:
    for tick, price in ((1, "0.5501"), (10, "0.550"), (100, "0.55")):
        engine = exchange("Will it rain?", tick=tick)
        buy(engine, 1, YES, 5501 // tick * tick, 100)
        assert f" {price} 1 " in text_of(live(engine.view))


def test_questions_are_escaped() -> None:
    engine = exchange('<script>alert("x")</script> & more?')
    shown = live(engine.view)
    assert "<script>" not in shown
    assert "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; more?" in shown


def test_the_page_is_bounded_and_shows_the_most_traded() -> None:
    engine = exchange(*(f"Question {number}?" for number in range(300)))
    buy(engine, 1, YES, 5000, 100)
    buy(engine, 2, NO, 5000, 100)
    shown = live(engine.view)
    assert shown.count("<tr data-market") == SHOWN
    assert re.findall(r'data-market="(\d+)"', shown)[:2] == ["1", "2"]
    assert f"300 markets, {SHOWN} shown" in shown


def test_halts_are_shown_and_ended_markets_are_not() -> None:
    engine = exchange("First?", "Second?")
    engine.run(SetMarketStatus(1, MarketStatus.HALTED))
    engine.run(ResolveMarket(2, Resolution.YES, None, "test"))
    engine.run(SetExchangeMode(ExchangeMode.CANCEL_ONLY))
    shown = text_of(live(engine.view))
    assert "First? HALTED" in shown
    assert "Second?" not in shown
    assert "1 market \u00b7 the exchange is cancel-only" in shown


def test_the_example_trades_in_an_open_market() -> None:
    engine = exchange("First?", "Second?")
    engine.run(SetMarketStatus(1, MarketStatus.HALTED))
    assert b"$API/orders/market-2 " in FrontPage(engine.view, 8080).page()
    assert b"$API/orders/my-market " in FrontPage(EngineFake().view, 8080).page()


async def test_it_is_served_with_a_policy_that_allows_no_inline_script(web: Web) -> None:
    for path in ("/plain", "/live"):
        answer = await web.client.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert not re.search(r"<script(?! src=)| style=| on\w+=", answer.text)


async def test_everything_the_page_needs_is_in_the_package(web: Web) -> None:
    answer = await web.client.get("/plain")
    parts = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', answer.text))
    assert parts == {"/static/root.css", "/static/root.js", "/static/mark.svg"}
    for part in parts:
        assert (await web.client.get(part)).status_code == 200
