"""An order's rare terms in one struct: expiry, post-only, a worst price, the session it ends with,
what it waits for, its group.

It goes through everything unopened and whole: `PlaceOrder`, `OrderPlaced`, the order's record, the
state's hash, the journal, one column of `orders`, recovery, followers and the history. So a new
term is one field here, with a default, and the rule that keeps it; no tuple, no row's layout and no
step of the schema is touched (docs/decisions/0010).  An order without such terms carries None.

Laws: no field before the rule that keeps it, since nobody's term may be ignored.  A field is
encoded under its name and left out at its default, so what was stored before it came reads, hashes
and fingerprints as it did.  A name that isn't here is refused: a program of before must stop rather
than trade an order without a term that was promised.
"""

import msgspec

from exchange.messages.terms import TriggerBy

SessionKey = tuple[int, int]
"""(gateway, number of the session there): what an order is tied to that ends with its session."""


class OrderConditions(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    gc=False,
):
    """What binds one order beyond price, quantity and time in force.

    `expires_at` (microseconds since the epoch) goes with GTD and only with it: at that time the
    order ends. A `post_only` order is refused rather than trade when it comes. A MARKET order
    trades at `worst_price` of its own outcome or better. A `reduce_only` order (IOC or FOK) trades
    no more than brings its owner's free shares of the market down, as they are when it may trade.
    One with a `session` ends with it; which it came by is no part of what was asked for
    (`content`).

    With a `trigger_price` (its own outcome's) it waits outside the book until the price that
    `trigger_by` names has come there. Two more are the engine's own to write, and refused from
    anybody else: `due` from when it has been reached (also after it was triggered, but not if it
    ended before that), and the `partner`, the order that ends when this one trades or is triggered.

    What it fills counts in the `group` of its owner's that has this name, with which it ends.

    One of the exchange's own code, for somebody (a bet), is `system`: its client id is a system id,
    of a space that no client's id is in (RULEBOOK 7). Nothing of either is left on the order.
    """

    expires_at: int | None = None
    post_only: bool = False
    worst_price: int | None = None
    reduce_only: bool = False
    session: SessionKey | None = None
    trigger_price: int | None = None
    trigger_by: TriggerBy = TriggerBy.LAST
    due: bool = False
    partner: int | None = None
    group: str | None = None
    system: bool = False

    def content(self) -> "OrderConditions | None":
        """Return what of it the sender asked for; None for nothing."""
        if self.session is None:
            return self
        return _or_none(msgspec.structs.replace(self, session=None))

    def of_order(self) -> "OrderConditions | None":
        """Return what of it binds the order of a command with a system id; None for nothing."""
        return _or_none(msgspec.structs.replace(self, system=False))


def _or_none(conditions: OrderConditions) -> OrderConditions | None:
    return None if conditions == _NONE else conditions


_NONE = OrderConditions()
