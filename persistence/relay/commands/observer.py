"""What either end says of how commands from elsewhere are doing."""


class CommandsObserver:
    """A reader of it; this one looks away."""

    def connected(self, is_connected: bool, reason: str) -> None:
        """Note that Redis answers, or why it doesn't; called on every change."""

    def arrived(self) -> None:
        """Note a command that was read from the stream."""

    def garbled(self) -> None:
        """Note an entry that no process of ours has sealed; it was passed over."""

    def repeated(self) -> None:
        """Note a command that was shown again; it was passed over."""

    def made(self) -> None:
        """Note that the stream wasn't there and was made."""

    def went_back(self) -> None:
        """Note that an older copy of the stream was put back."""

    def untold(self, answers: int) -> None:
        """Note answers that Redis didn't take: their senders hear that the outcome is unknown."""

    def sent(self, commands: int) -> None:
        """Note commands that Redis has taken."""

    def unanswered(self) -> None:
        """Note a command whose sender was told that the outcome is unknown."""
