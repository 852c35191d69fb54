"""Run backtests of both fill models and print a hash of all that came of them.

Started as a process of its own by `test_same_bytes.py`, with the rules as they are written.
"""

from hashlib import blake2b

import msgspec

from exchange.compiled import COMPILED
from gateway.research.backtest.flow import FlowModel
from gateway.research.backtest.prints import PrintsModel
from gateway.research.backtest.result import CASH, Result, Setup, backtest
from gateway.research.strategies import STRATEGIES
from gateway.research.strategies.market_maker import MarketMaker
from gateway.research.tape.synthetic import synthetic_tape
from tests.gateway.research.test_flow_model import trading

STEPS = 400
COMMANDS = 600


def results() -> list[Result]:
    """Return what all five come to on a tape, and the maker among everybody's commands."""
    tape = list(synthetic_tape(8, markets=2, steps=STEPS))
    made = [
        backtest(one, {}, PrintsModel(CASH), tape, Setup(seed=8)) for one in STRATEGIES.values()
    ]
    past, _ = trading(8, COMMANDS)
    setup = Setup(latency_us=10_000)
    return [*made, backtest(MarketMaker, {"half_spread": 100}, FlowModel(CASH), past, setup)]


def run_hash() -> str:
    """Return one hash of all bytes."""
    return blake2b(msgspec.json.encode(results())).hexdigest()


if __name__ == "__main__":
    print("compiled" if COMPILED else "sources", run_hash())
