"""What a browser sends of a passkey: the JSON of `PublicKeyCredential.toJSON()`.

Laws: every text is bounded before it is decoded. Here alone unknown fields are passed over:
browsers add what later versions of WebAuthn bring, and what we check is what the authenticator has
signed.
"""

from typing import Annotated, Any, Final, Literal

import msgspec

_BASE64URL: Final = r"^[A-Za-z0-9_-]+\Z"


def _bytes_text(most: int, description: str) -> msgspec.Meta:
    return msgspec.Meta(
        min_length=1, max_length=most, pattern=_BASE64URL, description=f"base64url of {description}"
    )


IdText = Annotated[str, _bytes_text(1_364, "the credential's id")]
ClientDataText = Annotated[str, _bytes_text(8_192, "what the browser says of the call")]
AttestationText = Annotated[str, _bytes_text(16_384, "the new credential")]
AuthenticatorDataText = Annotated[str, _bytes_text(4_096, "what the authenticator says")]
SignatureText = Annotated[str, _bytes_text(2_048, "the signature")]
UserHandleText = Annotated[str, _bytes_text(128, "whose it is")]
TransportText = Annotated[str, msgspec.Meta(max_length=20)]


class AttestationResponse(msgspec.Struct, frozen=True, kw_only=True):
    """What an authenticator says of a passkey that it made."""

    client_data_json: ClientDataText = msgspec.field(name="clientDataJSON")
    attestation_object: AttestationText = msgspec.field(name="attestationObject")
    transports: Annotated[list[TransportText], msgspec.Meta(max_length=16)] = []


class RegistrationAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A passkey that was made."""

    id: IdText
    raw_id: IdText = msgspec.field(name="rawId")
    type: Literal["public-key"]
    response: AttestationResponse

    def plain(self) -> dict[str, Any]:
        """Return it as the library takes it."""
        data: dict[str, Any] = msgspec.to_builtins(self)
        return data


class AssertionResponse(msgspec.Struct, frozen=True, kw_only=True):
    """What an authenticator has signed with a passkey."""

    client_data_json: ClientDataText = msgspec.field(name="clientDataJSON")
    authenticator_data: AuthenticatorDataText = msgspec.field(name="authenticatorData")
    signature: SignatureText
    user_handle: UserHandleText | None = msgspec.field(name="userHandle", default=None)


class AssertionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The use of a passkey."""

    id: IdText
    raw_id: IdText = msgspec.field(name="rawId")
    type: Literal["public-key"]
    response: AssertionResponse

    def plain(self) -> dict[str, Any]:
        """Return it as the library takes it."""
        data: dict[str, Any] = msgspec.to_builtins(self)
        return data
