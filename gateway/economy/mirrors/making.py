"""Making a mirror, once, whoever asks for it at once; and finding the one that is there.

    1. the mirror, MAKING, stored with the market that it lists
    2. that market's listing, sent to the engine under the slug of the mirror's id
    3. which market it is, stored: OPEN; or REFUSED

Laws: a slug is listed once, so what is sent again after a crash finds its own market by it. Whoever
comes while one is made waits for that. Nobody takes all the places: one person's first bets have so
many made in a day, counted where they are stored; of whom no more are made, no venue is asked. A
process without an engine makes none. What
comes of each is a line of the audit log.
"""

import asyncio
import contextlib
import enum
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import msgspec

from exchange.messages.bounds import QUANTITY_MAX
from exchange.messages.commands import CreateMarket
from exchange.messages.events import CommandRejected, MarketCreated
from exchange.messages.reasons import Reason
from exchange.messages.terms import ExchangeMode, Standing
from exchange.model.market import Market
from exchange.model.state import State
from exchange.model.system_accounts import HOUSE
from exchange.rules.market_admin import market_problem
from gateway.access.principals import Actor
from gateway.economy.mirrors.figures import at_stake
from gateway.economy.mirrors.quoting import Held, Quote, Rule, Source, quotes
from gateway.economy.mirrors.settings import MirrorSettings
from gateway.economy.mirrors.terms import labels_of, market_of_mirror, problem_of, tick_of
from gateway.engine_side.audited import OK
from gateway.engine_side.refusals import EngineRefused
from gateway.feeds.api.reading import FeedReader, Known
from gateway.feeds.mirrored import Mirrored
from gateway.feeds.model import VenueMarket, is_old
from gateway.wire.errors import Detail, LimitReached, ReadsOnly, Refused, UnknownOutcome
from persistence.clock import MICROSECONDS, now_us
from persistence.errors import CommandNotTaken, OutcomeUnknown
from persistence.loop.ports import CommandPort
from persistence.postgres.database import OUTAGES
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.economy.mirrors import (
    SLUG,
    Maker,
    Mirror,
    Mirrors,
    NewMirror,
    TooMany,
    TooManyOfOne,
)

AGAIN_US: Final = 30 * MICROSECONDS
"""So long after a try one that broke off is made by somebody else."""
AT_ONCE: Final = 50
DAY_US: Final = 86_400 * MICROSECONDS
PATIENCE_S: Final = 3.0
"""So long a first bet waits for the house's quotes."""
_LOOK_S: Final = 0.05
_NOBODY: Final = Actor(0, "mirrors")


class Point(enum.StrEnum):
    """Where a process may die: one before and one after each step."""

    BEFORE_MIRROR = "before-mirror"
    AFTER_MIRROR = "after-mirror"
    BEFORE_LISTING = "before-listing"
    AFTER_LISTING = "after-listing"
    BEFORE_OPEN = "before-open"
    AFTER_OPEN = "after-open"


class NotMirrored(Refused):
    """A market of another venue that isn't traded here."""

    def __init__(self, why: str) -> None:
        message = f"can't be traded here: {why}"
        super().__init__(
            "NOT_MIRRORED", f"marketId: {message}", details=(Detail("marketId", message),)
        )


class Terms:
    """How the house stands in one mirror: price units, 1/100 shares, money."""

    __slots__ = ("exposure", "size", "spread")

    def __init__(self, spread: int, size: int, exposure: int) -> None:
        self.spread = spread
        self.size = size
        self.exposure = exposure


class Foreseen(NamedTuple):
    """A market elsewhere that nobody has mirrored yet."""

    id: str
    """Its "platform:external id"."""
    quotes: tuple[Quote, ...]
    """What the house would quote in its mirror at first."""


def terms_by(settings: MirrorSettings) -> Terms:
    """Return what a mirror is made with where nobody says otherwise."""
    return Terms(settings.spread, settings.size, settings.exposure)


class Mirroring:
    """Makes mirrors."""

    def __init__(
        self,
        rows: Mirrors,
        reader: FeedReader,
        mirrored: Mirrored,
        commands: CommandPort,
        view: State,
        audit: AuditLog,
        settings: MirrorSettings,
        *,
        followed_max: int,
        takes_commands: bool = True,
        patience_s: float = PATIENCE_S,
        clock: Callable[[], int] = now_us,
    ) -> None:
        self._rows = rows
        self._reader = reader
        self._mirrored = mirrored
        self._commands = commands
        self._view = view
        self._audit = audit
        self._settings = settings
        self._takes_commands = takes_commands
        self._patience_s = patience_s
        self._clock = clock
        # The house quotes where it follows the source, and nowhere else.
        self._most = min(settings.most, followed_max)
        self._making: dict[int, asyncio.Task[Mirror]] = {}

    def _require_engine(self) -> None:
        if not self._takes_commands:
            raise ReadsOnly

    async def mirror_of(
        self, market_id: str, actor: Actor | None = None, *, person: int = 0
    ) -> Market:
        """Return the market of ours that mirrors "platform:external id" or a slug elsewhere.

        One that isn't mirrored yet is, if `MIRROR_ON_BET` says so, and the house's first quotes are
        waited for; `person` is whose first bet it is, 0 for nobody's. Raises NotFound,
        ExternalApiFailed; NotMirrored and LimitReached with the reason; EngineRefused,
        UnknownOutcome, ReadsOnly.
        """
        known, mirror = await self._named(market_id)
        if mirror is None:
            await self._require_room(known, person)
            terms = terms_by(self._settings)
            mirror = await self.make(known, terms, actor or _NOBODY, person=person)
            market = self._market(mirror)
            await self._quotes(market)
            return market
        if mirror.status == "MAKING":
            self._require_engine()
            mirror = await self._carried(mirror, actor or _NOBODY)
        return self._market(mirror)

    def _maker(self, person: int, now: int) -> Maker | None:
        """Return as whose a mirror counts; None for nobody's."""
        if not person:
            return None
        return Maker(person, self._settings.per_person, now - DAY_US)

    async def _require_room(self, known: Known, person: int) -> None:
        """Raise LimitReached where none would be made, before its venue is asked for the market."""
        try:
            with self._told_of_limits():
                await self._rows.require_room(self._most, self._maker(person, self._clock()))
        except LimitReached:
            # What took the place meanwhile may be this market's own.
            if await self._rows.of_source(known.row.platform, known.row.external_id) is None:
                raise

    @contextlib.contextmanager
    def _told_of_limits(self) -> Iterator[None]:
        try:
            yield
        except TooManyOfOne:
            began = f"you began {self._settings.per_person} such in a day"
            raise LimitReached(f"marketId: nobody has bet on it here yet, and {began}") from None
        except TooMany:
            raise LimitReached.of("mirrors", self._most) from None

    async def foreseen(self, market_id: str, *, person: int = 0) -> Market | Foreseen:
        """Return the mirror of a market elsewhere, or what the house would quote in it at first;
        nothing is made. `person` is who is about to bet there, 0 for nobody: who would be refused
        is. Raises as `mirror_of` does.
        """
        known, mirror = await self._named(market_id)
        if mirror is not None and mirror.market_id is not None:
            return self._market(mirror)
        if mirror is None and person:
            await self._require_room(known, person)
        known = await self._mirrorable(known)
        source = known.market
        return Foreseen(f"{source.platform}:{source.external_id}", self._offered(source))

    def _offered(self, source: VenueMarket) -> tuple[Quote, ...]:
        """Return what the house would quote in a mirror of it at first; nothing in doubt."""
        house, settings = self._view.accounts.get(HOUSE), self._settings
        bid, ask, ends = source.best_bid, source.best_ask, source.close_time
        is_crossed = bid is not None and ask is not None and bid >= ask
        is_near_end = ends is not None and (
            ends - self._clock() <= settings.stops_before * MICROSECONDS
        )
        if house is None or house.standing is not Standing.ACTIVE or is_crossed or is_near_end:
            return ()
        if self._view.mode is not ExchangeMode.OPEN:
            return ()
        at_all = settings.exposure_of_all - at_stake(house)
        left = min(settings.exposure, at_all, house.available)
        rule = Rule(settings.spread, settings.size, tick_of(source.tick_size))
        # What stands behind the best prices isn't known yet, and counts for nothing.
        sizes = _known(source.bid_quantity), _known(source.ask_quantity)
        return quotes(Source(bid, ask, *sizes), rule, Held(0, 0, 0), left)

    async def _named(self, market_id: str) -> tuple[Known, Mirror | None]:
        """Return a market elsewhere and its mirror; raises NotMirrored where no bet makes one."""
        known = await self._reader.named(market_id)
        mirror = await self._rows.of_source(known.row.platform, known.row.external_id)
        if mirror is None and not self._settings.on_bet:
            raise NotMirrored("it is shown, and nobody has mirrored it")
        return known, mirror

    async def make(self, known: Known, terms: Terms, actor: Actor, *, person: int = 0) -> Mirror:
        """Mirror a market of another venue, on these terms of the house; the one of before if there
        is one, which nobody is counted for. Raises as `mirror_of`.
        """
        self._require_engine()
        known = await self._mirrorable(known)
        source, now = known.market, self._clock()
        title = self._reader.venues[source.platform].title
        new = NewMirror(
            platform=source.platform,
            external_id=source.external_id,
            command=market_of_mirror(source, title, now),
            labels=labels_of(source),
            spread=terms.spread,
            size=terms.size,
            exposure=terms.exposure,
        )
        self.reached(Point.BEFORE_MIRROR)
        with self._told_of_limits():
            mirror, _ = await self._rows.add(new, self._most, now, self._maker(person, now))
        self.reached(Point.AFTER_MIRROR)
        if mirror.status != "MAKING":
            return mirror
        return await self._carried(mirror, actor)

    async def _mirrorable(self, known: Known) -> Known:
        """Return a market as its venue has it now; raises NotMirrored."""
        known = await self._reader.live(known)
        now = self._clock()
        is_stale = known.stale or is_old(known.at, now, final=False)
        problem = problem_of(known.market, now, is_stale=is_stale)
        if problem is None:
            # What the engine would refuse for good is no mirror that waits for it.
            listing = market_of_mirror(known.market, "", now)
            wrong = market_problem(msgspec.structs.replace(listing, slug=SLUG.format(1)))
            problem = None if wrong is None else " ".join(wrong)
        if problem is not None:
            raise NotMirrored(problem)
        return known

    async def finish_left(self) -> int:
        """Make what broke off, and return how many those were."""
        now = self._clock()
        left = await self._rows.claim(now, now - AGAIN_US, AT_ONCE)
        for mirror in left:
            with contextlib.suppress(EngineRefused, UnknownOutcome):
                await self._carried(mirror, _NOBODY)
        return len(left)

    async def _carried(self, mirror: Mirror, actor: Actor) -> Mirror:
        """Return the mirror once it is made, by whoever came first."""
        making = self._making.get(mirror.id)
        if making is None:
            making = asyncio.create_task(self._carry(mirror, actor), name="making of a mirror")
            self._making[mirror.id] = making
            making.add_done_callback(lambda done: self._is_made(mirror.id, done))
        try:
            return await asyncio.shield(making)
        except (CommandNotTaken, OutcomeUnknown, *OUTAGES) as error:
            # It is stored, so it is seen through yet.
            raise UnknownOutcome from error

    def _is_made(self, mirror_id: int, made: asyncio.Task[Mirror]) -> None:
        self._making.pop(mirror_id, None)
        if not made.cancelled():
            # Whoever waited may have gone.
            made.exception()

    async def _carry(self, mirror: Mirror, actor: Actor) -> Mirror:
        self.reached(Point.BEFORE_LISTING)
        answer = await self._commands.submit(mirror.command)
        self.reached(Point.AFTER_LISTING)
        first = answer.events[0]
        market_id, refusal = None, None
        if isinstance(first, MarketCreated):
            market_id = first.market_id
        elif isinstance(first, CommandRejected):
            there = self._listed_before(mirror) if first.reason is Reason.SLUG_TAKEN else None
            market_id, refusal = (None, first) if there is None else (there.id, None)
        if market_id is None and refusal is None:
            raise TypeError(f"a listing was answered with {type(first).__name__}")
        self.reached(Point.BEFORE_OPEN)
        now = self._clock()
        if refusal is not None:
            is_news = await self._rows.refuse(mirror.id, refusal.reason.name, now)
        else:
            is_news = await self._rows.made(mirror.id, market_id or 0, now)
        self.reached(Point.AFTER_OPEN)
        if is_news:
            trail = AuditTrail(self._audit, actor.request_id)
            what = f"market:{market_id or ''} {mirror.slug}"
            outcome = OK if refusal is None else refusal.reason.name
            await trail.note(actor.user_id or None, "mirror.make", what, outcome)
        if refusal is not None:
            raise EngineRefused(refusal.reason, refusal.message, refusal.field)
        found = await self._rows.by_id(mirror.id)
        if found is None:
            raise TypeError("a mirror is gone")
        self._mirrored.note(found.market_id or 0, found.source, found.labels)
        return found

    def _listed_before(self, mirror: Mirror) -> Market | None:
        """Return the market that an earlier try listed; None if it is somebody else's."""
        market = self._view.market_by_slug.get(mirror.slug)
        if market is None or not _is_of(market, mirror.command):
            return None
        return market

    def _market(self, mirror: Mirror) -> Market:
        market = self._view.markets.get(mirror.market_id or 0)
        if market is None:
            raise UnknownOutcome
        return market

    async def _quotes(self, market: Market) -> None:
        """Wait until the house quotes, for a while."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience_s):
                # Any of many things makes it so; nobody tells.
                while market.book.bids.best is None or market.book.asks.best is None:  # noqa: ASYNC110
                    await asyncio.sleep(_LOOK_S)

    def reached(self, point: Point) -> None:
        """Go on; tests of crashes end the process here."""


def _known(quantity: int | None) -> int:
    """Return how much stands at a best price; as much as can be where its venue doesn't say."""
    return QUANTITY_MAX if quantity is None else quantity


def _is_of(market: Market, command: CreateMarket) -> bool:
    """Say whether the market of its slug is the one that a command lists.

    Nobody else lists one under such a slug; one of before that rule has other terms. An admin may
    have edited what it is about, but not all of that and never its terms.
    """
    terms = command.tick_size, command.maker_fee, command.taker_fee, command.fee_model
    if (market.tick_size, market.maker_fee, market.taker_fee, market.fee_model) != terms:
        return False
    return (
        market.question == command.question
        or market.description == command.description
        or market.close_time == command.close_time
    )
