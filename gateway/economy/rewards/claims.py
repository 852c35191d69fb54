"""Claiming a day's reward, by whoever asks for it and by the job for whoever was there.

Laws: one reward a person and UTC day, however many ask at once; the rules are `rules`, the steps
`movements`. What is on its way when somebody asks again is carried on with, under its own id.
"""

from datetime import date, timedelta
from typing import Any, Final

from exchange.messages.commands import CreditAccount
from exchange.messages.terms import MoneyKind
from exchange.model.state import State
from gateway.economy.movements.movements import Kind, Movements
from gateway.economy.rewards.rules import day_of, reward, start_of, streak_after
from gateway.economy.room import fits, require_fit
from gateway.economy.settings import EconomySettings
from gateway.wire.errors import Conflict, NotFound
from persistence.clock import now_us
from persistence.errors import CommandNotTaken
from persistence.postgres.database import DeadlinePool
from persistence.repositories.economy.intents import Intent, Intents, NewIntent
from persistence.repositories.economy.rewards import DailyRewards, Reward

REASON: Final = "daily reward"


class Claims:
    """Rewards who comes back."""

    def __init__(
        self,
        rows: DailyRewards,
        movements: Movements,
        view: State,
        settings: EconomySettings,
    ) -> None:
        self._rows = rows
        self._movements = movements
        self._view = view
        self._settings = settings

    async def claim(self, user_id: int, request_id: str) -> tuple[Reward, Intent, bool]:
        """Give the day's reward; return it, its intent, and whether it was on its way before.

        Raises NotFound where nothing is given, Conflict if the day was rewarded, CreditsLimit,
        ReadsOnly, EngineRefused, CommandNotTaken, UnknownOutcome.
        """
        if not self._settings.daily_reward_credits:
            raise NotFound("There are no daily credits here")
        day = day_of(now_us())
        found: list[Reward] = []

        async def write(connection: Any) -> Intent:  # noqa: ANN401 - the pool's
            await self._rows.hold(connection, user_id)
            today, before = await self._rows.latest(user_id, day, connection)
            if today is not None and not today.is_refused:
                raise _Rewarded(today)
            made, new = self._made(user_id, day, today, before)
            to_come = await Intents.to_come(connection, user_id)
            account = self._view.accounts.get(user_id)
            shown = 0 if account is None else account.available + account.locked
            held = await Intents.held(connection, user_id, shown)
            require_fit(held, to_come, made.amount, self._settings.user_credits_max)
            intent = await Intents.add(connection, new, now_us())
            await self._rows.put(
                connection, user_id, day, made.streak, made.amount, made.attempt, intent.id
            )
            found.append(made)
            return intent

        is_first = True
        try:
            intent = await self._movements.begin(Kind.REWARD, write)
            given = found[0]
        except _Rewarded as rewarded:
            given, is_first = rewarded.reward, False
            if given.status == "DONE":
                raise _claimed(day) from None
            there = await self._movements.by_id(given.intent_id)
            if there is None:
                raise CommandNotTaken("the claim under way was taken back") from None
            intent = there
        intent, is_repeat = await self._movements.carry_out(
            intent,
            request_id=request_id,
            is_first=is_first,
            # A later attempt's row is the first one's too, which would be tried anew without it.
            withdraws=given.attempt == 1,
        )
        return given, intent, is_repeat or not is_first

    def _made(
        self, user_id: int, day: date, refused: Reward | None, before: Reward | None
    ) -> tuple[Reward, NewIntent]:
        streak = 1
        if before is not None:
            streak = streak_after(before.day, before.streak, day)
        attempt = 1 if refused is None else refused.attempt + 1
        amount = reward(self._settings.daily_reward_credits, streak)
        new = reward_intent(user_id, day, amount, attempt)
        return Reward(day, streak, amount, attempt, 0, "PENDING"), new

    async def standing(self, user_id: int) -> tuple[Reward | None, int, date]:
        """Return today's reward if it was given, the streak that the next one has, and its day."""
        day = day_of(now_us())
        today, before = await self._rows.latest(user_id, day)
        if today is not None and not today.is_refused:
            return today, today.streak + 1, day + timedelta(days=1)
        streak = 1 if before is None else streak_after(before.day, before.streak, day)
        return None, streak, day


class Everybody:
    """Rewards all who were there on the day before; the sweep sees what it stores through."""

    PIECE: Final = 200

    def __init__(self, rows: DailyRewards, pool: DeadlinePool, settings: EconomySettings) -> None:
        self._rows = rows
        self._pool = pool
        self._settings = settings

    async def reward(self, now: int) -> int:
        """Store the rewards of the day of `now` that aren't there; return how many those are."""
        base, most = self._settings.daily_reward_credits, self._settings.user_credits_max
        if not base:
            return 0
        day = day_of(now)
        # Who came today for the first time was not there before, and claims by hand.
        midnight, since = start_of(day), start_of(day - timedelta(days=1))
        after = given = 0
        while True:
            async with self._pool.transaction() as connection:
                held = await self._rows.hold_active(
                    connection, after, day, since, midnight, self.PIECE
                )
                for one in await self._rows.active(connection, held, day):
                    streak = one.streak + 1
                    amount = reward(base, streak)
                    if not fits(one.held, one.to_come, amount, most):
                        continue
                    new = reward_intent(one.user_id, day, amount, 1)
                    intent = await Intents.put_in_line(connection, new, now)
                    if intent is None:
                        continue  # one whose id was used up keeps nobody else waiting
                    await self._rows.put(connection, one.user_id, day, streak, amount, 1, intent.id)
                    given += 1
            if len(held) < self.PIECE:
                return given
            after = held[-1]


class _Rewarded(Exception):
    """The day has a reward already."""

    def __init__(self, reward: Reward) -> None:
        super().__init__()
        self.reward = reward


def reward_intent(user_id: int, day: date, amount: int, attempt: int) -> NewIntent:
    """Return the intent of a day's reward, whose id is made of the row's key."""
    system_id = f"reward:{user_id}:{day.isoformat()}:{attempt}"
    command = CreditAccount(user_id, amount, REASON, system_id, kind=MoneyKind.REWARD)
    return NewIntent(Kind.REWARD, command)


def _claimed(day: date) -> Conflict:
    return Conflict(
        f"The reward of {day.isoformat()} was claimed; the next one is there at midnight UTC"
    )
