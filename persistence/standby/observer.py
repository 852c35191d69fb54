"""Who is told how a standby is doing."""

from typing import Protocol

from persistence.standby.lease import Standing


class StandbyObserver(Protocol):
    """Who is told how it goes; must not await or raise."""

    def followed(self, standing: Standing, seq: int) -> None:
        """Take note of a look, and of how far the twin is."""

    def compared(self, seq: int, state: bytes) -> None:
        """Take note that twin and tables have the same hash at a command."""

    def left_comparing(self, behind: int) -> None:
        """Take note that a comparison was left, since so many commands wait to be followed."""

    def loaded(self, seq: int) -> None:
        """Take note that the tables were loaded, for the first time or anew."""

    def differs(self, problem: str) -> None:
        """Take note that they haven't: from now on nothing is taken over."""

    def away(self, reason: str) -> None:
        """Take note that the database can't be asked."""
