"""Being invited: the code of whoever told one of this place, given when signing up.

Laws: every way of signing up takes a code; one that is nobody's is refused before anybody is added,
by the field's name. It counts for who is new: for anybody else it is left alone. What comes of it
is the economy's (`economy/referrals`).
"""

import re
from typing import Annotated, Final

import msgspec

from gateway.wire.errors import ValidationFailed
from persistence.repositories.economy.referrals import Referrals

FIELD: Final = "referralCode"
CODE_LENGTH: Final = 10
_CODE: Final = re.compile(r"[a-z2-7]{10}", re.ASCII)
NOBODYS: Final = "must be the code of somebody who is here; leave it out to sign up without one"

ReferralText = Annotated[
    str,
    msgspec.Meta(
        max_length=CODE_LENGTH,
        description="of whoever invited one (GET /referrals/me); counts for who is new",
        extra_json_schema={"pattern": "^[a-z2-7]{10}$"},
    ),
]


class Invitations:
    """Notes who came by whose code."""

    def __init__(self, rows: Referrals) -> None:
        self._rows = rows

    async def inviter(self, code: str | None) -> int | None:
        """Return whose code it is, None for none; raises ValidationFailed for one of nobody's."""
        if code is None:
            return None
        found = await self._rows.inviter_of(code) if _CODE.fullmatch(code) else None
        if found is None:
            raise ValidationFailed.of(FIELD, NOBODYS)
        return found

    async def note(self, user_id: int, inviter_id: int | None) -> None:
        """Note who invited somebody, if they are new."""
        if inviter_id is not None:
            await self._rows.add(user_id, inviter_id)
