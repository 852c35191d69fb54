"""Codes of an app at the edges of their time, and recovery codes as people write them."""

import re

import pytest

from gateway.accounts.second_factor.recovery_codes import code_hash, code_hashes, new_codes
from gateway.accounts.second_factor.totp import (
    code_at,
    enrolment_uri,
    matching_step,
    new_secret,
    step_of,
)

SECOND = 1_000_000
STEP = 30 * SECOND
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"""Of RFC 6238, appendix B: "12345678901234567890"."""


@pytest.mark.parametrize(
    ("at_s", "code"),
    [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ],
)
def test_codes_are_those_of_the_standard(at_s: int, code: str) -> None:
    step = step_of(at_s * SECOND)
    assert code_at(RFC_SECRET, step) == code
    assert matching_step(RFC_SECRET, code, at_s * SECOND) == step


@pytest.mark.parametrize(
    ("offset_us", "taken"),
    [
        (-STEP - 1, False),  # two steps before its own begins
        (-STEP, True),
        (-1, True),
        (0, True),
        (STEP - 1, True),
        (STEP, True),
        (2 * STEP - 1, True),
        (2 * STEP, False),  # its successor's successor has begun
    ],
)
def test_a_code_is_taken_one_step_before_and_after_its_own(offset_us: int, taken: bool) -> None:
    secret, step = new_secret(), 55_555_555
    at = step * STEP + offset_us
    found = matching_step(secret, code_at(secret, step), at)
    assert found == (step if taken else None)


def test_time_begins_with_a_whole_window() -> None:
    secret = new_secret()
    assert matching_step(secret, code_at(secret, 0), 0) == 0
    assert matching_step(secret, code_at(secret, 1), 0) == 1


@pytest.mark.parametrize(
    "text",
    ["", "12345", "1234567", "12345a", " 123456", "123456\n", "12 3456", "\uff11" * 6, "1" * 900],
)
def test_what_cannot_be_a_code(text: str) -> None:
    assert matching_step(new_secret(), text, 0) is None


def test_a_code_may_have_a_blank_in_its_middle() -> None:
    code = code_at(RFC_SECRET, 7)
    assert matching_step(RFC_SECRET, f"{code[:3]} {code[3:]}", 7 * STEP) == 7


def test_a_secret_is_as_long_as_its_hash_and_goes_into_a_qr_code() -> None:
    secret = new_secret()
    assert re.fullmatch(r"[A-Z2-7]{32}", secret)
    assert secret != new_secret()
    uri = enrolment_uri(secret, "ada@example.org", "The Exchange")
    assert uri == (
        f"otpauth://totp/The%20Exchange:ada%40example.org?secret={secret}&issuer=The%20Exchange"
    )


def test_recovery_codes_are_ten_of_eighty_bits() -> None:
    codes = new_codes()
    assert len({*codes, *new_codes()}) == 20
    for code in codes:
        assert re.fullmatch(r"([0-9a-hjkmnp-tv-z]{4}-){3}[0-9a-hjkmnp-tv-z]{4}", code)
    assert len(set(code_hashes(7, codes))) == 10


def test_recovery_codes_are_read_as_people_write_them() -> None:
    digest = code_hash(7, "0011-abcd-ef01-2345")
    for text in ("0011abcdef012345", "OOLI ABCD EF01 2345", "00-1i-abcd-ef0l-2345 "):
        assert code_hash(7, text) == digest
    assert code_hash(8, "0011-abcd-ef01-2345") != digest


@pytest.mark.parametrize("text", ["", "0011-abcd-ef01-234", "u" * 16, "0" * 17, "\uff10" * 16])
def test_what_cannot_be_a_recovery_code(text: str) -> None:
    assert code_hash(7, text) is None
