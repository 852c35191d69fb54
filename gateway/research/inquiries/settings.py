"""By whom research is done, what it costs, and how much of it a month has room for.

Amounts are 1/100 cent, since the smallest kind of research costs half a cent; on the wire they are
decimal texts of cents.
"""

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal, get_args

from gateway.settings.reader import Area, setting
from gateway.settings.values import duration, http_url, optional, text, whole
from persistence.repositories.research.budgets import MonthlyBounds

Processor = Literal["lite", "base", "core", "pro", "ultra"]
PROCESSORS: Final[tuple[str, ...]] = get_args(Processor)
SEARCH: Final = "search"
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what a secret begins with
_SECRET_LEAST: Final = 16
_CENTS: Final = re.compile(r"(\d{1,7})(?:\.(\d{1,2}))?", re.ASCII)
_COSTS: Final = "lite=0.5 base=1 core=2.5 pro=10 ultra=30 search=0.5"


def cents(value: str) -> int:
    """Return an amount of cents in 1/100 cent; raises ValueError."""
    found = _CENTS.fullmatch(value)
    if found is None:
        raise ValueError(f"must be cents with at most two decimals, like 2.5, not {value!r}")
    whole_part, decimals = found.groups()
    return int(whole_part) * 100 + int((decimals or "").ljust(2, "0"))


def cents_text(amount: int) -> str:
    """Return an amount in 1/100 cent as the wire has it: cents with two decimals."""
    return f"{amount // 100}.{amount % 100:02}"


def costs(value: str) -> Mapping[str, int]:
    """Return what each kind costs; raises ValueError unless each is named once."""
    found: dict[str, int] = {}
    for part in value.split():
        name, _, amount = part.partition("=")
        if name not in (*PROCESSORS, SEARCH) or name in found:
            raise ValueError(f"must name each of {', '.join((*PROCESSORS, SEARCH))} once")
        found[name] = cents(amount)
    if len(found) != len(PROCESSORS) + 1:
        raise ValueError(f"must name each of {', '.join((*PROCESSORS, SEARCH))} once")
    return found


def signing_secret(value: str) -> str:
    """Return a secret by which messages are signed; raises ValueError for one that anybody knows,
    as the mere prefix of one.
    """
    if len(value.removeprefix(SECRET_PREFIX)) < _SECRET_LEAST:
        raise ValueError(f"must have at least {_SECRET_LEAST} characters, behind {SECRET_PREFIX}")
    return value


class ResearchSettings(Area, frozen=True, kw_only=True):
    """Parallel.ai; without its key research is answered 503 with the reason."""

    TITLE: ClassVar[str] = "Research on the web (Parallel.ai)"

    key: Annotated[
        str | None,
        setting("PARALLEL_API_KEY", "", optional(text), "Unset: research is off."),
    ]
    url: Annotated[
        str,
        setting("PARALLEL_URL", "https://api.parallel.ai", http_url, "Where its API is."),
    ]
    webhook_secret: Annotated[
        str | None,
        setting(
            "PARALLEL_WEBHOOK_SECRET",
            "",
            optional(signing_secret),
            "By which it signs; with PUBLIC_URL, results are told at once. Unset: they are asked.",
        ),
    ]
    costs: Annotated[
        Mapping[str, int],
        setting("RESEARCH_COSTS", _COSTS, costs, "What each kind costs, in cents."),
    ]
    budget: Annotated[
        int,
        setting("RESEARCH_BUDGET_CENTS", "100", cents, "What one person may spend in a month."),
    ]
    budget_of_all: Annotated[
        int,
        setting(
            "RESEARCH_TOTAL_BUDGET_CENTS",
            "10000",
            cents,
            "What all together may spend in a month, those who have left included; 0: no bound.",
        ),
    ]
    at_once: Annotated[
        int, setting("RESEARCH_AT_ONCE", "3", whole(1, 100), "Under way of one person.")
    ]
    most: Annotated[
        int,
        setting("RESEARCH_MAX", "1000", whole(1, 100_000), "Kept of one person, all in all."),
    ]
    known_s: Annotated[
        int,
        setting(
            "RESEARCH_CACHED",
            "1d",
            duration,
            "For so long the same question is answered as before, for nothing.",
        ),
    ]
    kept_s: Annotated[int, setting("RESEARCH_KEPT", "365d", duration, "How long answers are kept.")]

    @property
    def month(self) -> MonthlyBounds:
        """What a month has room for."""
        return MonthlyBounds(self.budget, self.budget_of_all)
