"""Passkeys as their owner sees them, and what browsers are given."""

from typing import Annotated, Any

import msgspec

from gateway.wire.scalars import iso_millis, time_if_known
from gateway.wire.strict_json import AnswerStruct
from persistence.repositories.second_factor.passkeys import PasskeyRow

OptionsObject = Annotated[
    dict[str, Any],
    msgspec.Meta(
        description="WebAuthn's options in JSON, as PublicKeyCredential's"
        " parseCreationOptionsFromJSON and parseRequestOptionsFromJSON take them"
    ),
]


class PasskeyCreationView(AnswerStruct, frozen=True):
    """What `navigator.credentials.create` is called with, within five minutes."""

    public_key: OptionsObject


class PasskeyRequestView(AnswerStruct, frozen=True):
    """What `navigator.credentials.get` is called with, within five minutes."""

    public_key: OptionsObject


class PasskeyView(AnswerStruct, frozen=True):
    """A passkey."""

    id: str
    label: str
    transports: list[str]
    synced: bool
    """Whether it may be on several devices of its owner."""
    created_at: str
    last_used_at: str | None

    @classmethod
    def of(cls, row: PasskeyRow) -> "PasskeyView":
        """Return the view of a passkey."""
        return cls(
            str(row.id),
            row.label,
            row.transports,
            row.is_synced,
            iso_millis(row.created_at),
            time_if_known(row.last_used_at),
        )
