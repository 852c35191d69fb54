"""What the house has at stake and what it gained, of the committed view; and the room's metrics.

    at stake    what its shares cost + what its buy orders have locked
    realised    sales, netted pairs and payouts, less what those shares cost
    unrealised  what its shares are worth at the mark, less what they cost

The mark is the middle of the source's best prices, where both are known, else the last trade here.
"""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge

from exchange.messages.bounds import MONEY_SCALE, PRICE_SCALE
from exchange.model.accounts import Account
from exchange.model.market import Market
from exchange.model.state import State
from exchange.model.system_accounts import HOUSE


def at_stake(account: Account) -> int:
    """Return the money that an account has at stake in all markets.  O(markets it traded in)."""
    return account.locked + sum(one.yes.cost + one.no.cost for one in account.positions.values())


def realised_in(market: Market) -> int:
    """Return what the house gained in a market, in money; a loss is below 0."""
    position = market.positions.get(HOUSE)
    return 0 if position is None else position.realised


def unrealised_in(market: Market, mark: int | None) -> int:
    """Return what the house would gain if YES were paid at the mark; 0 where none is known."""
    position = market.positions.get(HOUSE)
    if position is None or mark is None:
        return 0
    yes, no = position.yes, position.no
    worth = yes.quantity * mark + no.quantity * (PRICE_SCALE - mark)
    return worth - yes.cost - no.cost


class MirrorMetrics:
    """Counts of the room."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._at_stake = Gauge(
            "house_at_stake_credits", "What the house has at stake in all mirrors.",
            registry=registry,
        )  # fmt: skip
        self._quotes = Gauge(
            "house_quotes", "Orders of the house that stand in books.", registry=registry
        )
        self._requotes = Counter(
            "house_requotes",
            "Re-quotes of a mirror by what became of them: done, refused or pulled.",
            ("result",),
            registry=registry,
        )
        self._mirrors = Gauge(
            "mirrors", "Mirrors by status, and disputed of all.", ("status",), registry=registry
        )
        self._statuses: set[str] = set()
        """Those that were ever shown."""
        self._resolved = Counter(
            "mirrors_resolved", "Mirrors paid, by their outcome.", ("outcome",), registry=registry
        )

    def stands(self, view: State) -> None:
        """Show how the house stands."""
        account = view.accounts.get(HOUSE)
        if account is not None:
            self._at_stake.set(at_stake(account) / MONEY_SCALE)
            self._quotes.set(len(account.orders))

    def requoted(self, result: str) -> None:
        """Count a re-quote."""
        self._requotes.labels(result).inc()

    def counted(self, counts: Mapping[str, int]) -> None:
        """Show how many mirrors stand how."""
        self._statuses |= counts.keys()
        for status in self._statuses:
            # None is counted where there are none any more.
            self._mirrors.labels(status).set(counts.get(status, 0))

    def resolved(self, outcome: str) -> None:
        """Count a mirror that was paid."""
        self._resolved.labels(outcome).inc()
