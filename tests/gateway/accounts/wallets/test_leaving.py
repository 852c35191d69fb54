"""Signing in by a wallet at the moment at which its owner leaves for good."""

import pytest

from gateway.accounts.second_factor.challenges import Challenges
from persistence.repositories.people.personal_data import PersonalData
from tests.gateway.accounts.wallets.signers import URL, Metamask
from tests.gateway.accounts.wallets.test_wallets import (
    SIGN_IN,
    call,
    outcomes,
    proof,
    refusal,
    sign_in,
)
from tests.gateway.conftest import MakeWeb


async def test_nobody_comes_in_who_is_leaving(
    make_web: MakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    web, signer = await make_web(FRONTEND_URL=f"{URL}/app", ETHEREUM_CHAINS="1"), Metamask()
    ann = await sign_in(web, signer)
    require_none = Challenges.require_none

    async def looked(self: Challenges, user_id: int, way: str, hashed: str | None = None) -> None:
        await require_none(self, user_id, way, hashed)
        await PersonalData(web.parts.pool).erase(ann.id, 1)

    monkeypatch.setattr(Challenges, "require_none", looked)
    answer = await call(web, "POST", SIGN_IN, await proof(web, signer))
    assert refusal(answer) == (401, "UNAUTHORIZED", [])
    assert (await outcomes(web, "auth.login"))[-1] == (None, f"user:{ann.id} wallet", "overtaken")
