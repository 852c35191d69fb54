"""Names for what limits before the trade lead to (see `outcomes.py`)."""

from collections.abc import Iterator


def required_of_limits() -> Iterator[str]:
    """Yield what limits must have done."""
    yield from ("MarketLimitsSet", "AccountLimitsSet")
    for name in ("MARKET_NOT_FOUND", "MARKET_ALREADY_RESOLVED", "INVALID_AMOUNT"):
        yield f"SetMarketLimits refused {name}"
    for name in ("ACCOUNT_NOT_FOUND", "INVALID_AMOUNT"):
        yield f"SetAccountLimits refused {name}"
    for reason in ("OUTSIDE_BAND", "ORDER_TOO_LARGE", "POSITION_LIMIT"):
        for command in ("PlaceOrder", "AmendOrder"):
            yield f"{command} refused {reason}"
        yield f"in a batch: refused {reason}"
        yield f"batch, all or none: undone, {reason}"
    yield from ("HaltMarket makes HALTED", "EndHalt makes POST_ONLY", "EndHalt makes OPEN")
    yield from ("EndPostOnly makes OPEN", "EndPostOnly reaches orders")
    yield from ("HaltMarket stands orders down", "ReopeningSet")
    yield from ("PostOnlySet", "BeginPostOnly refused INVALID_AMOUNT")
    for command in ("HaltMarket", "EndHalt", "EndPostOnly", "BeginPostOnly"):
        yield f"{command} refused ILLEGAL_STATUS_CHANGE"
    yield from ("PlaceOrder cancels OUTSIDE_BAND", "PlaceOco refused ORDER_TOO_LARGE")
