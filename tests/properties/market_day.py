"""Random commands of a busy market day, drawn from anything that can choose.

The same makers serve hypothesis (which shrinks) and seeded dice (which are fast): both are a
`Chooser`.  Choices lean towards where rules bite: prices at, one tick inside and outside the
other side's best; quantities at a level's size, at all one holds, at the last unit one can pay;
ids used before; times at a closing.
"""

import msgspec

from exchange.messages.admin.commands import ForceCancel
from exchange.messages.commands import (
    BatchOrders,
    CancelAll,
    CancelOrder,
    CloseAccount,
    CloseMarket,
    Command,
    CreateMarket,
    CreditAccount,
    DebitAccount,
    EndLease,
    EndSession,
    ExpireOrder,
    FireDeadMan,
    Leg,
    OpenAccount,
    PayHolders,
    PlaceOrder,
    RefuseUnstorable,
    RenewLease,
    ResolveMarket,
    SetDeadMan,
    SetExchangeMode,
    SetMarketStatus,
    SuspendAccount,
    TransferCash,
    TriggerOrder,
)
from exchange.messages.limit_commands import BeginPostOnly, EndHalt, EndPostOnly, HaltMarket
from exchange.messages.terms import (
    ExchangeMode,
    FeeModel,
    MarketStatus,
    MoneyKind,
    Outcome,
    Resolution,
    Side,
    Standing,
)
from tests.properties.choosing import Chooser
from tests.properties.day_orders import ACCOUNTS, EXTRAS, GATEWAYS, IDS, MINUTE, NOBODY
from tests.properties.groups.day_groups import NAMES, UNKNOWN, DayGroups
from tests.properties.life.day_edits import DayEdits
from tests.properties.life.markets import LIVE
from tests.properties.limits.day_limits import DayLimits
from tests.properties.twin_records import FULL_HALT, TwinOrder

MARKETS_AT_ONCE = 3


class MarketDay(DayEdits, DayLimits, DayGroups):
    """Makes commands that suit the state of the twin."""

    def next_time(self, choose: Chooser) -> int:
        """Return the clock: mostly a little later, now and then at a closing or run backwards."""
        kind = choose.number(0, 399)
        now = self.twin.now
        if kind < 8:
            return max(0, now - choose.number(1, MINUTE))
        due = [m.close_time for m in self.twin.markets.values() if m.status in LIVE]
        if kind == 8 and choose.number(0, 2) == 0 and due:
            return max(now, min(due) - choose.number(0, 1))
        ends = [o.expires_at for o in self.twin.orders.values() if o.expires_at is not None]
        propping = [o.expires_at for o in self.propping() if o.expires_at is not None]
        if propping and kind > 150:
            return max(now, min(propping))
        halted = [m.resumes_at for m in self.twin.markets.values() if m.resumes_at is not None]
        if self.twin.post_only_until is not None:
            halted.append(self.twin.post_only_until)
        if halted and kind < 60:
            return max(now, min(halted) - choose.number(0, 1))
        paying = [m.next_payout for m in self.twin.markets.values() if m.next_payout is not None]
        if paying and kind < 60:
            return max(now, min(paying) - choose.number(0, 1))
        ends += [a.dead_man for a in self.twin.accounts.values() if a.dead_man is not None]
        if kind < 70 and self.twin.leases and choose.number(0, 4) == 0:
            ends = [*self.twin.leases.values()]
        if 9 <= kind < 50 and ends:
            return max(now, min(ends) - choose.number(0, 1))
        return now + choose.number(0, 1000)

    def any_command(self, choose: Chooser) -> Command:
        """Return a command of any kind, orders most often, many of them of a group."""
        return self.grouped(choose, self._any(choose))

    def _any(self, choose: Chooser) -> Command:
        if (edit := self.edit_of_halted(choose)) is not None:
            return edit
        if choose.number(0, 9) == 0:
            command = self._back_to_trading()
            if command is not None:
                return command
        rare = self._out_of_order(choose)
        if rare is not None:
            return rare
        if (reset := self.reset_triggered(choose)) is not None:
            return reset
        live = [m for m in self.twin.markets.values() if m.status in LIVE]
        if not live:
            return self.create_market(choose)
        lifted = self.lifted(choose)
        if lifted is not None:
            return lifted
        if self._stuck() and choose.number(0, 9) == 0:
            return self.cancel(choose)
        due = [order for order in self.twin.orders.values() if order.is_pending and order.is_due]
        if len(due) > 1 and choose.number(0, 1) == 0:
            # Trading stops before they are all triggered.
            if choose.number(0, 1):
                return SetExchangeMode(ExchangeMode.CANCEL_ONLY)
            return SetMarketStatus(due[-1].market_id, MarketStatus.HALTED)
        if len(self.twin.accounts) < len(ACCOUNTS) or choose.number(0, 199) == 0:
            return self.open_account(choose)
        makers = (
            *(self.place,) * 56,
            *(self.cross,) * 26,
            *(self.cancel,) * 8,
            *(self.amend,) * 14,
            *(self.batch,) * 17,
            *(self.wait,) * 20,
            *(self.pair,) * 8,
            *(self.amend_waiting,) * 3,
            *(self.cancel_all,) * 3,
            *(self.credit,) * 9,
            *(self.again,) * 4,
            *(self.create_market if len(live) < MARKETS_AT_ONCE else self.place,) * 2,
            *(self.administer,) * 5,
            *(self.switch,) * 3,
            *(self.standing,) * 2,
            *(self.group,) * 2,
            *(self.limit,) * 4,
            self.edit,
        )
        return choose.one_of(makers)(choose)

    def _out_of_order(self, choose: Chooser) -> Command | None:
        """Return now and then what a mode, or a suspended account, refuses or is lifted by."""
        if self.twin.mode is not ExchangeMode.OPEN and choose.number(0, 9) == 0:
            return BeginPostOnly(1)
        for account in self.twin.accounts.values():
            if account.standing is Standing.SUSPENDED and choose.number(0, 4) == 0:
                if choose.number(0, 1):
                    return self.credit(choose)
                return SuspendAccount(account.id, suspended=False)
        return None

    def _stuck(self) -> list[TwinOrder]:
        """Return the open orders that nobody may cancel now."""
        markets = self.twin.markets
        return [o for o in self.twin.orders.values() if markets[o.market_id].status is FULL_HALT]

    def open_account(self, choose: Chooser) -> Command:
        """Open an account with little or nothing in it, so that money runs short."""
        missing = [account for account in ACCOUNTS if account not in self.twin.accounts]
        if not missing and choose.number(0, 1):
            # These have nothing, so that they can be closed.
            return OpenAccount(choose.one_of(EXTRAS), 0)
        account_id = choose.one_of(
            [*(missing or ACCOUNTS), 0] if choose.number(0, 9) == 0 else (missing or ACCOUNTS)
        )
        amount = choose.one_of((0, 1_000_000, 20_000_000, 300_000_000, -1, 10**15 + 1))
        return OpenAccount(account_id, amount)

    def credit(self, choose: Chooser) -> Command:
        """Credit, debit or transfer, sometimes too much, sometimes under an id, or too late."""
        account_id = choose.one_of((*ACCOUNTS, *ACCOUNTS, NOBODY))
        accounts = self.twin.accounts.values()
        suspended = [a.id for a in accounts if a.standing is Standing.SUSPENDED]
        if suspended and choose.number(0, 1):
            account_id = choose.one_of(suspended)
        amount = choose.one_of(
            (1, 30_000_000, 50_000_000, 300_000_000, 0, 10**15, 10**15 + 1, 4 * 10**9)
        )
        request_id = choose.one_of(
            (
                None,
                None,
                None,
                IDS[0],
                choose.one_of(IDS).replace(":", ".") + str(choose.number(0, 99)),
            )
        )
        reason = "x" * choose.one_of((0, 5, 5, 5, 200, 201))
        kind = choose.one_of((MoneyKind.ADMIN, MoneyKind.ADMIN, MoneyKind.REWARD, MoneyKind.BET))
        now = self.twin.now
        until = choose.one_of((None, None, None, now + MINUTE, max(0, now - 1)))
        terms = (reason, request_id, None, kind, until)
        which = choose.number(4 if account_id in suspended else 0, 9)
        if which < 4:
            return self._note(CreditAccount(account_id, amount, *terms))
        if which < 6:
            known = self.twin.accounts.get(account_id)
            some = (amount, known.available if known else 1, choose.number(1, 1_000_000))
            return self._note(DebitAccount(account_id, choose.one_of(some), *terms))
        legs = [self._leg(choose, account_id)]
        while choose.number(0, 2) == 0:
            legs.append(self._leg(choose, choose.one_of((account_id, *ACCOUNTS))))
        if choose.number(0, 19) == 0:
            legs = choose.one_of(([], legs[:1] * 201, [Leg(NOBODY, *ACCOUNTS[:1], 1)]))
        return self._note(TransferCash(account_id, tuple(legs), *terms))

    def _leg(self, choose: Chooser, payer: int) -> Leg:
        known = self.twin.accounts.get(payer)
        amount = choose.one_of((1, 1_000_000, known.available if known else 5, 0))
        others = [account for account in ACCOUNTS if account != payer]
        payee = choose.one_of(others) if choose.number(0, 19) else choose.one_of((payer, NOBODY))
        return Leg(payer, payee, amount)

    def standing(self, choose: Chooser) -> Command:
        """Suspend an account or let it trade again, or close one, mostly one that can be.

        One that trades is only closed while it has something: the day goes on with all of them.
        """
        account_id = choose.one_of((*ACCOUNTS, *EXTRAS, NOBODY))
        if choose.number(0, 2) == 0:
            known = self.twin.accounts.get(account_id)
            if account_id in ACCOUNTS and (known is None or known.available == 0):
                account_id = choose.one_of(EXTRAS)
            return CloseAccount(choose.one_of((account_id, *EXTRAS)))
        return SuspendAccount(account_id, choose.number(0, 3) == 0)

    def again(self, choose: Chooser) -> Command:
        """Repeat a command that had an id, exactly or with another content."""
        if not self._named:
            return self.credit(choose)
        command = choose.one_of(self._named[-30:])
        if choose.number(0, 2) == 0:
            if isinstance(command, PlaceOrder):
                return msgspec.structs.replace(command, quantity=choose.number(1, 500))
            if isinstance(command, BatchOrders):
                return msgspec.structs.replace(command, all_or_none=not command.all_or_none)
            if isinstance(command, CreditAccount | DebitAccount):
                return msgspec.structs.replace(command, amount=choose.number(1, 500))
            if isinstance(command, TransferCash):
                return msgspec.structs.replace(command, legs=command.legs[:-1])
        return command

    def create_market(self, choose: Chooser) -> Command:
        """List a market; now and then one whose terms can't be."""
        number = len(self.twin.markets) + 1
        slug = f"market-{number}"
        wrong = choose.number(0, 39)
        if wrong < 8:
            slug = ("market-1", "user", "12345", "ab", "Upper", "a" * 81, "market-1", "ok\n")[wrong]
        close_time = self.twin.now + choose.one_of((MINUTE, 5 * MINUTE, 9 * MINUTE))
        rates = (0, 0, 1, 7, 35, 100, 200, 1_000)
        return CreateMarket(
            slug=slug,
            question="" if wrong == 8 else "Will it rain?",
            description="x" * (10_001 if wrong == 9 else 3),
            category="x" * (61 if wrong == 10 else 3),
            close_time=choose.one_of((self.twin.now, 0)) if wrong in {11, 12, 13} else close_time,
            tick_size=choose.one_of((1, 10, 100, 100)) if wrong != 14 else 5,
            min_quantity=choose.one_of((1, 1, 1, 20)) if wrong != 15 else 0,
            maker_fee=choose.one_of(rates) if wrong != 16 else 1_001,
            taker_fee=choose.one_of(rates) if wrong != 17 else -1,
            fee_model=choose.one_of(list(FeeModel)),
            draft=choose.number(0, 9) == 0,
        )

    def administer(self, choose: Chooser) -> Command:
        """Halt, open, close, resolve, change the exchange's mode or back to normal."""
        market_id = self._any_market_id(choose)
        kind = choose.number(0, 9)
        if kind < 3:
            # Mostly back to a state in which trading goes on.
            often = (MarketStatus.OPEN, MarketStatus.OPEN, MarketStatus.OPEN)
            return SetMarketStatus(market_id, choose.one_of((*MarketStatus, *often)))
        if kind < 5:
            return self.resolve(choose)
        if kind < 8:
            if choose.number(0, 3) == 0:
                return BeginPostOnly(choose.one_of((1, 1, 2, 0, 86_401)))
            return SetExchangeMode(choose.one_of((*ExchangeMode, *[ExchangeMode.OPEN] * 6)))
        if choose.number(0, 1):
            return CloseMarket(market_id)
        if choose.number(0, 1):
            number = choose.one_of((*self.twin.orders, 0))
            return ExpireOrder(number) if choose.number(0, 1) else TriggerOrder(number)
        if choose.number(0, 1):
            out_of_turn: tuple[Command, ...] = (
                HaltMarket(market_id),
                EndHalt(market_id),
                EndPostOnly(choose.one_of((market_id, 0))),
            )
            return choose.one_of(out_of_turn)
        if choose.number(0, 1):
            return PayHolders(choose.one_of((market_id, *self.twin.markets)))
        return RefuseUnstorable(choose.one_of(ACCOUNTS), "PlaceOrder")

    def switch(self, choose: Chooser) -> Command:
        """Set or lift a dead-man switch, renew a lease, end a session; or a timer out of turn."""
        account_id = choose.one_of((*ACCOUNTS, *ACCOUNTS, NOBODY))
        gateway, number = choose.one_of((*GATEWAYS, 73)), choose.number(1, 3)
        kind = choose.number(0, 19)
        if kind < 10:
            return SetDeadMan(account_id, choose.one_of((1_000, 1_000, 1_500, 60_000, 0, 999, -1)))
        if kind < 12:
            return RenewLease(gateway)
        if kind < 18:
            tied = [o for o in self.twin.orders.values() if o.session is not None]
            if tied and choose.number(0, 4):
                order = choose.one_of(tied)
                gateway, number = order.session or (gateway, number)
                account_id = order.account_id
            return EndSession(account_id, gateway, number)
        return FireDeadMan(choose.one_of((account_id, NOBODY))) if kind == 18 else EndLease(gateway)

    def _back_to_trading(self) -> Command | None:
        """Return the command that brings trading back, if it stands still."""
        timed = self.twin.post_only_until is not None
        if self.twin.mode is not ExchangeMode.OPEN and not timed:
            return SetExchangeMode(ExchangeMode.OPEN)
        for market in self.twin.markets.values():
            timed = market.resumes_at is not None
            if market.status in LIVE and market.status is not MarketStatus.OPEN and not timed:
                return SetMarketStatus(market.id, MarketStatus.OPEN)
        return None

    def resolve(self, choose: Chooser) -> Command:
        """End a market, in any way."""
        outcome = choose.one_of([*Resolution, Resolution.SPLIT])
        payout = None
        if outcome is Resolution.SPLIT or choose.number(0, 9) == 0:
            payout = choose.one_of((1, 3_333, 3_333, 5_000, 5_000, 9_999, 9_999, 0, 10_000, None))
        source = "x" * choose.one_of((0, 9, 9, 501))
        market_id = self._any_market_id(choose)
        ended = [m.id for m in self.twin.markets.values() if m.status not in LIVE]
        if ended and choose.number(0, 1):
            market_id = choose.one_of(ended)
        resolved = [m.id for m in self.twin.markets.values() if m.resolution is not None]
        if resolved and choose.number(0, 3) == 0:
            market_id = choose.one_of(resolved)
        return ResolveMarket(market_id, outcome, payout, source, choose.number(0, 4) > 0)

    def cancel(self, choose: Chooser) -> Command:
        """Cancel an open order, mostly one's own."""
        if not self.twin.orders or choose.number(0, 9) == 0:
            last = self.twin.last_order_id
            order_id = choose.one_of((choose.number(0, last), 0, last + 1))
            return CancelOrder(choose.one_of(ACCOUNTS), order_id)
        orders = list(self.twin.orders.values())
        order = choose.one_of(self._stuck() or orders)
        if choose.number(0, 19) == 0:
            return ForceCancel(choose.one_of((order.id, order.id, order.id, 0)))
        owner = order.account_id if choose.number(0, 9) else choose.one_of((*ACCOUNTS, NOBODY))
        return CancelOrder(owner, order.id)

    def cancel_all(self, choose: Chooser) -> Command:
        """Cancel everything of an account, everywhere or in one market."""
        account_id = choose.one_of((*ACCOUNTS, *ACCOUNTS, NOBODY))
        sellers = [order.account_id for order in self.twin.orders.values() if not order.buys]
        if sellers and choose.number(0, 1):
            account_id = choose.one_of(sellers)
        propping = [order.account_id for order in self.propping()]
        if propping and choose.number(0, 3):
            account_id = choose.one_of(propping)
        return CancelAll(
            account_id,
            choose.one_of((None, self._any_market_id(choose))),
            choose.one_of((None,) * 6 + tuple(Side)),
            choose.one_of((None,) * 6 + tuple(Outcome)),
            choose.one_of((None,) * 30 + (*NAMES, UNKNOWN)),
        )
