"""The front page: what this is, the live markets and the top of their books.

    GET /plain  the whole page, which needs no script; also at / where the terminal isn't built
    GET /live   the part that changes, which the page's script asks for again and again

Laws: everything is rendered here and escaped here; the script only swaps the part. The cost of a
page is bounded however many markets there are: it looks at those that close first and shows the
most traded of them. Prices are YES prices.
"""

import heapq
from collections.abc import Iterator
from html import escape
from importlib.resources import files
from itertools import islice
from string import Template
from typing import Final

from exchange.messages.bounds import PRICE_SCALE, QUANTITY_SCALE
from exchange.messages.terms import ExchangeMode
from exchange.messages.units import format_price, format_quantity
from exchange.model.market import DRAFT, OPEN, Market
from exchange.model.order_book import BookSide
from exchange.model.state import State
from exchange.model.timers import CLOSING
from gateway.access.budgets import Budget
from gateway.http.request import File, Request
from gateway.http.routing import Access, Route, Shape

SHOWN: Final = 25
"""Markets on the page."""
LOOKED_AT: Final = 200
"""Markets among which the most traded are found."""
_HTML: Final = "text/html; charset=utf-8"
_HEAD: Final = (
    '<table><thead><tr><th scope="col">Question</th><th scope="col">Chance of YES</th>'
    '<th scope="col" class="number">Bid</th><th scope="col" class="number">Ask</th>'
    '<th scope="col" class="number">Last</th><th scope="col" class="number">Shares traded</th>'
    "</tr></thead><tbody>"
)
_ORIGIN: Final = "ORIGIN"
"""Stands in the commands where the page puts its address, which its script corrects."""
_UNLISTED: Final = "my-market"
_NOTHING: Final = "\N{EN DASH}"


def trade_commands(where: str, slug: str) -> list[str]:
    """Return shell commands that register, log in and buy ten YES shares."""
    return [
        f"  API={where}/api/v1; JSON='content-type: application/json'",
        """  ADA='{"email":"ada@example.org","password":"correct horse"}'""",
        """  curl -s $API/auth/register -H "$JSON" -d "$ADA" >/dev/null""",
        """  TOKEN=$(curl -s $API/auth/login -H "$JSON" -d "$ADA" \\""",
        """    | sed 's/.*"accessToken":"\\([^"]*\\)".*/\\1/')""",
        f"""  curl -s $API/orders/{slug} -H "$JSON" -H "authorization: Bearer $TOKEN" \\""",
        """    -d '{"side":"BUY","outcome":"YES","type":"MARKET","quantity":"10"}'; echo""",
    ]


def _origin(port: int) -> str:
    return f'<span class="origin">http://localhost:{port}</span>'


def example_slug(view: State) -> str | None:
    """Return a market in which an example can trade, None if none is open."""
    return next((market.slug for market in most_traded(view) if market.status is OPEN), None)


def most_traded(view: State) -> list[Market]:
    """Return the markets to show: of those that close first, the most traded first."""
    nearest = islice(_listed(view), LOOKED_AT)
    return heapq.nlargest(SHOWN, nearest, key=lambda market: (market.volume, -market.id))


def _listed(view: State) -> Iterator[Market]:
    """Yield the markets that everybody may see, those that close first."""
    closing = (view.markets[market_id] for _, market_id in view.timers.of(CLOSING))
    return (market for market in closing if market.status is not DRAFT)


def live(view: State) -> str:
    """Return the part that changes."""
    shown = most_traded(view)
    if not shown:
        body = '<p class="none">No market is open yet. An admin lists the first one.</p>'
    else:
        body = f"{_HEAD}{''.join(map(_row, shown))}</tbody></table>"
    count = sum(1 for _ in _listed(view))
    words = f"{count} market{'' if count == 1 else 's'}"
    if count > len(shown):
        words += f", {len(shown)} shown"
    if view.mode is not ExchangeMode.OPEN:
        words += f" \N{MIDDLE DOT} the exchange is {view.mode.value}"
    return f'<div id="live"><div class="card">{body}</div><p class="sum">{words}</p></div>'


def _row(market: Market) -> str:
    bid, ask = market.book.bids, market.book.asks
    slug = escape(market.slug)
    status = "" if market.status is OPEN else f' <span class="halted">{market.status.value}</span>'
    last = _NOTHING if market.last_price is None else _price(market.last_price, market.tick_size)
    return (
        f'<tr data-market="{market.id}">'
        f'<td class="question"><a href="/api/v1/markets/{slug}">{escape(market.question)}</a>'
        f"{status}<small>{escape(market.category)}</small></td>"
        f'<td class="chance" data-label="Chance">{_chance(market)}</td>'
        f'<td class="number bid" data-label="Bid">{_top(bid, market.tick_size)}</td>'
        f'<td class="number ask" data-label="Ask">{_top(ask, market.tick_size)}</td>'
        f'<td class="number" data-label="Last">{last}</td>'
        f'<td class="number extra">{market.volume // QUANTITY_SCALE:,}</td></tr>'
    )


def _top(side: BookSide, tick_size: int) -> str:
    best = side.best
    if best is None:
        return _NOTHING
    return f"{_price(best.price, tick_size)}<small>{_shares(best.quantity)}</small>"


def _chance(market: Market) -> str:
    """Return the middle of the book as a percentage with its bar, else the last price."""
    bid, ask = market.book.bids.best, market.book.asks.best
    if bid is not None and ask is not None:
        price = (bid.price + ask.price) // 2
    elif market.last_price is not None:
        price = market.last_price
    else:
        return _NOTHING
    percent = (200 * price + PRICE_SCALE) // (2 * PRICE_SCALE)
    bar = f'<rect width="{percent}" height="6"/>'
    drawn = f'<svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">{bar}</svg>'
    return f"{percent}\N{NARROW NO-BREAK SPACE}%{drawn}"


def _price(price: int, tick_size: int) -> str:
    """Return a price with the decimals of its market's tick, e.g. "0.55" for a tick of 0.01."""
    places = 4 - len(str(tick_size)) + 1
    return format_price(price)[: 2 + places]


def _shares(quantity: int) -> str:
    """Return e.g. "1,204" or "0.50": whole shares without their zeros."""
    whole, part = format_quantity(quantity).split(".")
    shown = f"{int(whole):,}"
    return shown if part == "00" else f"{shown}.{part}"


class FrontPage:
    """The page; `port` stands in its examples until its script knows better."""

    def __init__(self, view: State, port: int) -> None:
        self._view = view
        self._port = port
        folder = files("gateway.site").joinpath("templates")
        self._template = Template(folder.joinpath("front_page.html").read_text("utf-8"))

    async def root_page(self, _request: Request[None, None]) -> File:
        """Return the page."""
        return File(_HTML, self.page(), is_page=True)

    async def live_part(self, _request: Request[None, None]) -> File:
        """Return the part of the page that changes."""
        return File(_HTML, live(self._view).encode(), is_page=True)

    def page(self) -> bytes:
        """Return the whole page."""
        commands = "\n".join(
            line.removeprefix("  ")
            for line in trade_commands(_ORIGIN, example_slug(self._view) or _UNLISTED)
        )
        shown = escape(commands, quote=False).replace(_ORIGIN, _origin(self._port))
        return self._template.substitute(live=live(self._view), commands=shown).encode()

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/plain",
                handler=self.root_page,
                access=Access.PUBLIC,
                answer=str,
                shape=Shape.FILE,
                budget=Budget.NONE,
                summary="The front page, which needs no script",
                tag="pages",
            ),
            Route(
                method="GET",
                path="/live",
                handler=self.live_part,
                access=Access.PUBLIC,
                answer=str,
                shape=Shape.FILE,
                budget=Budget.NONE,
                summary="The part of the front page that changes",
                tag="pages",
            ),
        )
