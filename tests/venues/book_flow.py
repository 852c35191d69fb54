"""A venue's book as it moves, made from a recorded or a written one: what any venue's shape of
messages is generated from.

Laws: seeded, so a failure repeats; the book never crosses, as a venue's never does; each step
changes one level or a few, all of them differ from what was there. Prices are in units of 1/10 000
of YES and lie on the tick; quantities are in 1/100 share. `Trouble` says what happens to a step's
message on its way.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

Levels = dict[int, int]
"""Price to quantity of one side."""


class Trouble(Enum):
    """What happens to a message."""

    LOST = auto()
    DOUBLED = auto()
    REORDERED = auto()
    """It comes after the one behind it."""


@dataclass(frozen=True)
class Step:
    """Levels that changed at once, with what is there then; 0 for none."""

    levels: tuple[tuple[bool, int, int], ...]
    """(is it a bid, price, quantity)."""


@dataclass
class BookFlow:
    """A book that moves by itself."""

    bids: Levels
    asks: Levels
    tick: int
    randomness: random.Random
    widest: int = 4
    """So many levels change at once at most."""
    least: int = 3
    most: int = 30
    """Levels of a side."""
    sizes: list[int] = field(default_factory=list)
    """What quantities are drawn from: those of the recorded book."""

    def __post_init__(self) -> None:
        self.sizes = self.sizes or [*self.bids.values(), *self.asks.values()] or [1_000]

    def steps(self, count: int) -> Iterator[Step]:
        """Move so many times; the book is as after the step that is yielded."""
        for _ in range(count):
            while not (levels := self._changed()):
                pass
            yield Step(levels)

    def _changed(self) -> tuple[tuple[bool, int, int], ...]:
        """Change some levels at once; return those that aren't again what they were before."""
        is_wide = self.widest > 1 and self.randomness.random() < 0.1
        many = self.randomness.randint(2, self.widest) if is_wide else 1
        bids, asks = (dict(self.bids), dict(self.asks)) if many > 1 else ({}, {})
        changed: dict[tuple[bool, int], int] = {}
        for _ in range(many):
            is_bid, price, quantity = self._one()
            changed[is_bid, price] = quantity
        return tuple(
            (is_bid, price, quantity)
            for (is_bid, price), quantity in changed.items()
            if many == 1 or quantity != (bids if is_bid else asks).get(price, 0)
        )

    def _one(self) -> tuple[bool, int, int]:
        is_bid = self.randomness.random() < 0.5
        side, other = (self.bids, self.asks) if is_bid else (self.asks, self.bids)
        free = None
        if len(side) < self.most and (not side or self.randomness.random() < 0.45):
            free = self._free_price(is_bid, side, other)
        if free is not None:
            price, quantity = free, self._other_than(side.get(free, 0))
        elif side:
            price = self.randomness.choice(list(side))
            goes = len(side) > self.least and self.randomness.random() < 0.5
            quantity = 0 if goes else self._other_than(side[price])
        else:
            # There is no room on this side: the other one's best price makes some.
            is_bid, side = not is_bid, other
            price, quantity = (max if is_bid else min)(side), 0
        if quantity:
            side[price] = quantity
        else:
            side.pop(price, None)
        return is_bid, price, quantity

    def _other_than(self, quantity: int) -> int:
        drawn = self.randomness.choice(self.sizes) + self.randomness.randint(0, 5_000)
        return drawn if drawn != quantity else drawn + 1

    def _free_price(self, is_bid: bool, side: Levels, other: Levels) -> int | None:
        """A price near the best that doesn't cross the other side, if there is room for one."""
        lowest, highest = self.tick, 10_000 - self.tick
        if is_bid:
            highest = min(other, default=10_000) - self.tick
        else:
            lowest = max(other, default=0) + self.tick
        if lowest > highest:
            return None
        best = (max if is_bid else min)(side, default=(lowest + highest) // 2)
        far = self.randomness.randint(-3, 25) * self.tick
        price = best - far if is_bid else best + far
        price = min(max(price, lowest), highest)
        price -= price % self.tick
        return price if lowest <= price <= highest else (highest if is_bid else lowest)


def troubled(count: int, faults: int, gap: int, randomness: random.Random) -> dict[int, Trouble]:
    """Choose so many of `count` steps that meet trouble, at least `gap` apart, all kinds alike."""
    room = count - faults * gap
    places = sorted(randomness.randrange(room) for _ in range(faults))
    kinds = list(Trouble)
    return {place + number * gap: kinds[number % len(kinds)] for number, place in enumerate(places)}
