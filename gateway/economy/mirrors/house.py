"""The house: it quotes in mirrors, around their sources' best prices.

Laws: it is an account like any other and a client of the command port like any other; it learns
nothing that a trader couldn't see. What stood before it began is taken out first. A market is
re-quoted by one batch, all or nothing, in which each order that goes is first amended to what was
filled of it as far as the house knows and a hundredth of a share: a fill that it doesn't know of
refuses that, and with it the batch. Then all goes out at once, and what is new stands on what is
known. So what is at stake never passes its bounds (`quoting.py`), whatever is filled meanwhile; nor
does what is traded from one move of a source to the next, what stood there.

Quotes of a house that is gone end by the dead-man switch, also where the whole process is: the
engine fires what was due before it runs anything else.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Final

from exchange.messages.commands import (
    AmendOrder,
    BatchOrders,
    CancelAll,
    CancelOrder,
    Operation,
    PlaceOrder,
    SetDeadMan,
)
from exchange.messages.events import CommandRejected
from exchange.messages.terms import BUY, GTC, LIMIT
from exchange.model.market import Market
from exchange.model.order_book import Order
from exchange.model.state import State
from exchange.model.system_accounts import HOUSE
from gateway.economy.mirrors.figures import MirrorMetrics, at_stake
from gateway.economy.mirrors.looking import DEAD_MAN_MS, Drawn, Freshness, source_of
from gateway.economy.mirrors.quoting import (
    Idle,
    Quote,
    Rule,
    Source,
    held_in,
    locked_by,
    quotes,
    stands_for,
)
from gateway.economy.mirrors.settings import MirrorSettings
from gateway.feeds.live.followed import Followed, Step
from gateway.feeds.live.following import HOLDER_OF_HOUSE, Following
from gateway.jobs.supervisor import CheckIn
from gateway.observability.logs import Logger
from gateway.wire.errors import ApiError
from persistence.clock import MICROSECONDS, now_us
from persistence.errors import CommandNotTaken, OutcomeUnknown
from persistence.loop.ports import Answer, CommandPort
from persistence.postgres.database import is_absence
from persistence.repositories.economy.mirrors import Mirror, Mirrors

TICK_S: Final = 1.0
"""All mirrors are looked at so often, and those whose source moved at once."""
PACE_S: Final = 0.05
ALIVE_US: Final = 2 * MICROSECONDS
REST_US: Final = 5 * MICROSECONDS
"""So long a market rests whose engine refused quotes though none of the house's stood there."""
FOLLOW_AT_ONCE: Final = 20


class House:
    """Keeps the quotes of all mirrors."""

    NAME: Final = "house"

    def __init__(
        self,
        rows: Mirrors,
        following: Following,
        commands: CommandPort,
        view: State,
        settings: MirrorSettings,
        metrics: MirrorMetrics,
        logger: Logger,
        clock: Callable[[], int] = now_us,
    ) -> None:
        self._rows = rows
        self._following = following
        self._commands = commands
        self._view = view
        self._settings = settings
        self._metrics = metrics
        self._logger = logger
        self._clock = clock
        self._mirrors: dict[tuple[str, str], Mirror] = {}
        self._followed: dict[tuple[str, str], Followed] = {}
        self._fresh = Freshness()
        self._drawn = Drawn()
        self._moved: dict[tuple[str, str], None] = {}
        self._rests: dict[int, int] = {}
        """Until when a market rests, by its id."""
        self._said_alive_at = 0
        self._wake = asyncio.Event()
        self._is_sure = False
        """Whether the view shows all that was sent: not at a start, nor after what is unknown."""

    async def run(self, check_in: CheckIn) -> None:
        """Quote until cancelled; nothing of it stands then."""
        self._following.hearers.append(self._hear)
        self._is_sure = False
        try:
            while True:
                with contextlib.suppress(CommandNotTaken, OutcomeUnknown):
                    await self._tick()
                    check_in()
                await self._until_tick()
        finally:
            self._following.hearers.remove(self._hear)
            for ref in list(self._followed):
                self._release(ref)
            if HOUSE in self._view.accounts:
                with contextlib.suppress(CommandNotTaken):
                    self._commands.submit(CancelAll(HOUSE, None)).add_done_callback(_is_told)

    async def _until_tick(self) -> None:
        """Re-quote what moves, until all are to be looked at again."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + TICK_S
        while (left := ends - loop.time()) > 0:
            try:
                async with asyncio.timeout(left):
                    await self._wake.wait()
            except TimeoutError:
                return
            self._wake.clear()
            moved, self._moved = list(self._moved), {}
            with contextlib.suppress(CommandNotTaken, OutcomeUnknown):
                await self.look([self._mirrors[ref] for ref in moved if ref in self._mirrors])
            await asyncio.sleep(PACE_S)

    async def _tick(self) -> None:
        try:
            standing = await self._rows.standing()
            await self._follow(standing)
        except Exception as error:
            if not is_absence(error):
                raise
            # The engine stands still as well; what it does first then is the dead-man switch.
            return
        self._mirrors = {(one.platform, one.external_id): one for one in standing}
        self._drawn.keep({one.market_id or 0 for one in standing})
        self._moved.clear()
        await self.look(standing)
        self._metrics.stands(self._view)

    def _hear(self, followed: Followed, _step: Step) -> None:
        if self._followed.get(followed.ref) is followed:
            self._moved[followed.ref] = None
            self._wake.set()

    # -- sources --------------------------------------------------------------------------------

    async def _follow(self, standing: Sequence[Mirror]) -> None:
        """Follow the sources of all that may be quoted, and no others."""
        wanted = {
            (one.platform, one.external_id): one
            for one in standing
            if one.quotes and one.said is None and one.disputed is None
        }
        followed = self._following.all()
        for ref, one in list(self._followed.items()):
            if ref not in wanted or followed.get(ref) is not one:
                self._release(ref)
        venues = self._following.reader.venues
        new = [ref for ref in wanted if ref not in self._followed and ref[0] in venues]
        for ref in new[:FOLLOW_AT_ONCE]:
            try:
                known = await self._following.reader.named(":".join(ref))
                self._followed[ref] = self._following.follow(known, HOLDER_OF_HOUSE)
            except ApiError:
                # Its venue is away, or readers have all the places: another time.
                continue

    def _release(self, ref: tuple[str, str]) -> None:
        followed = self._followed.pop(ref)
        self._fresh.forget(followed)
        self._following.release(followed, HOLDER_OF_HOUSE)

    # -- quotes ---------------------------------------------------------------------------------

    async def look(self, mirrors: Sequence[Mirror]) -> None:
        """Bring the quotes of these to what they should be.

        Raises CommandNotTaken and OutcomeUnknown.
        """
        account = self._view.accounts.get(HOUSE)
        if account is None:
            return
        if not self._is_sure:
            # Behind all that was sent before it: what it answers, the view shows.
            await self._commands.submit(CancelAll(HOUSE, None))
            self._is_sure = True
        self._fresh.hear(self._following.all().values())
        sent: list[tuple[int, bool, asyncio.Future[Answer]]] = []
        # Once: it is a sum over all markets that the house ever traded in, as long as it lives.
        stake, reserved, is_alive = at_stake(account), 0, False
        for mirror in mirrors:
            market = self._view.markets.get(mirror.market_id or 0)
            if market is None:
                continue
            standing = list(account.orders_in(market.id))
            now = self._clock()
            source = self._source(mirror, market, now)
            if isinstance(source, Idle):
                if standing:
                    self._metrics.requoted("pulled")
                    sent.append((market.id, True, self._commands.submit(_all_of(market.id))))
                continue
            if self._rests.get(market.id, 0) > now:
                continue
            others = stake + reserved, account.available - reserved
            operations, more = self._requote(mirror, market, standing, source, *others)
            if not operations:
                is_alive = is_alive or bool(standing)
                continue
            reserved += max(0, more)
            self._say_alive(now)
            batch = BatchOrders(HOUSE, operations, all_or_none=True)
            sent.append((market.id, bool(standing), self._commands.submit(batch)))
        if is_alive:
            self._say_alive(self._clock())
        await self._hear_out(sent)

    def _source(self, mirror: Mirror, market: Market, now: int) -> Source | Idle:
        ref = mirror.platform, mirror.external_id
        followed = self._followed.get(ref)
        if followed is not None and self._following.all().get(ref) is not followed:
            followed = None
        known_at = 0 if followed is None else self._fresh.at(followed)
        return source_of(mirror, market, self._view, followed, known_at, now, self._settings)

    def _requote(
        self,
        mirror: Mirror,
        market: Market,
        standing: list[Order],
        source: Source,
        stake: int,
        cash: int,
    ) -> tuple[tuple[Operation, ...], int]:
        """Return what makes the quotes right, and how much more is at stake by it.

        `stake` is what the house has at stake in all mirrors and `cash` what it has left, both with
        what others of this look may put at stake, as yet unseen.
        """
        held, locked = held_in(market), locked_by(standing)
        left = min(
            mirror.exposure - held.cost,
            self._settings.exposure_of_all - stake + locked,
            cash + locked,
        )
        source = self._drawn.less(market.id, source, held.yes - held.no)
        rule = Rule(mirror.spread, mirror.size, market.tick_size, market.min_quantity)
        wanted = list(quotes(source, rule, held, left))
        operations: list[Operation] = []
        more = -locked
        for order in standing:
            kept = next((one for one in wanted if stands_for(order, one)), None)
            if kept is not None:
                wanted.remove(kept)
                more += order.locked if order.side is BUY else 0
            else:
                operations += _guarded_cancel(order)
        operations += [_order(market.id, one) for one in wanted]
        return tuple(operations), more + sum(one.locks for one in wanted)

    def _say_alive(self, now: int) -> None:
        """Put the dead-man switch off; it stands before whatever is sent next."""
        if now - self._said_alive_at >= ALIVE_US:
            self._said_alive_at = now
            alive = self._commands.submit(SetDeadMan(HOUSE, DEAD_MAN_MS))
            alive.add_done_callback(_is_told)

    async def _hear_out(self, sent: list[tuple[int, bool, asyncio.Future[Answer]]]) -> None:
        """Wait for the answers; where quotes were refused, take all out or let the market rest."""
        answers = await asyncio.gather(*(one for _, _, one in sent), return_exceptions=True)
        unknown: BaseException | None = None
        for (market_id, had_orders, _), answer in zip(sent, answers, strict=True):
            if isinstance(answer, BaseException):
                unknown = answer
                continue
            first = answer.events[0]
            if not isinstance(first, CommandRejected):
                self._metrics.requoted("done")
                continue
            self._metrics.requoted("refused")
            if had_orders:
                # Filled meanwhile, most likely: what is out of the book can't be any more.
                self._is_sure = False
                await self._commands.submit(_all_of(market_id))
                self._is_sure = True
                self._again(market_id)
            else:
                self._rests[market_id] = self._clock() + REST_US
                self._logger.warning(
                    "the house's quotes are refused", market=market_id, reason=first.reason.name
                )
        if unknown is not None:
            self._is_sure = False
            raise unknown

    def _again(self, market_id: int) -> None:
        for ref, mirror in self._mirrors.items():
            if mirror.market_id == market_id:
                self._moved[ref] = None
                self._wake.set()


def _all_of(market_id: int) -> CancelAll:
    return CancelAll(HOUSE, market_id)


def _guarded_cancel(order: Order) -> list[Operation]:
    """Return what takes an order out, unless more of it is filled than the house knows."""
    guard = AmendOrder(HOUSE, order.id, quantity=order.filled + 1)
    return [guard, CancelOrder(HOUSE, order.id)]


def _order(market_id: int, quote: Quote) -> PlaceOrder:
    return PlaceOrder(
        HOUSE, market_id, quote.side, quote.outcome, LIMIT, quote.price, quote.quantity, GTC
    )


def _is_told(done: asyncio.Future[Answer]) -> None:
    if not done.cancelled():
        done.exception()
