"""How threads take turns at the interpreter, set for a process that answers traders.

Threads share one interpreter. One that computes (a venue's page is parsed, a password is hashed)
keeps it for a whole switch interval while the event loop waits, and the loop waits anew each time
it comes back from the operating system, several times an order. With Python's 5 ms a page that took
half a second to parse made every order of that time 20 to 50 ms late; with half a millisecond it is
hardly seen, and the thread loses next to nothing.
"""

import sys
from typing import Final

SWITCH_INTERVAL_S: Final = 0.000_5


def settle() -> None:
    """Let threads take short turns from now on."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
