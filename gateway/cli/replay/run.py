"""Replay of recorded tapes through a running exchange, over its public API.

    tape market -> a market of its own -> for each trade: resting order, incoming order
                -> GET trades -> compared with the recording, one by one -> market voided

Two accounts trade each market: one for YES shares, one for NO. The taker is the account of the
trade's outcome. A BUY meets the other account's BUY of the other outcome at the complement (a
mint); a SELL meets the other account's BUY of the same outcome (a transfer). So every resting
order needs cash alone, and free pairs net back into it. Where the takers of a tape sell more than
they bought before, the accounts mint the missing pairs first; these trades are known by number and
stay out of the comparison.

Laws: within a market one order at a time, since the next could match too early; markets run side
by side. Every order has a clientOrderId, every name the run's id, so a lost answer is asked for
again and a tape can be replayed as often as one likes.
"""

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from typing import Any, Final, NamedTuple

import msgspec

from exchange.messages.bounds import CREDIT_MAX, PRICE_SCALE, QUANTITY_MAX, QUESTION_LENGTH
from exchange.messages.terms import BUY, NO, YES, Outcome, Side
from exchange.messages.units import format_money, format_price, format_quantity
from gateway.cli.replay.accounts import ReplayAccount, register
from gateway.cli.replay.tapes import Tape, TapeMarket, TapeTrade
from gateway.client.rest import ApiClient, ApiRefused, ApiUnreachable
from gateway.wire.scalars import iso_millis
from persistence.clock import now_us

TRADES_PER_PAIR: Final = 900
"""Trades that one pair of accounts takes, so that it stays below 1000 requests a minute."""
PAIRS_MAX: Final = 40
"""Registering more from one address would meet the limit of 100 requests before login."""
_LIFE_US: Final = 30 * 86_400 * 1_000_000
_SEED_PRICE: Final = PRICE_SCALE // 2
_SHOWN_DIFFERENCES: Final = 5
_CONFLICT: Final = 409

Advance = Callable[[int], None]
"""Called with the trades that were just replayed."""


class ReplayStopped(Exception):
    """The user wants no more."""


class Report(msgspec.Struct):
    """What came of one tape: all its trades were compared, and these differed."""

    tape: Tape
    compared: int = 0
    differences: int = 0
    shown: list[str] = msgspec.field(default_factory=list)
    """The first differences and every problem that ended a market early."""
    seconds: float = 0.0


class Pair(msgspec.Struct):
    """The accounts that trade a market, and how much they are to trade in all."""

    yes: ReplayAccount
    no: ReplayAccount
    trades: int = 0

    def of(self, outcome: Outcome) -> ReplayAccount:
        """Return the account whose shares are of that outcome."""
        return self.yes if outcome is YES else self.no


class Leg(NamedTuple):
    """One order to send, by the account of `holder`."""

    holder: Outcome
    side: Side
    outcome: Outcome
    price: int
    quantity: int


def other(outcome: Outcome) -> Outcome:
    """Return the complement."""
    return NO if outcome is YES else YES


def legs(trade: TapeTrade) -> tuple[Leg, Leg]:
    """Return the resting and the incoming order that make `trade`."""
    outcome, side, price, quantity = trade
    maker = other(outcome)
    if side is BUY:
        resting = Leg(maker, BUY, maker, PRICE_SCALE - price, quantity)
    else:
        resting = Leg(maker, BUY, outcome, price, quantity)
    return resting, Leg(outcome, side, outcome, price, quantity)


def shares_needed(trades: Sequence[TapeTrade]) -> int:
    """Return how many pairs must exist before the first trade, so that no taker lacks shares.

    A BUY adds pairs and a SELL takes them away; it is the deepest point of that sum.
    """
    pairs = deepest = 0
    for trade in trades:
        pairs += trade.quantity if trade.side is BUY else -trade.quantity
        deepest = min(deepest, pairs)
    return -deepest


def seed_trades(trades: Sequence[TapeTrade]) -> list[TapeTrade]:
    """Return the mints that give the takers those shares."""
    missing = shares_needed(trades)
    found = []
    while missing > 0:
        quantity = min(missing, QUANTITY_MAX)
        found.append(TapeTrade(YES, BUY, _SEED_PRICE, quantity))
        missing -= quantity
    return found


def cash_needed(markets: Sequence[TapeMarket]) -> int:
    """Return money that suffices for either account, whatever the prices: a credit a share."""
    shares = sum(
        trade.quantity
        for market in markets
        for trade in (*seed_trades(market.trades), *market.trades)
    )
    return shares * PRICE_SCALE


class Replay:
    """One run: its accounts, its markets, its reports.  `stop` may be called by any thread."""

    def __init__(
        self, client: ApiClient, admin: ReplayAccount, *, workers: int = 8, keep: bool = False
    ) -> None:
        self._client = client
        self._admin = admin
        self._workers = workers
        self._keep = keep
        self._run = secrets.token_hex(4)
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End the run after the orders at hand."""
        self._stopped.set()

    def run(self, tapes: Sequence[Tape], advance: Advance) -> Iterator[Report]:
        """Replay tape after tape and yield a report for each.

        Raises ApiUnreachable, ApiRefused (for the admin's calls) and ReplayStopped.
        """
        markets = [market for tape in tapes for market in tape.markets]
        shares = self._assign(markets)
        for number, tape in enumerate(tapes, start=1):
            started = time.perf_counter()
            report = Report(tape)
            jobs = [
                (f"replay-{self._run}-{number}-{index}", market, shares.pop(0))
                for index, market in enumerate(tape.markets, start=1)
            ]
            # The longest market first: it decides when the tape is done.
            jobs.sort(key=lambda job: -len(job[1].trades))
            self._side_by_side([partial(self._market, *job, advance, report) for job in jobs])
            report.seconds = time.perf_counter() - started
            yield report

    def _side_by_side(self, jobs: Sequence[Callable[[], None]]) -> None:
        """Do the jobs, some at a time; when one fails or the user stops, end the others' too."""
        pool = ThreadPoolExecutor(self._workers, "replay")
        try:
            for done in as_completed([pool.submit(job) for job in jobs]):
                done.result()
        except BaseException:
            self.stop()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _assign(self, markets: Sequence[TapeMarket]) -> list[Pair]:
        """Open and fund the accounts and return the pair of each market, evenly loaded."""
        trades = sum(len(market.trades) for market in markets)
        count = min(-(-trades // TRADES_PER_PAIR), PAIRS_MAX, len(markets)) or 1
        pairs = [Pair(self._account(2 * n), self._account(2 * n + 1)) for n in range(count)]
        assigned: dict[int, Pair] = {}
        loads: list[list[TapeMarket]] = [[] for _ in pairs]
        for index in sorted(range(len(markets)), key=lambda i: -len(markets[i].trades)):
            lightest = min(range(count), key=lambda n: pairs[n].trades)
            pairs[lightest].trades += len(markets[index].trades)
            loads[lightest].append(markets[index])
            assigned[index] = pairs[lightest]
        for pair, load in zip(pairs, loads, strict=True):
            for account in (pair.yes, pair.no):
                self._fund(account, cash_needed(load))
        return [assigned[index] for index in range(len(markets))]

    def _account(self, number: int) -> ReplayAccount:
        return register(self._client, f"replay-{self._run}-{number}@replay.invalid")

    def _fund(self, account: ReplayAccount, cash: int) -> None:
        part = 0
        while cash > 0:
            amount = min(cash, CREDIT_MAX)
            part += 1
            body = {
                "amount": format_money(amount),
                "reason": "replay of a recorded tape",
                "requestId": f"{self._run}-{part}",
            }
            self._admin.call("POST", f"/admin/users/{account.user_id}/credit", body)
            cash -= amount

    def _market(
        self, slug: str, market: TapeMarket, pair: Pair, advance: Advance, report: Report
    ) -> None:
        """Replay and compare one market; what a refusal leaves undone shows as differences."""
        self._create(slug, market)
        seeds = seed_trades(market.trades)
        problem = None
        try:
            for number, trade in enumerate((*seeds, *market.trades), start=1):
                if self._stopped.is_set():
                    raise ReplayStopped
                for role, leg in zip("ri", legs(trade), strict=True):
                    pair.of(leg.holder).call(
                        "POST", f"/orders/{slug}", _order(leg, f"{slug}-{number}{role}")
                    )
                if number > len(seeds):
                    advance(1)
        except ApiRefused as refusal:
            problem = f"{slug} ({market.name}): {refusal}"
        except ApiUnreachable:
            self.stop()
            raise
        finally:
            found = [] if self._stopped.is_set() else self._tape_of(slug, pair.yes)
            self._end(slug)
        compare(market, found[len(seeds) :], report, problem)

    def _create(self, slug: str, market: TapeMarket) -> None:
        body = {
            "slug": slug,
            "question": f"Replay: {market.title}"[:QUESTION_LENGTH],
            "category": "replay",
            "closeTime": iso_millis(now_us() + _LIFE_US),
            "tickSize": "0.0001",
            "minQuantity": "0.01",
        }
        try:
            self._admin.call("POST", "/markets", body)
        except ApiRefused as refusal:
            # The name is this run's own, so it can only be our own lost answer.
            if refusal.status != _CONFLICT:
                raise

    def _end(self, slug: str) -> None:
        if self._keep:
            return
        body = {"outcome": "VOID", "source": "end of a replay"}
        try:
            self._admin.call("POST", f"/markets/{slug}/resolve", body)
        except ApiRefused as refusal:
            if refusal.status != _CONFLICT:
                raise

    def _tape_of(self, slug: str, reader: ReplayAccount) -> list[TapeTrade]:
        """Return the exchange's public tape of a market, oldest first."""
        found: dict[int, TapeTrade] = {}
        cursor: str | None = ""
        while cursor is not None:
            page = f"?cursor={cursor}" if cursor else ""
            answer = reader.call("GET", f"/markets/{slug}/trades{page}")
            for trade in answer.data:
                found[trade["tradeNo"]] = _printed(trade)
            cursor = answer.next_cursor
        return [found[number] for number in sorted(found)]


def _order(leg: Leg, client_order_id: str) -> dict[str, object]:
    return {
        "side": leg.side.value,
        "outcome": leg.outcome.value,
        "type": "LIMIT",
        "price": format_price(leg.price),
        "quantity": format_quantity(leg.quantity),
        "clientOrderId": client_order_id,
    }


def _printed(trade: dict[str, Any]) -> TapeTrade:
    """Return a trade of the exchange's tape by its text, digits joined: "0.5500" -> 5500."""
    price, quantity = (int(trade[field].replace(".", "")) for field in ("price", "quantity"))
    return TapeTrade(Outcome(trade["outcome"]), Side(trade["side"]), price, quantity)


def compare(
    market: TapeMarket, found: Sequence[TapeTrade], report: Report, problem: str | None = None
) -> None:
    """Compare a market's recording with the exchange's tape, place by place, into the report.

    A trade that is missing, one too many, or in another place, is a difference.
    """
    if problem is not None:
        report.shown.append(problem)
    expected = market.trades
    report.compared += len(expected)
    for index in range(max(len(expected), len(found))):
        recorded = expected[index] if index < len(expected) else None
        printed = found[index] if index < len(found) else None
        if recorded == printed:
            continue
        report.differences += 1
        if report.differences <= _SHOWN_DIFFERENCES:
            report.shown.append(
                f"{market.name} trade {index + 1}: recorded {_shown(recorded)},"
                f" the exchange has {_shown(printed)}"
            )


def _shown(trade: TapeTrade | None) -> str:
    if trade is None:
        return "nothing"
    outcome, side, price, quantity = trade
    return f"{side.value} {outcome.value} {format_quantity(quantity)} at {format_price(price)}"
