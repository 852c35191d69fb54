"""Codes of an authenticator app (TOTP, RFC 6238): six digits, SHA-1, a new one every 30 seconds.

Laws: the code of the step before and of the one to come are taken too, for clocks that are a little
off; which step it was is told, so that whoever takes it can use it up. All three are compared
whatever the first one says. Nothing here reads a clock or a table.
"""

import hmac
import re
from typing import Final

import pyotp

from persistence.clock import MICROSECONDS

STEP_SECONDS: Final = 30
STEPS_OFF: Final = 1
"""So many steps a clock may be off, either way."""
DIGITS: Final = 6
CODE_PATTERN: Final = r"^[0-9]{3} ?[0-9]{3}$"
_CODE: Final = re.compile(CODE_PATTERN.strip("^$"), re.ASCII)


def new_secret() -> str:
    """Return a secret of 160 bits in base32, as long as RFC 4226 asks for."""
    return pyotp.random_base32(32)


def step_of(at: int) -> int:
    """Return the time step of a time in microseconds since the epoch."""
    return at // (STEP_SECONDS * MICROSECONDS)


def code_at(secret: str, step: int) -> str:
    """Return the code of a step."""
    return pyotp.TOTP(secret, digits=DIGITS, interval=STEP_SECONDS).generate_otp(step)


def is_code(text: str) -> bool:
    """Say whether a text could be a code; people write it with a blank in its middle."""
    return _CODE.fullmatch(text) is not None


def matching_step(secret: str, text: str, at: int) -> int | None:
    """Return the step whose code it is, about a time in microseconds; None for no such code."""
    if not is_code(text):
        return None
    code, now, found = text.replace(" ", ""), step_of(at), None
    for step in range(now - STEPS_OFF, now + STEPS_OFF + 1):
        # Two steps may have the same code: the later one is used up with it.
        if step >= 0 and hmac.compare_digest(code_at(secret, step), code):
            found = step
    return found


def enrolment_uri(secret: str, account: str, issuer: str) -> str:
    """Return what an app reads from a QR code (otpauth://totp/...)."""
    otp = pyotp.TOTP(secret, digits=DIGITS, interval=STEP_SECONDS, name=account, issuer=issuer)
    return otp.provisioning_uri()
