"""The workload of a public benchmark of matching engines, made by code of our own.

The benchmark is flash1-dev/matching-engine-benchmark (its `docs/METHODOLOGY.md`, and the paper it
was published with, arXiv 2606.01183): a middle that walks at random, passive orders around it at
distances of a power law with a hump, 15 % of them immediate-or-cancel, 20 % of the others modified
and 95 % cancelled after a short life; 2 % of cancels and of modifies come twice. It publishes the
SHA-256 of all that an engine must report for seed 23, which more than a hundred engines have
reproduced, so this flow and an engine's answers are right to the byte or seen to be wrong.

Every draw is a double of 53 bits from MT19937, and each distribution is written out upon it, as
there. C++ and Python have the same generator and differ in how a seed fills it: `_seeded`.
"""

import math
import random
from bisect import bisect_left
from collections.abc import Callable
from typing import Final, NamedTuple

NEW: Final = 0
CANCEL: Final = 1
MODIFY: Final = 2

ORDERS: Final = 1_000_000
SEED: Final = 23
PUBLISHED: Final = {
    "normal": "e9b2e3926854410b01a035aeb25dd05f1e597c233be8263de9eb49b6713d367e",
    "static": "9803843ee404fc29c9a0aa5614f8f0d5a58b5c44fcac9ef89067886fcaaa30d1",
}
"""Of each scenario the SHA-256 of its reports, for `ORDERS` orders and `SEED`."""
MIDDLE_AT_FIRST: Final = 33_504
"""In ticks."""

_TICK: Final = 0.005
_FIRST_MIDDLE: Final = 167.52
_VOLATILITY_AND_SWING: Final = {"normal": (0.15, 0.02), "static": (0.0, 0.0)}
_LEVELS: Final = 800
_MEDIAN_LIFE_US: Final = 431.0

_Draw = Callable[[], float]


class Message(NamedTuple):
    """One message: its `order_id` names the order from its NEW on, whatever becomes of it."""

    kind: int
    buy: bool
    ioc: bool
    quantity: int
    order_id: int
    price: int
    """In ticks; of a CANCEL and of what it names nothing is asked but the id."""


class _Draft(NamedTuple):
    """A new order before it has got its place in time."""

    buy: bool
    price: int
    quantity: int
    level: int


def consensus_flow(scenario: str, orders: int = ORDERS, seed: int = SEED) -> list[Message]:
    """Return the messages of a scenario in their order; the place of each is its sequence."""
    draw = _seeded(seed).random
    drafts = _drafts(draw, *_VOLATILITY_AND_SWING[scenario], orders)
    arrival = list(range(orders))
    for last in range(orders - 1, 0, -1):
        other = int(draw() * (last + 1))
        arrival[last], arrival[other] = arrival[other], arrival[last]
    timed: list[tuple[int, Message]] = []
    now = 0
    for place in arrival:
        now = _lifecycle(draw, place + 1, drafts[place], now, timed)
    timed.sort(key=lambda entry: entry[0])
    return [message for _, message in timed]


def _seeded(seed: int) -> random.Random:
    """Return MT19937 as the C++ standard seeds it from one number ([rand.eng.mers]).

    Python's own seeding mixes the number in as an array instead; both are of Matsumoto and
    Nishimura's reference code (`init_genrand`, `init_by_array`).
    """
    words = [seed]
    for index in range(1, 624):
        before = words[-1]
        words.append((1_812_433_253 * (before ^ (before >> 30)) + index) & 0xFFFFFFFF)
    generator = random.Random()
    generator.setstate((3, (*words, 624), None))
    return generator


def _drafts(draw: _Draw, volatility: float, swing: float, orders: int) -> list[_Draft]:
    """Walk the middle and put an order beside it at each step: buys first, then sells."""
    reach = _cumulated_levels()
    whole = reach[-1]
    step = volatility * math.sqrt((swing / volatility) ** 2.0 / orders) if volatility else 0.0
    drift = -0.5 * step * step
    middle = _FIRST_MIDDLE
    drafts: list[_Draft] = []
    for number in range(orders):
        # A normal by Box and Muller, of which the sine is not used.
        radius = math.sqrt(-2.0 * math.log(max(draw(), 1e-300)))
        normal = radius * math.cos(2.0 * math.pi * draw())
        middle *= math.exp(drift + step * normal)
        ticks = round(middle / _TICK)
        level = bisect_left(reach, draw() * whole)
        buy = number < orders // 2
        price = max(ticks - level - 1 if buy else ticks + level + 1, 1)
        drafts.append(_Draft(buy, price, 1 + int(draw() * 100), level))
    return drafts


def _cumulated_levels() -> list[float]:
    """Return the running sum of how likely each distance is: a power law, and a hump at 8 ticks."""
    reach: list[float] = []
    total = 0.0
    for level in range(_LEVELS):
        off = level - 8.0
        total += 1.0 / (level + 1.0) ** 2.23 + 5.0 * math.exp(-0.5 * off * off)
        reach.append(total)
    return reach


def _lifecycle(
    draw: _Draw, order_id: int, draft: _Draft, now: int, timed: list[tuple[int, Message]]
) -> int:
    """Add what befalls one order, from `now` on; return when the next one comes."""
    buy, price, quantity, level = draft
    ioc = draw() < 0.15
    timed.append((now, Message(NEW, buy, ioc, quantity, order_id, price)))
    if ioc:
        return now + 1
    modify = None
    if draw() < 0.20:
        now += 30 + int(draw() * 70)
        better = (1 if buy else -1) if draw() < 0.80 else 0
        modify = Message(MODIFY, buy, False, quantity + 1, order_id, price + better)
        timed.append((now, modify))
    if draw() < 0.95:
        rate = math.log(2.0) / _MEDIAN_LIFE_US / math.sqrt(1.0 + level)
        now += int(-math.log(max(draw(), 1e-300)) / rate)
        cancel = Message(CANCEL, buy, False, quantity, order_id, price)
        timed.append((now, cancel))
        if draw() < 0.02:
            now += 1 + int(draw() * 20)
            timed.append((now, cancel))
        if modify is not None and draw() < 0.02:
            now += 1 + int(draw() * 20)
            timed.append((now, modify))
    return now + 1
