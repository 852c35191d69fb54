"""Messages of EIP-4361: what is written is read back, and nothing else is read."""

import contextlib
import string
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.accounts.wallets import messages
from gateway.accounts.wallets.messages import Kind, SignInMessage, parse, written
from gateway.wire.errors import ValidationFailed

SECOND = 1_000_000
ETHEREUM = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
SOLANA = "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T"
EXAMPLE = f"""service.org wants you to sign in with your Ethereum account:
{ETHEREUM}

I accept the ServiceOrg Terms of Service: https://service.org/tos

URI: https://service.org/login
Version: 1
Chain ID: 1
Nonce: 32891757
Issued At: 2021-09-30T16:25:24.000Z
Resources:
- ipfs://Qme7ss3ARVgxv6rXqVPiikMJ8u2NLgmgszg13pYrDKEoiu
- https://example.com/my-web2-claim.json"""
"""The standard's own."""
PHANTOM = f"""service.org wants you to sign in with your Solana account:
{SOLANA}

URI: https://service.org
Version: 1
Chain ID: mainnet
Nonce: 32891757
Issued At: 2021-09-30T16:25:24.123456Z"""
VISIBLE = "".join(map(chr, range(33, 127)))
LETTERS = string.ascii_letters + string.digits


def text_of(alphabet: str, least: int, most: int) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=least, max_size=most)


TIMES = st.integers(0, int(timedelta(days=80_000) / timedelta(milliseconds=1))).map(
    lambda ms: ms * 1_000
)
KINDS = {
    Kind.ETHEREUM: (
        text_of(string.hexdigits, 40, 40).map("0x{}".format),
        st.integers(1, 10**19 - 1).map(str),
    ),
    Kind.SOLANA: (
        text_of("".join(c for c in LETTERS if c not in "0OIl"), 32, 44),
        st.sampled_from(["mainnet", "devnet", "solana:mainnet"]),
    ),
}


@st.composite
def sign_in_messages(draw: st.DrawFn) -> SignInMessage:
    kind = draw(st.sampled_from(Kind))
    address, chain = KINDS[kind]
    resources = st.lists(text_of(VISIBLE, 1, 40), max_size=messages.RESOURCES_MAX).map(tuple)
    return SignInMessage(
        kind=kind,
        scheme=draw(st.none() | st.sampled_from(["https", "http"])),
        domain=draw(text_of(LETTERS + ".:[]-", 1, 60)),
        address=draw(address),
        statement=draw(st.none() | text_of(VISIBLE + " ", 1, 200)),
        uri=draw(text_of(VISIBLE, 1, 100)),
        version=draw(st.sampled_from(["1", "2"])),
        chain=draw(chain),
        nonce=draw(text_of(LETTERS, 8, 64)),
        issued_at=draw(TIMES),
        expires_at=draw(st.none() | TIMES),
        not_before=draw(st.none() | TIMES),
        request_id=draw(st.none() | text_of(VISIBLE, 0, 50)),
        resources=draw(st.none() | resources),
    )


@given(sign_in_messages())
def test_what_is_written_is_read_back(message: SignInMessage) -> None:
    assert parse(written(message)) == message


@given(sign_in_messages(), st.data())
def test_what_is_read_is_what_was_written(message: SignInMessage, data: st.DataObject) -> None:
    """Whatever one character is changed to, it is refused or says something else."""
    text = written(message)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(codec="utf-8"))
    changed = text[:place] + other + text[place + 1 :]
    with contextlib.suppress(ValidationFailed):
        found = parse(changed)
        assert found != message or changed == text or written(found) == text


@given(st.text(max_size=3_000))
def test_any_text_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        parse(text)
    assert caught.value.details[0].field == "message"


def test_the_standards_example() -> None:
    assert parse(EXAMPLE) == SignInMessage(
        kind=Kind.ETHEREUM,
        domain="service.org",
        address=ETHEREUM,
        statement="I accept the ServiceOrg Terms of Service: https://service.org/tos",
        uri="https://service.org/login",
        chain="1",
        nonce="32891757",
        issued_at=1_633_019_124 * SECOND,
        resources=(
            "ipfs://Qme7ss3ARVgxv6rXqVPiikMJ8u2NLgmgszg13pYrDKEoiu",
            "https://example.com/my-web2-claim.json",
        ),
    )
    assert written(parse(EXAMPLE)) == EXAMPLE


def test_solana_without_a_statement_has_one_empty_line_or_two() -> None:
    found = parse(PHANTOM)
    assert (found.kind, found.statement) == (Kind.SOLANA, None)
    assert found.issued_at == 1_633_019_124_123_000
    assert parse(PHANTOM.replace("\n\nURI", "\n\n\nURI")) == found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n", "\r\n"),
        ("Ethereum", "Bitcoin"),
        ("Ethereum", "Solana"),
        ("Version: 1", "version: 1"),
        ("Version: 1\n", ""),
        ("Chain ID: 1", "Chain ID: 0x1"),
        ("Chain ID: 1", "Chain ID: mainnet"),
        ("Chain ID: 1", "Chain ID: 1\nChain ID: 1"),
        ("Nonce: 32891757", "Nonce: 3289175"),
        ("Nonce: 32891757", "Nonce: " + "1" * 65),
        ("Nonce: 32891757", "Nonce: 32891757 "),
        ("2021-09-30T16:25:24.000Z", "2021-09-30"),
        ("2021-09-30T16:25:24.000Z", "2021-02-30T16:25:24Z"),
        ("2021-09-30T16:25:24.000Z", "2021-09-30T16:25:24"),
        ("2021-09-30T16:25:24.000Z", "1921-09-30T16:25:24Z"),
        ("I accept", "I äccept"),
        ("I accept", "I\taccept"),
        ("Resources:\n", "Resources:\n" + "- a:b\n" * 9),
        ("service.org wants", "service.org/x wants"),
        ("service.org wants", "me@service.org wants"),
        (ETHEREUM, ETHEREUM[:-1]),
        (ETHEREUM, ETHEREUM.replace("0x", "0X")),
        (EXAMPLE, EXAMPLE + "\n"),
        (EXAMPLE, " " + EXAMPLE),
        (EXAMPLE, EXAMPLE + "\n- " + "a" * 2_000),
        ("\n\nI accept the ServiceOrg Terms of Service: https://service.org/tos\n\n", "\n\n"),
    ],
)
def test_what_is_no_message(old: str, new: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        parse(EXAMPLE.replace(old, new))
    assert caught.value.details[0].field == "message"


def test_fields_are_told_apart_by_their_order() -> None:
    with pytest.raises(ValidationFailed):
        parse(EXAMPLE.replace("Version: 1\nChain ID: 1", "Chain ID: 1\nVersion: 1"))
    assert msgspec.structs.replace(parse(EXAMPLE), statement="URI: https://evil.example") == parse(
        EXAMPLE.replace(
            "I accept the ServiceOrg Terms of Service: https://service.org/tos",
            "URI: https://evil.example",
        )
    )
