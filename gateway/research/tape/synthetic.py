"""A tape that is made up, from a seed: a question whose chance wanders until it is decided.

Invented data: it shows how a strategy runs, and says nothing about whether it earns. The chance is
a martingale (what is known of it now is its mean later), the spread and the sizes are drawn, and
takers come at random times, more often to the side where the chance is about to go.
"""

import math
from collections.abc import Iterator
from random import Random
from typing import Final

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.terms import Side
from gateway.research.strategy import Level
from gateway.research.tape.events import Ended, Listed, Printed, Seen, TapeEvent

TICK: Final = 100
START: Final = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z."""
_STEP_US: Final = 1_000_000
_DEEP: Final = 3
_WANDER: Final = 0.012
"""Deviation of the chance's logit in a step."""
_PRINTED: Final = 0.35
"""How often there is a print between two books."""
_INFORMED: Final = 0.2
"""How often a taker knows where the chance goes."""


def synthetic_tape(
    seed: int, *, markets: int = 1, steps: int = 20_000, start: int = START
) -> Iterator[TapeEvent]:
    """Yield a tape of so many markets, each seen once a step of about a second."""
    random = Random(seed)  # noqa: S311 - invented data, the same for a seed
    names = [f"sample-{number + 1}" for number in range(markets)]
    logit = dict.fromkeys(names, 0.0)
    end = start + steps * _STEP_US
    for name in names:
        logit[name] = random.uniform(-1.0, 1.0)
        yield Listed(
            start, name, title=f"Sample question {name}", closes_at=end, tick=TICK, event="sample"
        )
    now = start
    for _ in range(steps):
        for name in names:
            now += random.randrange(_STEP_US // (2 * markets), 3 * _STEP_US // (2 * markets))
            before = _price(logit[name])
            logit[name] += random.gauss(0.0, _WANDER)
            chance = _price(logit[name])
            yield _book(random, now, name, before)
            if random.random() < _PRINTED:
                # Later than the book, which hasn't heard of it.
                yield _print(random, now + 1, name, before, chance)
    for name in names:
        is_yes = random.random() < _price(logit[name]) / PRICE_SCALE
        yield Ended(max(now + 1, end), name, PRICE_SCALE if is_yes else 0)


def _price(logit: float) -> int:
    """Return the price of a chance, on the tick and off the ends."""
    exact = PRICE_SCALE / (1.0 + math.exp(-logit))
    return min(max(round(exact / TICK) * TICK, 4 * TICK), PRICE_SCALE - 4 * TICK)


def _book(random: Random, at: int, name: str, middle: int) -> Seen:
    half = random.choice((1, 1, 1, 2)) * TICK
    bids = tuple(
        Level(middle - half - n * TICK, random.randrange(500, 20_000))
        for n in range(_DEEP)
        if middle - half - n * TICK >= TICK
    )
    asks = tuple(
        Level(middle + half + n * TICK, random.randrange(500, 20_000))
        for n in range(_DEEP)
        if middle + half + n * TICK <= PRICE_SCALE - TICK
    )
    return Seen(at, name, bids, asks)


def _print(random: Random, at: int, name: str, before: int, after: int) -> Printed:
    if before != after and random.random() < _INFORMED:
        side = Side.BUY if after > before else Side.SELL
    else:
        side = random.choice((Side.BUY, Side.SELL))
    away = TICK if side is Side.BUY else -TICK
    quantity = min(int(random.paretovariate(1.3) * 300), 50_000)
    return Printed(at, name, before + away, quantity, side)
