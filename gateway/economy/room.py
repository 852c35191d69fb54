"""Whether an account may be given more: no gift makes it hold more than MAX_USER_CREDITS.

Law: what is held is cash, available and locked, and what is on its way to it counts as there. So
gifts that come at once never pass the bound together. What is earned by trading may pass it.
"""

from exchange.messages.units import format_money
from gateway.wire.errors import Detail, Refused


class CreditsLimit(Refused):
    """The account would hold more credits than anybody is given."""

    def __init__(self, most: int) -> None:
        message = f"would leave the account with more than {format_money(most)} credits"
        super().__init__(
            "MAX_USER_CREDITS", f"amount: {message}", details=(Detail("amount", message),)
        )


def fits(held: int, to_come: int, amount: int, most: int) -> bool:
    """Say whether an account that holds `held` and expects `to_come` may be given `amount`."""
    return held + to_come + amount <= most


def require_fit(held: int, to_come: int, amount: int, most: int) -> None:
    """Raise CreditsLimit if the account may not be given `amount`; all of it money."""
    if not fits(held, to_come, amount, most):
        raise CreditsLimit(most)
