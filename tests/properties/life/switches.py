"""The twin's switches (RULEBOOK 15): deadlines of accounts, and sessions that end."""

from exchange.messages.account_events import (
    DeadManFired,
    DeadManSet,
    LeaseEnded,
    LeaseRenewed,
    SessionEnded,
)
from exchange.messages.commands import EndLease, EndSession, FireDeadMan, RenewLease, SetDeadMan
from exchange.messages.events import (
    Event,
)
from exchange.messages.reasons import Reason
from exchange.messages.terms import CancelReason
from tests.properties.life.markets import refused
from tests.properties.limits.twin_halts import TwinHalts
from tests.properties.twin_records import TwinOrder

LEASE = 10_000_000


class TwinSwitches(TwinHalts):
    """What ends orders when their owner is gone."""

    def set_dead_man(self, command: SetDeadMan) -> list[Event]:
        """Run a SetDeadMan."""
        account = self.accounts.get(command.account_id)
        if account is None:
            return refused(Reason.ACCOUNT_NOT_FOUND, "")
        if command.timeout_ms != 0 and not 1_000 <= command.timeout_ms <= 60_000:
            return refused(Reason.INVALID_AMOUNT, "timeoutMs")
        account.dead_man = None
        if command.timeout_ms:
            account.dead_man = self.now + command.timeout_ms * 1_000
        return [DeadManSet(account.id, account.dead_man)]

    def fire_dead_man(self, command: FireDeadMan) -> list[Event]:
        """Run a FireDeadMan."""
        account = self.accounts.get(command.account)
        if account is None:
            return refused(Reason.ACCOUNT_NOT_FOUND, "account")
        if account.dead_man is None or account.dead_man > self.now:
            return refused(Reason.INVALID_AMOUNT, "account")
        account.dead_man = None
        mine = [order for order in self.orders.values() if order.account_id == account.id]
        events = [self.end(order, CancelReason.DEAD_MAN) for order in mine]
        return [*events, *self.netting(), DeadManFired(account.id, len(mine))]

    def renew_lease(self, command: RenewLease) -> list[Event]:
        """Run a RenewLease."""
        self.leases[command.gateway] = self.now + LEASE
        return [LeaseRenewed(command.gateway, self.now + LEASE)]

    def end_session(self, command: EndSession) -> list[Event]:
        """Run an EndSession."""
        if command.account_id not in self.accounts:
            return refused(Reason.ACCOUNT_NOT_FOUND, "")
        return self._end(command.account_id, command.gateway, command.session)

    def end_lease(self, command: EndLease) -> list[Event]:
        """Run an EndLease: the session of the lowest number, of the lowest account."""
        gateway = command.gateway
        if gateway not in self.leases or self.leases[gateway] > self.now:
            return refused(Reason.INVALID_AMOUNT, "gateway")
        events: list[Event] = []
        if self._tied(gateway):
            number, account_id = min(
                (order.session[1], order.account_id)
                for order in self._tied(gateway)
                if order.session is not None
            )
            events = self._end(account_id, gateway, number)
        if not self._tied(gateway):
            del self.leases[gateway]
            events.append(LeaseEnded(gateway))
        return events

    def _tied(self, gateway: int) -> list[TwinOrder]:
        return [o for o in self.orders.values() if o.session and o.session[0] == gateway]

    def _end(self, account_id: int, gateway: int, number: int) -> list[Event]:
        ending = [
            order
            for order in self._tied(gateway)
            if (order.session, order.account_id) == ((gateway, number), account_id)
        ]
        events = [self.end(order, CancelReason.DISCONNECTED) for order in ending]
        ended = SessionEnded(account_id, gateway, number, len(ending))
        return [*events, *self.netting(), ended]
