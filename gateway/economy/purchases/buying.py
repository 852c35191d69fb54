"""Buying credits: the provider is paid, then the three steps of `movements` give them.

Laws: a purchase is stored first, under whose number the provider and the engine are asked; what
broke off anywhere is gone on with by the sweep (`finish_left`), and nothing is charged or given
twice. The bound on what anybody is given is looked at before anything is charged, and a purchase
counts there from then on. What was paid and the engine refuses goes back.
"""

import contextlib
from typing import Any, Final

from exchange.messages.commands import CreditAccount
from exchange.messages.terms import MoneyKind
from exchange.model.state import State
from gateway.economy.movements.movements import INTERVAL_SECONDS, Kind, Movements
from gateway.economy.purchases.packages import BY_ID, CURRENCY
from gateway.economy.purchases.providers import Charge, PaymentProvider, ProviderAway
from gateway.economy.room import require_fit
from gateway.engine_side.refusals import EngineRefused
from gateway.jobs.looking import look_again
from gateway.jobs.supervisor import CheckIn
from gateway.wire.errors import Conflict, NotFound, Refused, UnknownOutcome, ValidationFailed
from persistence.clock import now_us
from persistence.errors import CommandNotTaken
from persistence.loop.ports import Answer
from persistence.postgres.database import OUTAGES, DeadlinePool
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.economy.intents import Intent, Intents, NewIntent
from persistence.repositories.economy.purchases import NewPurchase, Purchase, Purchases

REASON: Final = "purchase"
AT_ONCE: Final = 20
"""Purchases that a round of the sweep goes on with."""
_SWEEP: Final = "economy"


class PaymentDeclined(Refused):
    """The provider was not paid."""

    def __init__(self) -> None:
        super().__init__("PAYMENT_DECLINED", "The payment was declined; nothing was charged")


class Buying:
    """Sells credits; the sweep (`run`) is the engine's process'."""

    NAME: Final = "purchases"

    def __init__(
        self,
        pool: DeadlinePool,
        movements: Movements,
        view: State,
        provider: PaymentProvider,
        audit: AuditLog,
        most: int,
        *,
        is_open: bool,
    ) -> None:
        """`most` is how much anybody is given. Unless it `is_open` nothing is sold, and what was
        begun before is seen through.
        """
        self.is_open = is_open
        self._pool = pool
        self._rows = Purchases(pool)
        self._movements = movements
        self._view = view
        self._provider = provider
        self._audit = audit
        self._most = most

    async def buy(
        self, user_id: int, package_id: str, method: str, request_id: str | None, call: str
    ) -> tuple[Purchase, Intent, bool]:
        """Buy a package; return the purchase, its intent, and whether it was asked for before.

        `request_id` is the buyer's own, `call` the HTTP request's.

        Raises NotFound where nothing is sold and nothing was under this id, ValidationFailed for no
        package, Conflict for another purchase under this id, CreditsLimit, PaymentDeclined,
        ReadsOnly, EngineRefused (it is given back), UnknownOutcome (it is seen through).
        """
        package = BY_ID.get(package_id)
        if not self.is_open and (package is None or request_id is None):
            raise NotFound("No credits are sold here")
        if package is None:
            raise ValidationFailed.of("packageId", f"must be one of {', '.join(BY_ID)}")
        self._movements.require_engine()
        new = NewPurchase(
            user_id,
            request_id,
            package.id,
            package.credits,
            package.price,
            CURRENCY,
            self._provider.name,
            method,
        )
        purchase, is_first = await self._stored(new)
        try:
            intent, is_repeat = await self._go_on(purchase, call)
            purchase = await self._rows.by_id(purchase.id)
        except (ProviderAway, CommandNotTaken, *OUTAGES) as error:
            raise UnknownOutcome from error
        return purchase, intent, is_repeat or not is_first

    async def _stored(self, new: NewPurchase) -> tuple[Purchase, bool]:
        """Store a purchase, or find the one of its request id; say which.

        Raises UnknownOutcome if it may be stored, and so charged for by the sweep.
        """
        added = None
        try:
            async with self._pool.transaction() as connection:
                await self._rows.hold_owner(connection, new.account_id)
                there = await self._rows.asked_before(connection, new)
                if there is not None:
                    if not there.is_same(new):
                        raise Conflict("requestId: stands for another purchase of yours")
                    return there, False
                if not self.is_open:
                    raise NotFound("No credits are sold here")
                # First what is to come: what is given meanwhile counts twice rather than never.
                to_come = await Intents.to_come(connection, new.account_id)
                account = self._view.accounts.get(new.account_id)
                shown = 0 if account is None else account.available + account.locked
                held = await Intents.held(connection, new.account_id, shown)
                require_fit(held, to_come, new.credits, self._most)
                added = await self._rows.add(connection, new, now_us())
        except OUTAGES as error:
            if added is None:
                raise
            raise UnknownOutcome from error
        return added, True

    async def _go_on(self, purchase: Purchase, call: str) -> tuple[Intent, bool]:
        """See a purchase through from wherever it is.

        Raises PaymentDeclined, and what `Movements.carry_out` does.
        """
        is_first = False
        if purchase.status == "CHARGING":
            purchase, is_first = await self._charged(purchase, call)
        if purchase.intent_id is None:
            raise PaymentDeclined
        intent = await self._movements.by_id(purchase.intent_id)
        if intent is None:
            raise TypeError(f"{purchase.reference} has lost its intent")
        return await self._movements.carry_out(
            # What was paid for is never taken back: the sweep sees it through.
            intent,
            request_id=call,
            is_first=is_first,
            withdraws=False,
        )

    async def _charged(self, purchase: Purchase, call: str) -> tuple[Purchase, bool]:
        """Have the provider paid; return the purchase as it stands, and whether its intent is the
        caller's to send first.
        """
        charge = Charge(purchase.reference, purchase.price, purchase.currency, purchase.method)
        if not await self._provider.charge(charge):
            if await self._rows.decline(purchase.id):
                await self._note(purchase, call, "economy.purchase", "PAYMENT_DECLINED")
            return await self._rows.by_id(purchase.id), False

        async def write(connection: Any) -> Intent:  # noqa: ANN401 - the pool's
            if not await self._rows.hold_charging(connection, purchase.id):
                raise _Elsewhere
            intent = await Intents.add(connection, purchase_intent(purchase), now_us())
            await self._rows.pay(connection, purchase.id, intent.id)
            return intent

        is_first = True
        try:
            await self._movements.begin(Kind.PURCHASE, write)
        except _Elsewhere:
            is_first = False
        return await self._rows.by_id(purchase.id), is_first

    async def _refund(self, purchase: Purchase) -> None:
        await self._provider.refund(purchase.reference)
        if await self._rows.refunded(purchase.id):
            await self._note(purchase, _SWEEP, "economy.refund", "ok")

    async def _note(self, purchase: Purchase, call: str, action: str, outcome: str) -> None:
        what = f"user:{purchase.account_id} {purchase.reference}"
        await AuditTrail(self._audit, call).note(purchase.account_id, action, what, outcome)

    async def finish_left(self) -> int:
        """Go on with what broke off, and return how many purchases those were."""
        left = await self._rows.claim(now_us(), AT_ONCE)
        for purchase in left:
            # Whatever isn't known yet is asked for again later; what is refused goes back then.
            with contextlib.suppress(
                ProviderAway, UnknownOutcome, CommandNotTaken, EngineRefused, PaymentDeclined
            ):
                if purchase.status == "REFUSED":
                    await self._refund(purchase)
                else:
                    await self._go_on(purchase, _SWEEP)
        return len(left)

    async def run(self, check_in: CheckIn) -> None:
        """Finish what is left, again and again, until cancelled."""
        await look_again(self.finish_left, check_in, pause_s=INTERVAL_SECONDS)


class _Elsewhere(Exception):
    """Somebody else went on with the purchase first."""


async def note_answer(connection: Any, intent: Intent, _answer: Answer) -> None:  # noqa: ANN401 - the pool's
    """Note on a purchase that the engine didn't give its credits."""
    if intent.status == "REFUSED":
        await Purchases.refuse(connection, intent.id)


def purchase_intent(purchase: Purchase) -> NewIntent:
    """Return the intent of a purchase, whose id is made of its number."""
    command = CreditAccount(
        purchase.account_id,
        purchase.credits,
        REASON,
        purchase.reference,
        kind=MoneyKind.PURCHASE,
    )
    return NewIntent(Kind.PURCHASE, command)
