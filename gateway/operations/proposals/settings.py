"""Whether one admin is enough."""

from typing import Annotated, ClassVar

from gateway.settings.reader import Area, setting
from gateway.settings.values import duration, switch


class ProposalSettings(Area, frozen=True, kw_only=True):
    """What two admins do together."""

    TITLE: ClassVar[str] = "Two persons"

    two_persons: Annotated[
        bool,
        setting(
            "TWO_PERSON_RULE",
            "off",
            switch,
            "Resolving, credits, debits, lifting a halt and roles take a second admin.",
        ),
    ]
    expires_in: Annotated[
        int,
        setting(
            "PROPOSAL_EXPIRES_IN", "24h", duration, "After which a proposal is approved no more."
        ),
    ]
