"""Taking a backtest: what goes with what, and what it says in units.

trades   tape, or markets of other venues (up to 8, those of one question), as the feed stored them
book     one market of ours, among everybody's commands as our journal has them
"""

from typing import Annotated, Any, Final, Literal

import msgspec

from exchange.messages.bounds import MONEY_SCALE
from gateway.feeds.known import NAME_LENGTH_MAX, OURS, MarketRef
from gateway.http.paging import PageQuery
from gateway.research.asked.plan import MARKETS_MAX, TAPE_PATTERN, FeesName, Plan
from gateway.research.asked.views import StatusName
from gateway.research.backtest.result import CASH, CASH_MAX, LATENCY_US
from gateway.research.strategies import STRATEGIES
from gateway.research.strategy import ParametersRefused, parameters_of
from gateway.trading.order_bodies import ClientIdText
from gateway.wire import strict_json
from gateway.wire.errors import ValidationFailed
from gateway.wire.scalars import TimeText, parse_range
from gateway.wire.strict_json import BodyStruct, CreditOrNoneText, QueryStruct, not_given

LATENCY_MS_MAX: Final = 3_600_000
SEED_MAX: Final = 2**53 - 1
"""What every reader of JSON takes for a whole number."""
_PARAMETERS_MAX: Final = 32
_MILLISECOND_US: Final = 1_000

StrategyName = Literal["market-maker", "momentum", "mean-reversion", "fair-value", "arbitrage"]
MarketText = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=NAME_LENGTH_MAX,
        extra_json_schema={"pattern": "^[!-~]+$"},
    ),
]
TapeText = Annotated[
    str,
    msgspec.Meta(
        max_length=64,
        pattern=TAPE_PATTERN,
        description="`sample`, which is made up, or one of those that the operator offers",
        examples=["sample"],
    ),
]
ParameterName = Annotated[str, msgspec.Meta(max_length=64)]


class NewBacktestBody(BodyStruct, frozen=True):
    """What to run, on what; which parameters a strategy has, and what is known of others' orders,
    is in docs/backtesting.md.

    Either `tape` or `markets` is given: one market of ours, or up to 8 of other venues, which are
    one question. `from` and `to` are included. `fees` NONE charges none, which a market of ours
    can't. `printsOnly` shows what each print of a tape says of the book behind it. `requestId`
    makes a repeat find the first one.
    """

    strategy: StrategyName
    parameters: Annotated[
        dict[ParameterName, int | float],
        msgspec.Meta(max_length=_PARAMETERS_MAX, description="what is missing has its default"),
    ] = msgspec.field(default_factory=dict)
    markets: (
        Annotated[
            list[MarketText],
            msgspec.Meta(min_length=1, max_length=MARKETS_MAX, description="ids, or slugs of ours"),
        ]
        | None
    ) = None
    tape: TapeText | None = None
    prints_only: bool = False
    from_time: TimeText | None = msgspec.field(default=None, name="from")
    to_time: TimeText | None = msgspec.field(default=None, name="to")
    cash: CreditOrNoneText = not_given()
    fees: FeesName = "MARKET"
    latency_ms: Annotated[
        int,
        msgspec.Meta(ge=0, le=LATENCY_MS_MAX, description="from sending an order to its arrival"),
    ] = LATENCY_US // _MILLISECOND_US
    seed: Annotated[int, msgspec.Meta(ge=0, le=SEED_MAX)] = 0
    request_id: ClientIdText | None = None


class BacktestsQuery(PageQuery, frozen=True):
    """Which backtests; what is unset matches all."""

    strategy: StrategyName | None = None
    status: StatusName | None = None


class BacktestQuery(QueryStruct, frozen=True):
    """Whether the fills are wanted, too."""

    executions: Literal["true", "false"] = "false"


def plan_of(body: NewBacktestBody, refs: list[MarketRef]) -> Plan:
    """Return what is to be run; raises ValidationFailed naming the field."""
    own = [ref for ref in refs if ref.platform == OURS]
    if (body.tape is None) is (not refs):
        raise ValidationFailed.of("tape", "give one of tape and markets")
    if own and len(refs) > 1:
        raise ValidationFailed.of("markets", "a market of ours is played by itself")
    if own and body.fees == "NONE":
        raise ValidationFailed.of("fees", "a market of ours charges what it charges")
    if body.prints_only and body.tape is None:
        raise ValidationFailed.of("printsOnly", "goes with a tape")
    if len(set(refs)) < len(refs):
        raise ValidationFailed.of("markets", "name each market once")
    first, last = parse_range(body.from_time, body.to_time)
    cash = strict_json.money(body.cash, "cash") if strict_json.is_given(body.cash) else CASH
    if not 0 < cash <= CASH_MAX:
        most = CASH_MAX // MONEY_SCALE
        raise ValidationFailed.of("cash", f"must be more than 0 and at most {most}")
    return Plan(
        strategy=body.strategy,
        parameters=_parameters(body),
        model="book" if own else "trades",
        markets=tuple((ref.platform, ref.external_id) for ref in refs),
        tape=body.tape,
        prints_only=body.prints_only,
        first=first,
        last=last,
        cash=cash,
        fees=body.fees,
        latency_us=body.latency_ms * _MILLISECOND_US,
        seed=body.seed,
    )


def _parameters(body: NewBacktestBody) -> dict[str, Any]:
    """Return all parameters of the strategy, those that weren't given with their defaults."""
    try:
        made = parameters_of(STRATEGIES[body.strategy], body.parameters)
    except ParametersRefused as error:
        raise ValidationFailed.of("parameters", str(error)) from error
    found: dict[str, Any] = msgspec.to_builtins(made)
    return found
