"""`hftbacktest`: a maker on the same made-up tape, in a process that has its packages.

    stdin   an empty line: run once more       stdout   one `Round` as JSON, a line

What it models, of one asset: depth by price level and prints, the latency of orders, a queue whose
place is guessed (here the one that moves up by trades alone), fills in parts, no fees. What it
doesn't: what somebody can pay, shares that are held, netting, payouts, a market that ends, an
exchange's own rules and refusals. Its strategy is compiled by numba, ours is plain Python. That is
done before anything is timed, and the tape is made into its form then, too.
"""

import sys
import time
from itertools import pairwise
from typing import Any, Final

import hftbacktest as library
import msgspec
import numpy as np
from numba import njit

from gateway.research.strategies.market_maker import MarketMaker
from gateway.research.strategy import Level
from gateway.research.tape.events import Printed, Seen
from gateway.research.tape.synthetic import synthetic_tape

GTX, LIMIT = library.GTX, library.LIMIT
LATENCY_NS: Final = 50_000_000
_PRICE: Final = 10_000
_SHARE: Final = 100
_BOTH: Final = library.EXCH_EVENT | library.LOCAL_EVENT
_TERMS: Final = MarketMaker.Parameters()


class Round(msgspec.Struct):
    """What one run took, and what the maker did in it."""

    seconds: float
    sent: int
    trades: int
    version: str


def rows_of(steps: int) -> Any:  # noqa: ANN401 - numpy's own
    """Return the tape as the library takes it: a row a level that changed, and one a print."""
    rows: list[tuple[int, int, float, float]] = []
    before: dict[bool, dict[int, int]] = {True: {}, False: {}}
    for event in synthetic_tape(1, steps=steps):
        if isinstance(event, Seen):
            for is_bid, levels in ((True, event.bids), (False, event.asks)):
                rows += _changes(event.at, before[is_bid], levels, is_bid=is_bid)
        elif isinstance(event, Printed):
            side = library.BUY_EVENT if event.side is not None and event.side.value == "BUY" else 0
            kind = library.TRADE_EVENT | (side or library.SELL_EVENT)
            rows.append((kind, event.at, event.price / _PRICE, event.quantity / _SHARE))
    made = np.zeros(len(rows), dtype=library.event_dtype)
    made["ev"] = np.array([row[0] for row in rows], dtype=np.uint64) | np.uint64(_BOTH)
    made["exch_ts"] = made["local_ts"] = np.array([row[1] for row in rows], dtype=np.int64) * 1_000
    made["px"], made["qty"] = [row[2] for row in rows], [row[3] for row in rows]
    return made


def _changes(
    at: int, before: dict[int, int], levels: tuple[Level, ...], *, is_bid: bool
) -> list[tuple[int, int, float, float]]:
    now = {level.price: level.quantity for level in levels}
    kind = library.DEPTH_EVENT | (library.BUY_EVENT if is_bid else library.SELL_EVENT)
    changed = [
        (kind, at, price / _PRICE, now.get(price, 0) / _SHARE)
        for price in sorted(before.keys() | now.keys())
        if before.get(price) != now.get(price)
    ]
    before.clear()
    before.update(now)
    return changed


@njit
def make_a_market(hbt, half, size, most, skew, tick):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - numba's
    """Quote as `MarketMaker` does, whenever a book changes; return how much was sent."""
    number, sent = 0, 0
    while hbt.wait_next_feed(False, 10**17) == 2:
        hbt.clear_inactive_orders(0)
        depth = hbt.depth(0)
        if not (depth.best_bid > 0.0 and depth.best_ask < 1.0):
            continue
        net = hbt.position(0)
        centre = (depth.best_bid + depth.best_ask) / 2 - skew * net / most
        bid = np.floor((centre - half) / tick + 1e-9) * tick
        ask = np.ceil((centre + half) / tick - 1e-9) * tick
        bid = min(bid, depth.best_ask - tick)
        ask = max(ask, depth.best_bid + tick)
        up, down = most - net, most + net
        has_bid = has_ask = False
        values = hbt.orders(0).values()
        while values.has_next():
            order = values.get()
            is_bid = order.side == 1
            price = bid if is_bid else ask
            if abs(order.price - price) < tick / 2:
                has_bid, has_ask = has_bid or is_bid, has_ask or not is_bid
                continue
            if order.cancellable:
                hbt.cancel(0, order.order_id, False)
                sent += 1
            if is_bid:
                up -= order.leaves_qty
            else:
                down -= order.leaves_qty
        if not has_bid and up > 0 and tick / 2 < bid < 1.0:
            number += 1
            sent += 1
            hbt.submit_buy_order(0, number, bid, min(size, up), GTX, LIMIT, False)
        if not has_ask and down > 0 and ask < 1.0 - tick / 2:
            number += 1
            sent += 1
            hbt.submit_sell_order(0, number, ask, min(size, down), GTX, LIMIT, False)
    return sent


def one_round(data: Any) -> Round:  # noqa: ANN401 - numpy's own
    """Run the tape once."""
    asset = (
        library.BacktestAsset()
        .data(data)
        .linear_asset(1.0)
        .constant_order_latency(LATENCY_NS, LATENCY_NS)
        .risk_adverse_queue_model()
        .partial_fill_exchange()
        .trading_value_fee_model(0.0, 0.0)
        .tick_size(0.01)
        .lot_size(0.01)
    )
    hbt = library.HashMapMarketDepthBacktest([asset])
    half, skew = _TERMS.half_spread / _PRICE, _TERMS.skew / _PRICE
    size, most = _TERMS.size / _SHARE, _TERMS.most / _SHARE
    started = time.perf_counter()
    sent = int(make_a_market(hbt, half, size, most, skew, 0.01))
    seconds = time.perf_counter() - started
    trades = int(hbt.state_values(0).num_trades)
    hbt.close()
    return Round(seconds, sent, trades, library.__version__)


def main() -> None:
    """Serve rounds until nobody asks for one."""
    data = rows_of(int(sys.argv[1]))
    # Compiles; the clock of a tape never runs back.
    if any(later < earlier for earlier, later in pairwise(data["exch_ts"][:100])):
        raise RuntimeError("the tape's clock runs back")
    one_round(data[:200])
    for _ in sys.stdin:
        sys.stdout.write(msgspec.json.encode(one_round(data)).decode() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
