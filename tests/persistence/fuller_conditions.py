"""`OrderConditions` with terms, as a later version has it; imported before anything that uses it.

For a process of its own: whatever is imported after this takes the fuller struct for the real one.
"""

from exchange.messages import conditions


class FullerConditions(conditions.OrderConditions, frozen=True, kw_only=True):
    """Two terms, one of them given."""

    made_up_at: int | None = None
    made_up: bool = False


conditions.OrderConditions = FullerConditions  # type: ignore[misc]
