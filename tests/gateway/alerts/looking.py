"""A running engine, people with alerts, and what looks at what they wait for."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from gateway.alerts.rules import price_holds
from gateway.alerts.watching import AlertWatch
from gateway.feeds.known import AllMarkets, MarketRef, OurStoredMarkets
from persistence.clock import now_us
from persistence.repositories.alerts.alerts import Alert, Alerts, AlertTerms
from persistence.repositories.alerts.firings import Firing, Firings
from persistence.repositories.alerts.looks import AlertLooks
from persistence.repositories.listed_markets import ListedMarkets
from tests.gateway.portfolio.venue_fake import VenueFake
from tests.persistence.running import Running


class Looking:
    """Alerts over an engine's database; `theirs` are the markets of another venue."""

    def __init__(self, engine: Running, theirs: VenueFake) -> None:
        self.engine = engine
        self.alerts = Alerts(engine.pool)
        self.firings = Firings(engine.pool)
        self.attended: list[MarketRef] = []
        self.paid: dict[MarketRef, int] = {}
        self.now = now_us
        self.watch = self.another(theirs)

    def another(self, theirs: VenueFake) -> AlertWatch:
        """One more that looks, as another process would."""
        ours = OurStoredMarkets(ListedMarkets(self.engine.pool))
        markets = AllMarkets(ours, theirs)
        return AlertWatch(AlertLooks(self.engine.pool), markets, self, self.attend, self.time)

    def time(self) -> int:
        return self.now()

    async def attend(self, refs: Sequence[MarketRef]) -> None:
        self.attended += refs

    async def volumes(self, refs: Collection[MarketRef]) -> Mapping[MarketRef, int]:
        return {ref: self.paid[ref] for ref in refs if ref in self.paid}

    async def person(self, number: int) -> None:
        await self.engine.pool.execute(
            "INSERT INTO users (id, email, password_hash, display_name, role, created_at)"
            " OVERRIDING SYSTEM VALUE VALUES ($1, $2, 'x', 'x', 'USER', 1)",
            number,
            f"{number}@example.org",
        )

    async def wants(self, user_id: int, kind: str, threshold: int | None, **more: Any) -> Alert:
        """Somebody begins to look out for something."""
        platform, external_id = more.pop("market", ("exchange", "1"))
        terms = AlertTerms(
            kind=kind,
            platform=platform,
            external_id=external_id,
            outcome=more.pop("outcome", "YES") if kind.startswith("PRICE") else None,
            threshold=threshold,
            order_id=more.pop("order_id", None),
            note=more.pop("note", ""),
            pause_s=more.pop("pause_s", None),
            webhook_id=more.pop("webhook_id", None),
        )

        def holds(last: int | None) -> bool:
            return bool(price_holds(kind, terms.outcome, threshold, last))

        assert not more
        return await self.alerts.create(user_id, terms, holds, now_us(), 100)

    async def told(self, user_id: int) -> list[Firing]:
        """What somebody was told, oldest first."""
        return (await self.firings.page(user_id, 100, 2**62))[::-1]
