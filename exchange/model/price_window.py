"""Where a market traded of late: the lowest and the highest YES price of each slice of a window
(RULEBOOK 16), so that a look at the whole of it costs SLICES steps however much was traded.

A slice is named by its number (`slices`). What no window can see any more goes when the next trade
comes, so what is kept is a function of the trades alone and the same after a restart.
"""

from exchange.model.slices import SLICES, slice_at

Slice = tuple[int, int, int]
"""(number, lowest, highest)."""
Window = tuple[Slice, ...]
"""Slices in which there were trades, the oldest first."""


def with_trade(window: Window, seconds: int, at: int, yes_price: int) -> Window:
    """Return the window of that length after a trade at `at` (microseconds since the epoch).

    O(SLICES) when a slice begins, else O(1) but for the copy.
    """
    number = slice_at(at, seconds)
    if window and window[-1][0] == number:
        _, low, high = window[-1]
        if low <= yes_price <= high:
            return window
        return (*window[:-1], (number, min(low, yes_price), max(high, yes_price)))
    seen = [part for part in window if part[0] > number - SLICES]
    return (*seen, (number, yes_price, yes_price))


def spread(window: Window) -> int:
    """Return the highest price less the lowest; 0 for no trades."""
    if not window:
        return 0
    return max(high for _, _, high in window) - min(low for _, low, _ in window)
