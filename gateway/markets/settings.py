"""Whether, and how, the past of our markets is made readable."""

from typing import Annotated, ClassVar

from gateway.settings.reader import Area, setting
from gateway.settings.values import switch


class PastSettings(Area, frozen=True, kw_only=True):
    """Candles, and what else follows from the journal."""

    TITLE: ClassVar[str] = "The past of our markets"

    projector: Annotated[
        bool,
        setting(
            "PROJECTOR",
            "on",
            switch,
            "Whether the worker's role runs a process that makes candles of the journal.",
        ),
    ]
