"""The garbage collector, set for a process that keeps many records for long.

Nearly everything that trading makes is freed by its reference count, and messages are not even
looked at by the collector. What is left is rare, so the collector may come rarely: by default it
would walk every account, level and order of the exchange again and again, and each walk is a pause
that traders see.
"""

import gc
from typing import Final

_THRESHOLDS: Final = (50_000, 20, 50)


def settle() -> None:
    """Take what exists for permanent and collect rarely from now on; call once, when started."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
