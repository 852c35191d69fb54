"""Mirrors and the house on the wire.

Laws: what the house has is read of the committed view, what its source says of what this process
follows, so both are as of now; `idle` says why nothing is quoted, null while the house quotes.
"""

from exchange.model.market import Market
from exchange.model.state import State
from exchange.model.system_accounts import HOUSE
from gateway.economy.mirrors.figures import at_stake, realised_in, unrealised_in
from gateway.economy.mirrors.looking import idle_here, source_of
from gateway.economy.mirrors.quoting import Idle, held_in, locked_by
from gateway.economy.mirrors.settings import MirrorSettings
from gateway.feeds.live.followed import Followed
from gateway.wire.scalars import (
    iso_millis,
    money_text,
    price_if_known,
    price_text,
    quantity_text,
    time_if_known,
)
from gateway.wire.strict_json import AnswerStruct
from persistence.clock import MICROSECONDS
from persistence.repositories.economy.mirrors import Mirror, Said


class SaidView(AnswerStruct, frozen=True):
    """What a source says of its end: `outcome` YES, NO, SPLIT (with the `yesPayout`) or VOID, `at`
    when that was heard first, `sourceAt` when it ended by its venue's word.
    """

    outcome: str
    yes_payout: str | None
    at: str
    source_at: str | None
    confirmed_at: str
    decides_at: str
    """When it is paid so, if it is said still."""


class MirrorView(AnswerStruct, frozen=True, kw_only=True):
    """A market of ours that stands for another venue's; `marketId` is the source's.

    `status` is MAKING, OPEN, ENDED (by an admin: it waits for its source's end), RESOLVED or
    REFUSED. `atStake` is what the house's shares there cost, and what its orders have locked.
    """

    id: str
    market_id: str
    platform: str
    external_id: str
    market: str | None
    """The id of our market; null until it is made."""
    slug: str
    question: str
    outcomes: tuple[str, str]
    status: str
    refusal: str | None
    quotes: bool
    """Whether the house may quote."""
    idle: Idle | None
    spread: str
    size: str
    exposure: str
    at_stake: str
    yes: str
    no: str
    realised_profit: str
    unrealised_profit: str
    bid: str | None
    """The house's own best, of YES."""
    ask: str | None
    source_bid: str | None
    source_ask: str | None
    source_as_of: str | None
    said: SaidView | None
    disputed: str | None
    """Why an admin has to see to it."""
    resolution: str | None
    resolved_at: str | None
    created_at: str


class HouseView(AnswerStruct, frozen=True, kw_only=True):
    """How the house stands, in credits; `exposure` is what it may have at stake in all mirrors."""

    account_id: str
    available: str
    locked: str
    at_stake: str
    exposure: str
    realised_profit: str
    unrealised_profit: str
    orders: int
    mirrors: int
    """That wait for their source's end."""
    quoted: int
    """In which the house has orders."""
    disputed: int


def mark_of(market: Market, followed: Followed | None) -> int | None:
    """Return what YES is worth: between the source's best prices, else what was paid last here."""
    if followed is not None and followed.book.is_known:
        bid, ask = followed.book.best_bid, followed.book.best_ask
        if bid is not None and ask is not None:
            return (bid + ask) // 2
    return market.last_price


def mirror_view(
    mirror: Mirror,
    view: State,
    followed: Followed | None,
    known_at: int,
    settings: MirrorSettings,
    now: int,
) -> MirrorView:
    """Return a mirror as it stands; `known_at` says as of when its source is known."""
    market, account = view.markets.get(mirror.market_id or 0), view.accounts.get(HOUSE)
    orders = [] if account is None or market is None else list(account.orders_in(market.id))
    held = (0, 0, 0) if market is None else held_in(market)
    bids = [order.yes_price for order in orders if order.is_bid]
    asks = [order.yes_price for order in orders if not order.is_bid]
    book = None if followed is None or not followed.book.is_known else followed.book
    mark = None if market is None else mark_of(market, followed)
    return MirrorView(
        id=str(mirror.id),
        market_id=mirror.source,
        platform=mirror.platform,
        external_id=mirror.external_id,
        market=None if mirror.market_id is None else str(mirror.market_id),
        slug=mirror.slug,
        question=mirror.command.question,
        outcomes=mirror.labels,
        status=mirror.status,
        refusal=mirror.refusal,
        quotes=mirror.quotes,
        idle=_idle(mirror, market, view, followed, known_at, settings, now),
        spread=price_text(mirror.spread),
        size=quantity_text(mirror.size),
        exposure=money_text(mirror.exposure),
        at_stake=money_text(held[2] + locked_by(orders)),
        yes=quantity_text(held[0]),
        no=quantity_text(held[1]),
        realised_profit=money_text(0 if market is None else realised_in(market)),
        unrealised_profit=money_text(0 if market is None else unrealised_in(market, mark)),
        bid=price_if_known(max(bids, default=None)),
        ask=price_if_known(min(asks, default=None)),
        source_bid=price_if_known(None if book is None else book.best_bid),
        source_ask=price_if_known(None if book is None else book.best_ask),
        source_as_of=time_if_known(known_at or None),
        said=None if mirror.said is None else _said(mirror.said, settings),
        disputed=mirror.disputed,
        resolution=mirror.resolution,
        resolved_at=time_if_known(mirror.resolved_at),
        created_at=iso_millis(mirror.made_at),
    )


def _idle(
    mirror: Mirror,
    market: Market | None,
    view: State,
    followed: Followed | None,
    known_at: int,
    settings: MirrorSettings,
    now: int,
) -> Idle | None:
    if market is None or not mirror.is_standing:
        return idle_here(mirror, market, view)
    found = source_of(mirror, market, view, followed, known_at, now, settings)
    return found if isinstance(found, Idle) else None


def _said(said: Said, settings: MirrorSettings) -> SaidView:
    return SaidView(
        said.outcome,
        price_if_known(said.payout),
        iso_millis(said.at),
        time_if_known(said.source_at),
        iso_millis(said.confirmed_at),
        iso_millis(said.at + settings.resolution_delay * MICROSECONDS),
    )


def house_view(
    view: State,
    marks: dict[int, int | None],
    counts: dict[str, int],
    settings: MirrorSettings,
) -> HouseView:
    """Return how the house stands; `marks` are what YES is worth, by market, where it isn't the
    last trade, `counts` the mirrors by status.  O(markets it traded in).
    """
    account = view.accounts.get(HOUSE)
    markets = [] if account is None else [view.markets[number] for number in account.positions]
    orders = [] if account is None else list(account.orders.values())
    standing = sum(counts.get(status, 0) for status in ("MAKING", "OPEN", "ENDED"))
    gains = (unrealised_in(one, marks.get(one.id, one.last_price)) for one in markets)
    return HouseView(
        account_id=str(HOUSE),
        available=money_text(0 if account is None else account.available),
        locked=money_text(0 if account is None else account.locked),
        at_stake=money_text(0 if account is None else at_stake(account)),
        exposure=money_text(settings.exposure_of_all),
        realised_profit=money_text(sum(realised_in(one) for one in markets)),
        unrealised_profit=money_text(sum(gains)),
        orders=len(orders),
        mirrors=standing,
        quoted=len({order.market_id for order in orders}),
        disputed=counts.get("disputed", 0),
    )
