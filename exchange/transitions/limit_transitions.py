"""What the events of limits before the trade change, and what a trade leaves behind in a market
that halts by itself. None of it is a message to an account; a halt is public by its status alone.

Laws: `extremes` are of trades under the terms and the status of now: others set, or a change of
status, empty them. A market is `volatile` while it is OPEN and its extremes lie too far apart.
What a batch may take back is noted by `undoing.note_fill`.
"""

from exchange.messages.limit_commands import THE_EXCHANGE
from exchange.messages.limit_events import (
    AccountLimitsSet,
    MarketLimitsSet,
    PostOnlySet,
    ReopeningSet,
)
from exchange.model.market import HALTED, OPEN, Market
from exchange.model.price_window import Window, spread, with_trade
from exchange.model.state import State
from exchange.model.timers import HALT_END, POST_ONLY_END


def market_limits_set(state: State, event: MarketLimitsSet) -> None:
    """Let a market have other limits."""
    market = state.markets[event.market_id]
    before = None if market.limits is None else market.limits.volatility_halt
    now = None if event.limits is None else event.limits.volatility_halt
    market.limits = event.limits
    state.dirty.market_limits[market.id] = market
    if now != before:
        set_extremes(state, market, ())


def account_limits_set(state: State, event: AccountLimitsSet) -> None:
    """Let an account have other limits of its own."""
    account = state.accounts[event.account_id]
    account.limits = event.limits
    state.dirty.account_limits[account.id] = account


def reopening_set(state: State, event: ReopeningSet) -> None:
    """Let a market go on by itself at a time."""
    set_reopening(state, state.markets[event.market_id], event.resumes_at)


def post_only_set(state: State, event: PostOnlySet) -> None:
    """Let the exchange open by itself at a time."""
    set_opening(state, event.until)


def set_opening(state: State, at: int | None) -> None:
    """Set when the exchange opens by itself; None: it doesn't. Recovery does so too."""
    state.timers.move(POST_ONLY_END, state.post_only_until, at, THE_EXCHANGE)
    state.post_only_until = at
    state.dirty.mode = True


def status_left(state: State, market: Market) -> None:
    """Forget what was only of the status that a market is about to leave."""
    if market.resumes_at is not None:
        set_reopening(state, market, None)
    set_extremes(state, market, ())


def set_reopening(state: State, market: Market, at: int | None) -> None:
    """Set when a market goes on by itself, by the timer of the status it has; None: it doesn't."""
    kind = HALT_END if market.status is HALTED else POST_ONLY_END
    state.timers.move(kind, market.resumes_at, at, market.id)
    market.resumes_at = at
    state.dirty.reopenings[market.id] = market


def note_price(state: State, market: Market, yes_price: int) -> None:
    """Note at what price a market has just traded, if it halts by itself."""
    terms = None if market.limits is None else market.limits.volatility_halt
    if terms is not None:
        window = with_trade(market.extremes, terms.window, state.now, yes_price)
        set_extremes(state, market, window)


def set_extremes(state: State, market: Market, window: Window) -> None:
    """Let these be where a market traded of late, and see whether it has to halt."""
    if window is not market.extremes:
        market.extremes = window
        state.dirty.windows[market.id] = market
    judge(state, market)


def judge(state: State, market: Market) -> None:
    """See whether a market has to halt; recovery does so too."""
    terms = None if market.limits is None else market.limits.volatility_halt
    if terms is not None and market.status is OPEN and spread(market.extremes) > terms.move:
        state.volatile[market.id] = None
    else:
        state.volatile.pop(market.id, None)
