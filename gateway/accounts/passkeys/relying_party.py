"""WebAuthn as this exchange speaks it: options for browsers, and what their answers are worth.

Laws: every passkey is discoverable and was made by somebody whom the authenticator had verified
(PIN, fingerprint), so each can sign its owner in alone. Attestation isn't asked for: which make an
authenticator is is nobody's business here, and formats with certificate chains are refused unread.
Whatever is wrong with an answer is `NotThePasskey`, which says no more. Nothing here reads a table;
sign counts are compared where they are kept, behind the signature.

Source: Web Authentication Level 3 (W3C), 7.1 and 7.2.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import webauthn
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from webauthn.helpers import (
    base64url_to_bytes,
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    options_to_json_dict,
    parse_attestation_object,
    parse_client_data_json,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AttestationFormat,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from gateway.accounts.passkeys.answers import AssertionAnswer, RegistrationAnswer
from gateway.accounts.passkeys.settings import PasskeySettings, is_secure
from persistence.repositories.second_factor.passkeys import PasskeyRow

TIMEOUT_MS: Final = 300_000
ALGORITHMS: Final = [
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
_RSA_BITS: Final = range(2_048, 4_097)
_KNOWN_TRANSPORTS: Final = {transport.value: transport for transport in AuthenticatorTransport}


class NotThePasskey(Exception):
    """An answer that isn't what was asked for; why, its sender is not told."""


class Registered(msgspec.Struct, frozen=True):
    """A passkey that was made."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: list[str]
    is_synced: bool


class RelyingParty:
    """Makes options and checks answers for one domain and its pages."""

    def __init__(self, domain: str, origins: Sequence[str], name: str) -> None:
        self._domain = domain
        self._origins = list(origins)
        self._name = name

    def creation_options(
        self, user_id: int, name: str, shown: str, challenge: bytes, known: Sequence[PasskeyRow]
    ) -> dict[str, Any]:
        """Return what `navigator.credentials.create` takes; `known` can't be made again."""
        options = webauthn.generate_registration_options(
            rp_id=self._domain,
            rp_name=self._name,
            user_id=handle_of(user_id),
            user_name=name,
            user_display_name=shown,
            challenge=challenge,
            timeout=TIMEOUT_MS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=_descriptors(known),
            supported_pub_key_algs=ALGORITHMS,
        )
        return options_to_json_dict(options)

    def request_options(
        self, challenge: bytes, allowed: Sequence[PasskeyRow], *, verifies_user: bool
    ) -> dict[str, Any]:
        """Return what `navigator.credentials.get` takes; without `allowed` the person chooses."""
        asks = UserVerificationRequirement
        options = webauthn.generate_authentication_options(
            rp_id=self._domain,
            challenge=challenge,
            timeout=TIMEOUT_MS,
            allow_credentials=_descriptors(allowed),
            user_verification=asks.REQUIRED if verifies_user else asks.PREFERRED,
        )
        return options_to_json_dict(options)

    def registered(self, answer: RegistrationAnswer, challenge: bytes) -> Registered:
        """Return the passkey that an answer brings; raises NotThePasskey."""
        try:
            _refuse_chains(answer)
            found = webauthn.verify_registration_response(
                credential=answer.plain(),
                expected_challenge=challenge,
                expected_rp_id=self._domain,
                expected_origin=self._origins,
                require_user_verification=True,
                supported_pub_key_algs=ALGORITHMS,
            )
            _check_key(found.credential_public_key)
        except Exception as error:
            raise NotThePasskey from error
        return Registered(
            found.credential_id,
            found.credential_public_key,
            found.sign_count,
            sorted({name for name in answer.response.transports if name in _KNOWN_TRANSPORTS}),
            found.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        )

    def sign_count(
        self, answer: AssertionAnswer, challenge: bytes, public_key: bytes, *, verifies_user: bool
    ) -> int:
        """Return the count that an answer is signed with; raises NotThePasskey."""
        try:
            found = webauthn.verify_authentication_response(
                credential=answer.plain(),
                expected_challenge=challenge,
                expected_rp_id=self._domain,
                expected_origin=self._origins,
                credential_public_key=public_key,
                # Compared in the table, once the signature has been found right.
                credential_current_sign_count=0,
                require_user_verification=verifies_user,
            )
        except Exception as error:
            raise NotThePasskey from error
        return found.new_sign_count


def relying_party(
    settings: PasskeySettings, frontend_url: str | None, name: str
) -> RelyingParty | None:
    """Return who passkeys are made for; None where no page is known on which they could be."""
    origins = settings.origins
    if not origins and frontend_url is not None:
        parts = urlsplit(frontend_url)
        page = f"{parts.scheme}://{parts.netloc}".lower()
        origins = (page,) if is_secure(page) else ()
    domain = settings.relying_party
    if domain is None and frontend_url is not None:
        domain = urlsplit(frontend_url).hostname
    return RelyingParty(domain, origins, name) if domain and origins else None


def challenge_of(answer: RegistrationAnswer | AssertionAnswer) -> bytes:
    """Return the challenge that an answer says it answers; raises NotThePasskey."""
    try:
        data = parse_client_data_json(base64url_to_bytes(answer.response.client_data_json))
    except Exception as error:
        raise NotThePasskey from error
    # In a frame of somebody else's page people don't know what they sign.
    if data.cross_origin or not isinstance(data.origin, str):
        raise NotThePasskey
    return data.challenge


def credential_id_of(answer: AssertionAnswer) -> bytes:
    """Return which passkey an answer says it is of; raises NotThePasskey."""
    return _decoded(answer.raw_id)


def is_handle_of(user_id: int, answer: AssertionAnswer) -> bool:
    """Say whether an answer names the user as its owner."""
    handle = answer.response.user_handle
    return handle is not None and _decoded(handle) == handle_of(user_id)


def handle_of(user_id: int) -> bytes:
    """Return by what an authenticator knows a user: the same for all of one's passkeys."""
    text = str(user_id).encode("ascii")
    return hashlib.blake2b(text, digest_size=32, person=b"passkey's owner").digest()


def _decoded(text: str) -> bytes:
    try:
        return base64url_to_bytes(text)
    except ValueError as error:
        raise NotThePasskey from error


def _descriptors(rows: Sequence[PasskeyRow]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=row.credential_id,
            transports=[_KNOWN_TRANSPORTS[name] for name in row.transports],
        )
        for row in rows
    ]


def _refuse_chains(answer: RegistrationAnswer) -> None:
    """Raise NotThePasskey for an attestation that isn't asked for, before its certificates are
    looked at.
    """
    data = base64url_to_bytes(answer.response.attestation_object)
    attestation = parse_attestation_object(data)
    is_known = attestation.fmt in {AttestationFormat.NONE, AttestationFormat.PACKED}
    if not is_known or attestation.att_stmt.x5c is not None:
        raise NotThePasskey


def _check_key(public_key: bytes) -> None:
    """Raise an error for a key that couldn't be used, or would be dear to use."""
    key = decoded_public_key_to_cryptography(decode_credential_public_key(public_key))
    if isinstance(key, RSAPublicKey) and key.key_size not in _RSA_BITS:
        raise NotThePasskey
