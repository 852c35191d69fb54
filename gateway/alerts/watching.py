"""Looking at what alerts wait for: tapes and ledgers of ours print by print, markets as they are.

    trades of our markets      ── every print, in order ──> prices
    ledgers of owners          ── every fill, in order  ──> fills
    markets of all platforms   ── as they are now       ──> venues' prices, volumes, closes, results

Laws: what is read is committed, so nothing here keeps an order waiting. Prints and fills are all
looked at, however late: a worker that was away catches up, and a price that came and went fires.
What is looked at as it is fires by what it is at that time. What waits for a market that has ended,
and has seen all of it, ends. Steps are bounded, and the event loop goes on between them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from decimal import Decimal
from typing import Final, Protocol

import msgspec

from exchange.messages.bounds import MONEY_SCALE, PRICE_SCALE
from exchange.messages.terms import Outcome
from gateway.alerts.rules import PRICES, AlertKind, happened, market_holds, prints_seen, seen
from gateway.alerts.views import SawView, saw_text
from gateway.feeds.known import OURS, KnownMarket, MarketCatalogue, MarketRef
from gateway.wire.scalars import money_text, price_text, quantity_text, time_if_known
from persistence.clock import now_us
from persistence.repositories.alerts.alerts import Alert
from persistence.repositories.alerts.firings import NewFiring
from persistence.repositories.alerts.looks import AlertLooks, Change, Fill, Tape

PRINTS: Final = 1_000
"""Of one market that are looked at in one step."""
TAPES: Final = 50
ROUNDS_MAX: Final = 100
"""Steps of so many tapes in one look; what is left is the next one's."""
ALERTS: Final = 100
"""That one step looks at, and one transaction writes: any number may wait for the same price."""
LOOKED_AT: Final = 1_000
"""Alerts of markets as they are that are held at once."""
ENTRIES: Final = 500
MARKETS: Final = 100
_TURN: Final = 50
"""Alerts between which the event loop goes on."""


class KnowsVolumes(Protocol):
    """Whoever knows what was paid in markets within 24 hours."""

    async def volumes(self, refs: Collection[MarketRef]) -> Mapping[MarketRef, int]:
        """Return it in millionths of each market's currency, where it is known."""


Attend = Callable[[Sequence[MarketRef]], Awaitable[None]]
"""Sees to it that markets of other venues are asked about often."""


class AlertWatch:
    """Looks; what fires is written down, and others tell it."""

    def __init__(
        self,
        looks: AlertLooks,
        markets: MarketCatalogue,
        volumes: KnowsVolumes,
        attend: Attend,
        clock: Callable[[], int] = now_us,
    ) -> None:
        self._looks = looks
        self._markets = markets
        self._volumes = volumes
        self._attend = attend
        self._clock = clock

    async def look_at_prints(self) -> int:
        """Look at all prints that no alert has seen yet; return how often alerts fired."""
        fired = after = 0
        for _ in range(ROUNDS_MAX):
            tapes = await self._looks.tapes(after, TAPES)
            if not tapes and not after:
                break
            for market_id in tapes:
                now = self._clock()
                fired += await self._looks.look_at_tape(market_id, PRINTS, ALERTS, _of_tape, now)
                await asyncio.sleep(0)
            # A market with more prints or alerts than a step takes comes up again, after others.
            after = tapes[-1] if len(tapes) == TAPES else 0
        return fired

    async def look_at_fills(self) -> int:
        """Look at all fills that no alert has seen yet; return how often alerts fired."""
        fired = after = 0
        while alerts := await self._looks.fill_alerts(after, ALERTS):
            for alert in alerts:
                fired += await self._look_at_ledger(alert)
            after = alerts[-1].id
        return fired

    async def look_at_markets(self) -> int:
        """Look at markets as they are now; return how often alerts fired."""
        fired, after = 0, ("", "")
        while found := await self._looks.markets(after, MARKETS):
            refs, above = [MarketRef(*ref) for ref in found], 0
            await self._attend([ref for ref in refs if ref.platform != OURS])
            known = await self._markets.known_many(refs)
            while alerts := await self._looks.of_markets(found, above, LOOKED_AT):
                changes = await self._of_markets(alerts, known)
                for first in range(0, len(changes), ALERTS):
                    some = changes[first : first + ALERTS]
                    fired += await self._looks.apply(some, self._clock())
                above = alerts[-1].id
            if ended := [ref for ref, market in known.items() if market.has_ended]:
                await self._looks.end(ended)
            after = found[-1]
        return fired

    async def _look_at_ledger(self, alert: Alert) -> int:
        fired = 0
        while alert.is_active:
            fills, (seq, entry) = await self._looks.fills(alert, ENTRIES)
            if (seq, entry) == (alert.looked, alert.looked_entry):
                break
            change = _of_fills(alert, fills, seq, entry)
            fired += await self._looks.apply([change], self._clock())
            alert = change.now
        return fired

    async def _of_markets(
        self, alerts: Sequence[Alert], known: Mapping[MarketRef, KnownMarket]
    ) -> list[Change]:
        asked = {
            MarketRef(alert.platform or "", alert.external_id or "")
            for alert in alerts
            if alert.kind == AlertKind.VOLUME_ABOVE
        }
        volumes = await self._volumes.volumes(asked) if asked else {}
        now, changes = self._clock(), []
        for place, alert in enumerate(alerts):
            ref = MarketRef(alert.platform or "", alert.external_id or "")
            market, volume = known.get(ref), volumes.get(ref)
            after, fires = seen(alert, market_holds(alert, market, volume, now), now)
            if after is not alert and market is not None:
                saw = _saw_of_market(alert, market, volume)
                firings = (_firing(alert, now, saw),) if fires else ()
                changes.append(Change(alert, after, firings))
            if place % _TURN == _TURN - 1:
                await asyncio.sleep(0)
        return changes


def millionths(amount: Decimal | None) -> int | None:
    """Return an amount of a currency in whole millionths, rounded down; None for none."""
    return None if amount is None else int(amount * MONEY_SCALE)


def _of_tape(tape: Tape) -> list[Change]:
    """Return what prints make of the alerts that they may change."""
    changes = []
    for alert in tape.alerts:
        new = [one for one in tape.prints if one.trade_no > alert.since_no]
        after, fired = prints_seen(alert, [(one.yes_price, one.at) for one in new])
        if after is alert:
            continue
        outcome = Outcome(alert.outcome or Outcome.YES)
        firings = []
        for place in fired:
            one = new[place]
            yes = one.yes_price
            price = yes if outcome is Outcome.YES else PRICE_SCALE - yes
            saw = SawView(
                slug=tape.slug,
                question=tape.question,
                outcome=outcome,
                price=price_text(price),
                trade_no=str(one.trade_no),
            )
            firings.append(_firing(alert, one.at, saw))
        changes.append(Change(alert, after, tuple(firings)))
    return changes


def _of_fills(alert: Alert, fills: Sequence[Fill], seq: int, entry: int) -> Change:
    after, firings = alert, []
    for fill in fills:
        after, fires = happened(after, fill.at)
        if fires:
            saw = SawView(
                slug=fill.slug,
                question=fill.question,
                outcome=fill.outcome,
                price=price_text(fill.price),
                trade_no=str(fill.trade_no),
                order_id=str(fill.order_id),
                side=fill.side,
                quantity=quantity_text(fill.quantity),
            )
            firing = _firing(alert, fill.at, saw)
            ref = {"platform": OURS, "external_id": str(fill.market_id)}
            firings.append(msgspec.structs.replace(firing, **ref))
    after = msgspec.structs.replace(after, looked=seq, looked_entry=entry)
    return Change(alert, after, tuple(firings))


def _saw_of_market(alert: Alert, market: KnownMarket, volume: int | None) -> SawView:
    price = market.yes_price
    is_price = alert.kind in PRICES and price is not None
    if price is not None and alert.outcome == Outcome.NO.value:
        price = PRICE_SCALE - price
    is_volume = alert.kind == AlertKind.VOLUME_ABOVE
    return SawView(
        slug=market.slug,
        question=market.question,
        outcome=Outcome(alert.outcome) if alert.outcome is not None else None,
        price=price_text(price) if is_price and price is not None else None,
        volume=money_text(volume) if is_volume and volume is not None else None,
        currency=market.currency if is_volume else None,
        close_time=time_if_known(market.close_time) if alert.kind == AlertKind.CLOSE else None,
        resolution=None if market.resolution is None else market.resolution.value,
    )


def _firing(alert: Alert, at: int, saw: SawView) -> NewFiring:
    return NewFiring(
        user_id=alert.user_id,
        alert_id=alert.id,
        kind=alert.kind,
        platform=alert.platform,
        external_id=alert.external_id,
        note=alert.note,
        at=at,
        saw=saw_text(saw),
        webhook_id=alert.webhook_id,
    )
