"""What an engine says of the flow of `consensus_flow`, and the SHA-256 that it is judged by.

A report is a tuple: its kind, the sequence of the message that it answers, then

    ACK            side, order id, price, quantity    of a new order
    TRADE          price (the maker's), quantity, maker's id, taker's id
    CANCELLED      side, order id, price              also of what an IOC order couldn't get
    MODIFIED       side, order id, price, quantity    the new ones
    NO_CANCEL      order id                           it isn't resting
    NO_MODIFY      order id

with 0 for the side of a buy and 1 for a sell. One a line, its parts between commas, no line's end
behind the last; in the order of (sequence, kind), trades as they were made.
"""

import hashlib
from collections.abc import Iterable
from operator import itemgetter
from typing import Final

ACK: Final = 0
TRADE: Final = 1
CANCELLED: Final = 2
MODIFIED: Final = 3
NO_CANCEL: Final = 4
NO_MODIFY: Final = 5

Report = tuple[int, ...]


class ReportHash:
    """The hash of all reports so far, which come message by message."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._begun = False

    def add(self, reports: Iterable[Report]) -> None:
        """Take the reports of some messages, in the order of the messages."""
        ordered = sorted(reports, key=itemgetter(1, 0))
        text = "\n".join([",".join(map(str, report)) for report in ordered])
        if not text:
            return
        self._hash.update(f"\n{text}".encode() if self._begun else text.encode())
        self._begun = True

    def hexdigest(self) -> str:
        """Return it in hexadecimal."""
        return self._hash.hexdigest()
