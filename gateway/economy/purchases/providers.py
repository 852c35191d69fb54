"""The port to whoever is paid for credits, and the one there is: nobody, in earnest.

Laws: a provider does a thing once for a reference, and answers a repeat as the first time; so after
any crash it is asked again. It never learns who buys.
"""

from typing import Final, Protocol

import msgspec

ACCEPTED: Final = "test-card"
DECLINED: Final = "test-card-declined"


class Charge(msgspec.Struct, frozen=True):
    """What is to be paid: hundredths of a currency, by `method`, once for `reference`."""

    reference: str
    price: int
    currency: str
    method: str


class ProviderAway(Exception):
    """The provider didn't answer: it may have been paid, or will yet."""


class PaymentProvider(Protocol):
    """Whoever is paid."""

    @property
    def name(self) -> str:
        """What purchases are noted under."""
        ...

    async def charge(self, charge: Charge) -> bool:
        """Be paid; say whether it was. Raises ProviderAway."""
        ...

    async def refund(self, reference: str) -> None:
        """Give back what was paid under a reference, all of it. Raises ProviderAway."""
        ...


class SimulatedProvider:
    """Charges nobody anything: takes every method but `DECLINED`."""

    name: Final = "simulated"

    async def charge(self, charge: Charge) -> bool:
        """Say what the method says."""
        return charge.method != DECLINED

    async def refund(self, reference: str) -> None:
        """Give nothing back, as nothing was paid."""
