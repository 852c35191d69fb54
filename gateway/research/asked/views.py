"""Backtests on the wire."""

import math
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from gateway.feeds.known import OURS, KnownMarket, MarketRef
from gateway.research.asked.plan import FeesName, ModelName, Plan
from gateway.research.backtest.figures import Figures
from gateway.research.backtest.result import Result
from gateway.wire.scalars import (
    iso_millis,
    money_text,
    price_text,
    quantity_text,
    time_if_known,
)
from gateway.wire.strict_json import AnswerStruct
from persistence.clock import MICROSECONDS
from persistence.repositories.research.backtests import Backtest, Execution

StatusName = Literal["QUEUED", "RUNNING", "DONE", "FAILED", "CANCELLED"]
SideName = Literal["BUY", "SELL"]

_PLAN = msgspec.json.Decoder(Plan)
Known = Mapping[MarketRef, KnownMarket]
NOBODYS: Final[Known] = {}
"""For those who know no markets."""


class PlayedView(AnswerStruct, frozen=True):
    """A market that is played, by its id; `slug` is of one of ours alone, and both it and
    `question` are null where they aren't known.
    """

    id: str
    slug: str | None
    question: str | None


class BacktestView(AnswerStruct, frozen=True):
    """A backtest that was asked for, and how far it is; `progress` is 0 to 1.

    `markets` are ids, and `played` says how people call them. `model` says what was known of
    others' orders: `trades`, their prints and the best of the book, or `book`, all of them. `error`
    says why it FAILED.
    """

    id: str
    strategy: str
    parameters: dict[str, Any]
    model: ModelName
    markets: list[str]
    played: list[PlayedView]
    tape: str | None
    prints_only: bool
    from_time: str | None = msgspec.field(name="from")
    to_time: str | None = msgspec.field(name="to")
    cash: str
    fees: FeesName
    latency_ms: int
    seed: int
    status: StatusName
    progress: str
    events: int
    error: str | None
    request_id: str | None
    created_at: str
    started_at: str | None
    ended_at: str | None


class BacktestMessage(BacktestView, frozen=True, kw_only=True):
    """The same as a socket hears it: by its number on the topic, which a gap shows; `played` has
    ids alone there.
    """

    topic: str
    topic_epoch: int
    topic_seq: int


class FiguresView(AnswerStruct, frozen=True):
    """What a run earned, and how; a ratio that has no meaning is null.

    `net` is what it gained after fees; `feesUnknown` counts the fills of which nobody knows what
    the venue charges, which count as free (it isn't there in what was stored before these were
    counted). Sharpe and Sortino are annualised by the root of 8 766 hours from returns of an hour;
    the riskless rate and the target are 0. `drawdown` is the deepest fall from a peak as a part of
    it, `drawdownSeconds` the longest time until one was reached again. `fillRatio` is `filled` over
    `ordered`, `queueSeconds` how long a maker's fills waited from the sending of their order,
    `exposure` the mean part of the equity that was in shares.
    """

    start: str
    end: str
    net: str
    gross: str
    fees: str
    total_return: str | None
    sharpe: str | None
    sortino: str | None
    periods: int
    drawdown: str
    drawdown_money: str
    drawdown_seconds: int
    fills: int
    maker_fills: int
    win_rate: str | None
    profit_factor: str | None
    turnover: str
    exposure: str | None
    ordered: str
    filled: str
    fill_ratio: str | None
    queue_seconds: str | None
    brier: str | None
    resolved: int
    fees_unknown: int | msgspec.UnsetType = msgspec.UNSET


class EquityPoint(AnswerStruct, frozen=True):
    """What all was worth at a time."""

    at: str
    equity: str


class PricePointView(AnswerStruct, frozen=True):
    """What YES was worth at a time."""

    at: str
    price: str


class CourseView(AnswerStruct, frozen=True):
    """How the price of a market went, from the first fill on."""

    market: str
    points: list[PricePointView]


class OutcomeView(AnswerStruct, frozen=True):
    """What was held of a market when it ended: what a share had cost, and what it paid."""

    market: str
    quantity: str
    cost: str
    paid: str


class BacktestResultView(AnswerStruct, frozen=True):
    """What came of a run; `stopped` says why it ended before its tape did.

    Curves have 2 000 points at most, and `prices` are of the first eight markets that were traded.
    """

    events: int
    commands: int
    sent: int
    refused: dict[str, int]
    begun_at: str | None
    ended_at: str | None
    stopped: str | None
    figures: FiguresView
    curve: list[EquityPoint]
    prices: list[CourseView]
    outcomes: list[OutcomeView]


class ExecutionView(AnswerStruct, frozen=True):
    """A fill, in YES terms: BUY if the position went up. `order` counts the run's own orders."""

    at: str
    market: str
    order: int
    side: SideName
    price: str
    quantity: str
    fee: str
    maker: bool


class BacktestDetail(BacktestView, frozen=True):
    """A backtest with its `result`, null until it is DONE.

    `executions` are its first 5 000 fills, null unless they are asked for.
    """

    result: BacktestResultView | None
    executions: list[ExecutionView] | None


_Fields = tuple[Any, ...]


def played_by(row: Backtest) -> list[MarketRef]:
    """Return the markets that one is played on."""
    return [MarketRef(*one) for one in _PLAN.decode(row.plan).markets]


def backtest_view(row: Backtest, known: Known = NOBODYS) -> BacktestView:
    """Return what its owner is shown, with what is known of its markets."""
    return BacktestView(*_fields(row, known))


def backtest_detail(
    row: Backtest, known: Known, result: str | None, executions: list[ExecutionView] | None
) -> BacktestDetail:
    """Return all of it; `result` is the JSON that `result_json` made, which goes on as it is."""
    shown: Any = None if result is None else msgspec.Raw(result.encode("utf-8"))
    fields: _Fields = (*_fields(row, known), shown, executions)
    return BacktestDetail(*fields)


def _fields(row: Backtest, known: Known) -> _Fields:
    plan = _PLAN.decode(row.plan)
    refs = [MarketRef(*one) for one in plan.markets]
    return (
        str(row.id),
        row.strategy,
        plan.parameters,
        plan.model,
        [ref.id for ref in refs],
        [_played(ref, known.get(ref)) for ref in refs],
        plan.tape,
        plan.prints_only,
        time_if_known(plan.first),
        time_if_known(plan.last),
        money_text(plan.cash),
        plan.fees,
        plan.latency_us // 1_000,
        plan.seed,
        row.status,
        price_text(row.progress),
        row.events,
        row.error,
        row.request_id,
        iso_millis(row.created_at),
        time_if_known(row.started_at),
        time_if_known(row.ended_at),
    )


def _played(ref: MarketRef, market: KnownMarket | None) -> PlayedView:
    if market is None:
        return PlayedView(ref.id, None, None)
    return PlayedView(ref.id, market.slug if ref.platform == OURS else None, market.question)


def execution_views(fills: list[Execution]) -> list[ExecutionView]:
    """Return what is shown of fills."""
    return [
        ExecutionView(
            iso_millis(one.at),
            one.market,
            one.order_no,
            "BUY" if one.side == "BUY" else "SELL",
            price_text(one.price),
            quantity_text(one.quantity),
            money_text(one.fee),
            one.is_maker,
        )
        for one in fills
    ]


def result_json(result: Result) -> bytes:
    """Return what is stored, and shown, of what came of a run."""
    shown = BacktestResultView(
        result.events,
        result.commands,
        result.sent,
        result.refused,
        time_if_known(result.begun_at or None),
        time_if_known(result.ended_at or None),
        result.stopped,
        _figures(result.figures),
        [EquityPoint(iso_millis(at), money_text(equity)) for at, equity in result.curve],
        [
            CourseView(
                market, [PricePointView(iso_millis(at), price_text(price)) for at, price in points]
            )
            for market, points in result.prices.items()
        ],
        [
            OutcomeView(
                one.market, quantity_text(one.quantity), price_text(one.cost), price_text(one.paid)
            )
            for one in result.outcomes
        ],
    )
    return msgspec.json.encode(shown)


def _figures(found: Figures) -> FiguresView:
    queued = found.queue_us
    return FiguresView(
        money_text(found.start),
        money_text(found.end),
        money_text(found.net),
        money_text(found.gross),
        money_text(found.fees),
        _ratio(found.total_return),
        _ratio(found.sharpe),
        _ratio(found.sortino),
        found.periods,
        f"{found.drawdown:.6f}",
        money_text(found.drawdown_money),
        found.drawdown_us // MICROSECONDS,
        found.fills,
        found.maker_fills,
        _ratio(found.win_rate),
        _ratio(found.profit_factor),
        money_text(found.turnover),
        _ratio(found.exposure),
        quantity_text(found.ordered),
        quantity_text(found.filled),
        _ratio(found.fill_ratio),
        _ratio(None if queued is None else queued / MICROSECONDS),
        _ratio(found.brier),
        found.resolved,
        found.fees_unknown,
    )


def _ratio(value: float | None) -> str | None:
    """Return a ratio with six decimals; None for one that isn't there, or without bound."""
    return None if value is None or not math.isfinite(value) else f"{value:.6f}"
