"""What a bot hears of its own orders comes before what others make of them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final
from zlib import crc32

import pytest

from exchange.messages.units import format_price, format_quantity
from gateway.research.live.running import LiveRun
from gateway.research.live.session import Session
from gateway.research.strategy import Book, Desk, Fill, Strategy, Terms

SLUG: Final = "rain"
ASKED: Final = 4_000


class Cheap(Strategy):
    """Wants one share, as the strategy of docs/backtesting.md does."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, None)
        self.heard: list[tuple[str, int, int]] = []

    def on_book(self, book: Book) -> None:
        """Buy what it hasn't."""
        held = self.desk.position(SLUG).yes
        self.heard.append(("book", held, self.desk.cash))
        if book.asks and held < 100 and not self.desk.open_orders(SLUG):
            self.desk.bid(SLUG, book.asks[0].price, 100 - held)

    def on_fill(self, fill: Fill) -> None:
        """Remember it."""
        self.heard.append(("fill", self.desk.position(SLUG).yes, self.desk.cash))


class SessionFake(Session):
    """Answers with what it is given, by path."""

    def __init__(self) -> None:
        super().__init__("http://exchange.example", "ed@example.com", "word")
        self.answers: dict[str, Any] = {}

    async def call(self, method: str, path: str, body: object = None) -> Any:
        return self.answers[path]

    async def every(self, path: str) -> list[Any]:
        return list(self.answers[path])


class Bot:
    """One that is connected to nothing: what the exchange says is put into its ear."""

    def __init__(self, session: SessionFake) -> None:
        self.session = session
        made: list[Cheap] = []

        def make(desk: Desk) -> Cheap:
            made.append(Cheap(desk))
            return made[0]

        self.run = LiveRun("http://exchange.example", session, [SLUG], make)
        self.run._failure = asyncio.get_running_loop().create_future()
        self.run._slugs["1"] = SLUG
        self.run.desk.terms[SLUG] = Terms(market=SLUG)
        self.run.desk.own({"available": "10", "total": "10"})
        self.sent: list[dict[str, Any]] = []
        self.run.desk.send = lambda _event, body, _take: self.sent.append(body)
        self.strategy = made[0]
        self.seq = 0

    def hear(self, event: str, **data: Any) -> None:
        """Say something."""
        self.run._hear(event, data)

    def show(self, quantity: int) -> None:
        """Show a book that asks `quantity`."""
        self.seq += 1
        self.hear(
            "orderbook_update",
            kind="snapshot",
            marketId="1",
            outcome="YES",
            epoch=1,
            seq=self.seq,
            bids=[],
            asks=[(format_price(ASKED), format_quantity(quantity))],
            checksum=crc32(f"|{ASKED}:{quantity}".encode()),
        )

    def order(self, filled: int, status: str, seq: int) -> dict[str, Any]:
        """Return how the exchange shows the order that was sent first."""
        return {
            "clientOrderId": self.sent[0]["clientOrderId"],
            "id": "7-1",
            "seq": seq,
            "slug": SLUG,
            "filled": format_quantity(filled),
            "remaining": format_quantity(100 - filled),
            "status": status,
        }

    def fill(self, quantity: int, trade: int) -> dict[str, Any]:
        """Return a fill of it."""
        return {
            "clientOrderId": self.sent[0]["clientOrderId"],
            "tradeId": str(trade),
            "slug": SLUG,
            "side": "BUY",
            "outcome": "YES",
            "yesPrice": format_price(ASKED),
            "quantity": format_quantity(quantity),
            "fee": "0",
            "role": "TAKER",
        }


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    session = SessionFake()
    yield Bot(session)
    await session.close()


@pytest.mark.parametrize("shown_first", [True, False])
async def test_it_hears_of_a_fill_and_its_cash_before_the_book_behind_it(
    bot: Bot, *, shown_first: bool
) -> None:
    bot.show(500)
    assert [one["quantity"] for one in bot.sent] == ["1.00"]
    if shown_first:
        bot.show(400)
    bot.hear("order_placed", **bot.order(100, "FILLED", 9))
    if not shown_first:
        bot.show(400)
    bot.hear("order_filled", **bot.fill(60, 1))
    bot.show(390)
    bot.hear("order_filled", **bot.fill(40, 2))
    bot.hear("balance_updated", available="9.6", total="9.6")
    bot.hear("position_updated", slug=SLUG, outcome="YES", quantity="1", free="1")
    ten, spent = 10_000_000, 9_600_000
    assert bot.strategy.heard == [
        ("book", 0, ten),
        ("fill", 60, ten),
        ("fill", 100, ten),
        ("book", 100, spent),
    ]
    assert len(bot.sent) == 1
    assert bot.run.desk.orders == {}


async def test_a_fill_that_a_lost_line_swallowed_is_read_behind_the_next(bot: Bot) -> None:
    bot.show(500)
    bot.hear("order_placed", **bot.order(100, "FILLED", 9))
    bot.hear("order_filled", **bot.fill(60, 1))
    assert bot.run.desk.open_orders(SLUG) == {}, "it is over"
    name = bot.sent[0]["clientOrderId"]
    bot.session.answers = {
        f"/orders/by-client-id/{name}": bot.order(100, "FILLED", 9),
        "/user/fills?orderId=7-1": [bot.fill(40, 2), bot.fill(60, 1)],
    }
    await bot.run._settle()
    assert [(what, held) for what, held, _ in bot.strategy.heard] == [
        ("book", 0),
        ("fill", 60),
        ("fill", 100),
    ]
    assert bot.run.desk.orders == {}


async def test_what_is_over_can_neither_be_cancelled_nor_sent_again(bot: Bot) -> None:
    bot.show(500)
    bot.hear("order_placed", **bot.order(100, "FILLED", 9))
    bot.run.desk.cancel(1)
    bot.hear("order_filled", **bot.fill(100, 1))
    bot.run.desk.cancel(1)
    bot.run.desk.ask_for(bot.sent[0]["clientOrderId"])
    assert len(bot.sent) == 1
