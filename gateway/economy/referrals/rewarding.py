"""Giving both their bonus once the invited has placed a first order.

Laws: a referral is rewarded once, however many look at it at once: whoever holds its row stores
both intents with it, in one transaction. An inviter is given at most so many bonuses; the invited
is given theirs all the same. Nobody is given more than `room` allows: then there is a note instead.
Only the process with the engine does this, as it sends what it stores.
"""

from typing import Any, Final

from exchange.messages.commands import CreditAccount
from exchange.messages.terms import MoneyKind
from exchange.model.state import State
from gateway.economy.movements.movements import INTERVAL_SECONDS, Kind, Movements, Point
from gateway.economy.room import fits
from gateway.economy.settings import EconomySettings
from gateway.jobs.looking import look_again
from gateway.jobs.supervisor import CheckIn
from persistence.clock import now_us
from persistence.postgres.database import DeadlinePool
from persistence.repositories.economy.intents import Intents, NewIntent
from persistence.repositories.economy.referrals import Referrals

REASON: Final = "referral"
LOOKED_THROUGH: Final = 2_000
"""People that a round looks at."""
CAPPED: Final = "REFERRALS_PER_INVITER_MAX"
TOO_MUCH: Final = "MAX_USER_CREDITS"
OFF: Final = "NO_BONUS"


class Rewarding:
    """Looks for who has placed a first order; the loop (`run`) is the engine's process'."""

    NAME: Final = "referrals"

    def __init__(
        self, pool: DeadlinePool, movements: Movements, view: State, settings: EconomySettings
    ) -> None:
        self._pool = pool
        self._rows = Referrals(pool)
        self._movements = movements
        self._view = view
        self._settings = settings
        self._after = 0

    async def reward(self, invited_id: int) -> bool:
        """Reward a referral; say whether that is news. Both intents wait for the sweep."""
        self._movements.require_engine()
        self._movements.reached(Point.BEFORE_INTENT, Kind.REFERRAL)
        async with self._pool.transaction() as connection:
            inviter_id = await self._rows.hold(connection, invited_id)
            if inviter_id is None:
                return False
            note = None
            if await self._rows.given_to(inviter_id, connection) >= self._settings.referrals_max:
                note = CAPPED
            first = await self._given(connection, inviter_id, invited_id, note)
            second = await self._given(connection, invited_id, invited_id, None)
            (intent, note), (own_intent, own_note) = first, second
            await self._rows.reward(
                connection, invited_id, now_us(), (intent, own_intent), (note, own_note)
            )
        self._movements.reached(Point.AFTER_INTENT, Kind.REFERRAL)
        return True

    async def _given(
        self,
        connection: Any,  # noqa: ANN401 - the pool's
        account_id: int,
        invited_id: int,
        note: str | None,
    ) -> tuple[int | None, str | None]:
        """Store the intent of a bonus; return its number, or why there is none."""
        amount, most = self._settings.referral_bonus_credits, self._settings.user_credits_max
        if not amount:
            return None, OFF
        if note is not None:
            return None, note
        # First what is to come: what is given meanwhile counts twice rather than never.
        to_come = await Intents.to_come(connection, account_id)
        account = self._view.accounts.get(account_id)
        shown = 0 if account is None else account.available + account.locked
        held = await Intents.held(connection, account_id, shown)
        if not fits(held, to_come, amount, most):
            return None, TOO_MUCH
        new = referral_intent(account_id, invited_id, amount)
        intent = await Intents.put_in_line(connection, new, now_us())
        return (None, OFF) if intent is None else (intent.id, None)

    async def look(self) -> int:
        """Look through the next of the invited; return how many were rewarded."""
        due, further = await self._rows.waiting(self._after, LOOKED_THROUGH)
        self._after = further or 0
        return sum([await self.reward(invited_id) for invited_id in due])

    async def run(self, check_in: CheckIn) -> None:
        """Look, again and again, until cancelled."""
        await look_again(self.look, check_in, pause_s=INTERVAL_SECONDS)


def referral_intent(account_id: int, invited_id: int, amount: int) -> NewIntent:
    """Return the intent of a bonus, whose id names who is given it and who was invited."""
    system_id = f"referral:{account_id}:{invited_id}"
    command = CreditAccount(account_id, amount, REASON, system_id, kind=MoneyKind.REFERRAL)
    return NewIntent(Kind.REFERRAL, command)
