"""A course over time that is drawn by a bounded number of points, however long it is."""

from typing import Final

POINTS_MAX: Final = 2_000


class Thinned:
    """(time, value) points: when there are too many, every second one but the last goes, and the
    next ones lie twice as far apart. The last value of a time is the one that stays.
    """

    def __init__(self) -> None:
        self.points: list[tuple[int, int]] = []
        self._apart_us = 0

    def add(self, at: int, value: int) -> None:
        """Take the value at a time, which doesn't run back."""
        points = self.points
        if points and at == points[-1][0]:
            points[-1] = (at, value)
        elif not points or at - points[-1][0] >= self._apart_us:
            points.append((at, value))
            if len(points) >= POINTS_MAX:
                del points[1:-1:2]
                span = points[-1][0] - points[0][0]
                self._apart_us = max(2 * self._apart_us, span // POINTS_MAX)

    def end(self, at: int, value: int) -> None:
        """Take the last value, whatever its distance."""
        self._apart_us = 0
        self.add(at, value)
