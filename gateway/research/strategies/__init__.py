"""Five strategies to learn from, by name. None of them is advice."""

from collections.abc import Mapping
from typing import Final

from gateway.research.strategies.arbitrage import Arbitrage
from gateway.research.strategies.fair_value import FairValue
from gateway.research.strategies.market_maker import MarketMaker
from gateway.research.strategies.mean_reversion import MeanReversion
from gateway.research.strategies.momentum import Momentum
from gateway.research.strategy import Strategy

STRATEGIES: Final[Mapping[str, type[Strategy]]] = {
    "market-maker": MarketMaker,
    "momentum": Momentum,
    "mean-reversion": MeanReversion,
    "fair-value": FairValue,
    "arbitrage": Arbitrage,
}
