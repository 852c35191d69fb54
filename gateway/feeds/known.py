"""What is known of a market of any platform, by its name there: the port that rooms above ask.

A market is named by its platform and by what that platform calls it (`MarketRef`); on the wire by
one text: ours as its id or slug, another platform's as `platform:external id`. Whoever lists the
markets of a platform answers for them (`MarketCatalogue`); `AllMarkets` puts them together.

Laws: prices are of YES in 1/10 000, None where none is known, and nothing is invented; a market
that is resolved has a payout instead. Times are microseconds since the epoch.
"""

import re
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple, Protocol

import msgspec

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.terms import YES, Outcome, Resolution
from exchange.model.market import Market
from exchange.model.state import State
from gateway.feeds.model import FINAL, ListedStatus, is_old
from gateway.http.openapi import CHOICE
from gateway.markets.lookup import find_market
from gateway.venues import ours
from gateway.wire.errors import Detail, NotFound, ValidationFailed
from gateway.wire.plain_words import one_of
from gateway.wire.scalars import parse_id
from persistence.journal.codes import FEE_MODEL, MARKET_STATUS, RESOLUTION, words
from persistence.repositories.listed_markets import ListedMarket, ListedMarkets

OURS: Final = "exchange"
CURRENCY: Final = "credits"
NAME_LENGTH_MAX: Final = 255
"""Of a platform's own name of a market, and of one with its platform before it."""

PLATFORM_LENGTH: Final = 32
KNOWN_PLATFORMS: Final = "known platforms"
"""The choice of OpenAPI that a field has which names a platform of a `MarketCatalogue`."""

_EXTERNAL_ID: Final = re.compile(rf"[!-~]{{1,{NAME_LENGTH_MAX}}}", re.ASCII)
_STATUSES: Final = words(MARKET_STATUS)
_RESOLUTIONS: Final = words(RESOLUTION)
_FEE_MODELS: Final = words(FEE_MODEL)
_PAYOUTS: Final = {
    Resolution.YES: PRICE_SCALE,
    Resolution.NO: 0,
    Resolution.VOID: PRICE_SCALE // 2,
}


class MarketRef(NamedTuple):
    """Which market: of ours `external_id` is the id."""

    platform: str
    external_id: str

    @property
    def id(self) -> str:
        """Return the one text that names it on the wire."""
        return self.external_id if self.platform == OURS else f"{self.platform}:{self.external_id}"


class KnownMarket(msgspec.Struct, frozen=True, kw_only=True):
    """What those who watch or hold a market of any platform need to know of it."""

    ref: MarketRef
    slug: str | None = None
    question: str
    category: str = ""
    status: ListedStatus
    close_time: int | None = None
    yes_price: int | None = None
    """What YES is worth now, as every view of the market shows it."""
    last_price: int | None = None
    """What was paid for YES last."""
    best_bid: int | None = None
    best_ask: int | None = None
    resolution: Resolution | None = None
    yes_payout: int | None = None
    """What a YES share was paid, 0 to 10 000; None until then, or where the venue doesn't say."""
    currency: str = CURRENCY
    fees: tuple[tuple[str, str], ...] = ()
    """The venue's fee terms by name, as decimal texts; `gateway/venues` knows what they mean."""
    as_of: int | None = None
    """When it was known to be so; None for now."""

    def is_stale(self, now: int) -> bool:
        """Return whether it was known so long ago that it may have changed; a settled one can't."""
        return self.as_of is not None and is_old(self.as_of, now, final=self.status in FINAL)

    @property
    def has_ended(self) -> bool:
        """Whether nothing is to be expected of it any more: it has a result, or never gets one."""
        return self.resolution is not None or self.status in FINAL

    @property
    def mark(self) -> int | None:
        """What a YES share that somebody holds counts for until it is paid: one of ours the last
        trade, as in /user/portfolio, a venue's its price, else its last trade.
        """
        is_ours = self.ref.platform == OURS
        return self.last_price if is_ours or self.yes_price is None else self.yes_price

    def worth(self, side: Outcome) -> int | None:
        """Return what a share of `side` counts for, 0 to 10 000: its payout, else its mark."""
        yes = self.mark if self.yes_payout is None else self.yes_payout
        if yes is None:
            return None
        return yes if side is YES else PRICE_SCALE - yes


class MarketCatalogue(Protocol):
    """Whoever knows the markets of some platforms."""

    @property
    def platforms(self) -> tuple[str, ...]:
        """Return the platforms there are."""

    async def known(self, platform: str, external_id: str) -> KnownMarket | None:
        """Return a market; of ours the slug names it as well as the id."""

    async def known_many(self, refs: Collection[MarketRef]) -> Mapping[MarketRef, KnownMarket]:
        """Return those of these that there are, each under the name it was asked by."""

    async def live(self, platform: str, external_id: str) -> KnownMarket | None:
        """Return a market as it is now, asked of its venue if that answers."""

    async def of_slug(self, slug: str) -> KnownMarket | None:
        """Return the market that bears a slug; None if none does, or several do."""


class AllMarkets:
    """The markets of all platforms, each asked of whoever lists it."""

    def __init__(self, *sources: MarketCatalogue) -> None:
        self._by_platform = {name: source for source in sources for name in source.platforms}

    @property
    def platforms(self) -> tuple[str, ...]:
        """Return the platforms there are."""
        return tuple(self._by_platform)

    async def known(self, platform: str, external_id: str) -> KnownMarket | None:
        """Return a market."""
        source = self._by_platform.get(platform)
        return None if source is None else await source.known(platform, external_id)

    async def live(self, platform: str, external_id: str) -> KnownMarket | None:
        """Return a market as it is now."""
        source = self._by_platform.get(platform)
        return None if source is None else await source.live(platform, external_id)

    async def known_many(self, refs: Collection[MarketRef]) -> Mapping[MarketRef, KnownMarket]:
        """Return those of these that there are; each source is asked once."""
        by_source: dict[int, tuple[MarketCatalogue, list[MarketRef]]] = {}
        for ref in refs:
            source = self._by_platform.get(ref.platform)
            if source is not None:
                by_source.setdefault(id(source), (source, []))[1].append(ref)
        found: dict[MarketRef, KnownMarket] = {}
        for source, asked in by_source.values():
            found.update(await source.known_many(asked))
        return found

    async def of_slug(self, slug: str) -> KnownMarket | None:
        """Return our market that bears a slug, else the one of all others that does."""
        found: list[KnownMarket] = []
        for source in {id(one): one for one in self._by_platform.values()}.values():
            market = await source.of_slug(slug)
            if market is not None and market.ref.platform == OURS:
                return market
            found += [] if market is None else [market]
        return found[0] if len(found) == 1 else None


class OurMarkets:
    """The markets of the committed view, in a process that has one."""

    platforms: tuple[str, ...] = (OURS,)

    def __init__(self, view: State) -> None:
        self._view = view

    async def known(self, platform: str, external_id: str) -> KnownMarket | None:
        """Return a market of a slug or an id."""
        market = find_market(self._view, external_id) if platform == OURS else None
        return None if market is None else known_of(market)

    async def live(self, platform: str, external_id: str) -> KnownMarket | None:
        """Return a market, which the view always has as it is now."""
        return await self.known(platform, external_id)

    async def known_many(self, refs: Collection[MarketRef]) -> Mapping[MarketRef, KnownMarket]:
        """Return those of these that there are."""
        found = {ref: await self.known(*ref) for ref in refs}
        return {ref: market for ref, market in found.items() if market is not None}

    async def of_slug(self, slug: str) -> KnownMarket | None:
        """Return the market that bears a slug."""
        market = self._view.market_by_slug.get(slug)
        return None if market is None else known_of(market)


class OurStoredMarkets:
    """The markets of the tables, in a process without a view; books aren't known there."""

    platforms: tuple[str, ...] = (OURS,)

    def __init__(self, rows: ListedMarkets) -> None:
        self._rows = rows

    async def known(self, platform: str, external_id: str) -> KnownMarket | None:
        """Return a market of an id."""
        ref = MarketRef(platform, external_id)
        return (await self.known_many([ref])).get(ref)

    async def live(self, platform: str, external_id: str) -> KnownMarket | None:
        """Return a market of an id, as the last commit left it."""
        return await self.known(platform, external_id)

    async def known_many(self, refs: Collection[MarketRef]) -> Mapping[MarketRef, KnownMarket]:
        """Return those of these that there are."""
        ids = [parse_id(ref.external_id) for ref in refs if ref.platform == OURS]
        rows = await self._rows.by_ids([number for number in ids if number is not None])
        return {market.ref: market for market in map(_known_of_row, rows)}

    async def of_slug(self, slug: str) -> KnownMarket | None:
        """Return the market that bears a slug."""
        row = await self._rows.by_slug(slug)
        return None if row is None else _known_of_row(row)


def shown_price(market: Market) -> int | None:
    """Return what YES is worth in a market of ours: between the best prices; with one side or none
    of them what was paid last; None once it has ended.
    """
    if market.resolution is not None:
        return None
    bid, ask = market.book.bids.best, market.book.asks.best
    return market.last_price if bid is None or ask is None else (bid.price + ask.price) // 2


def known_of(market: Market) -> KnownMarket:
    """Return what is known of a market of the view."""
    bid, ask = market.book.bids.best, market.book.asks.best
    return KnownMarket(
        ref=MarketRef(OURS, str(market.id)),
        slug=market.slug,
        question=market.question,
        category=market.category,
        status=ListedStatus(market.status.value),
        close_time=market.close_time,
        yes_price=shown_price(market),
        last_price=market.last_price,
        best_bid=None if bid is None else bid.price,
        best_ask=None if ask is None else ask.price,
        resolution=market.resolution,
        yes_payout=_payout(market.resolution, market.yes_payout),
        fees=ours.terms(market.fee_model, market.maker_fee, market.taker_fee),
    )


def _known_of_row(row: ListedMarket) -> KnownMarket:
    resolution, last_price = _RESOLUTIONS.get(row.resolution), row.last_price or None
    return KnownMarket(
        ref=MarketRef(OURS, str(row.id)),
        slug=row.slug,
        question=row.question,
        category=row.category,
        status=ListedStatus(_STATUSES[row.status].value),
        close_time=row.close_time,
        yes_price=None if resolution else last_price,
        last_price=last_price,
        resolution=resolution,
        yes_payout=_payout(resolution, row.yes_payout),
        fees=ours.terms(_FEE_MODELS[row.fee_model], row.maker_fee, row.taker_fee),
    )


def _payout(resolution: Resolution | None, split: int | None) -> int | None:
    return None if resolution is None else _PAYOUTS.get(resolution, split)


def platform_text(description: str) -> msgspec.Meta:
    """Return what says that a field names a platform that is known."""
    return msgspec.Meta(
        max_length=PLATFORM_LENGTH,
        description=description,
        extra_json_schema={CHOICE: KNOWN_PLATFORMS},
    )


def market_ref(
    platforms: Collection[str], market_id: str, platform: str | None, field: str = "marketId"
) -> MarketRef:
    """Return the market that `marketId` (or the `field` in its place) and `platform` name together.

    Either may say the platform, `marketId` before a colon; if both do they must agree, and if none
    does it is ours. Raises ValidationFailed naming the field; whether there is such a market isn't
    looked at.
    """
    check_platform(platforms, platform)
    prefix, colon, rest = market_id.partition(":")
    if colon and prefix in platforms:
        if platform not in {None, prefix}:
            raise ValidationFailed.of("platform", f'is "{platform}", but marketId says "{prefix}"')
        platform, market_id = prefix, rest
    elif colon and platform is None:
        known = one_of(sorted(platforms))
        raise ValidationFailed.of(field, f"must begin with a platform: {known}")
    if _EXTERNAL_ID.fullmatch(market_id) is None:
        raise ValidationFailed.of(
            field, f"must be 1 to {NAME_LENGTH_MAX} printable ASCII characters, no blanks"
        )
    return MarketRef(platform or OURS, market_id)


def check_platform(platforms: Collection[str], platform: str | None) -> None:
    """Raise ValidationFailed for a platform that isn't known; None is no filter."""
    if platform is not None and platform not in platforms:
        raise ValidationFailed.of("platform", f"must be {one_of(sorted(platforms))}")


async def named_market(
    markets: MarketCatalogue, market_id: str, platform: str | None, field: str = "marketId"
) -> tuple[MarketRef, KnownMarket | None]:
    """Return which market `marketId` (or `field`) and `platform` name, and what is known of it.

    Where neither says a platform it is ours, else the one of another venue that bears that slug.
    Raises ValidationFailed naming the field.
    """
    ref = market_ref(markets.platforms, market_id, platform, field)
    market = await markets.known(*ref)
    if market is None and ref.platform == OURS and platform is None and ":" not in market_id:
        market = await markets.of_slug(market_id)
    return (ref if market is None else market.ref), market


async def find_market_of_any(markets: MarketCatalogue, name: str) -> KnownMarket | None:
    """Return the market of any platform that a path names; None for what is no name at all, too."""
    try:
        _, market = await named_market(markets, name, None)
    except ValidationFailed:
        return None
    return market


def no_such_market(field: str = "marketId") -> NotFound:
    """Return the refusal of a body whose field names a market which isn't known."""
    message = "there is no such market"
    return NotFound(f"{field}: {message}", details=(Detail(field, message),))
