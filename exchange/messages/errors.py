"""The errors of the core.

    CoreError
    ├── MalformedNumber     text that is no price, quantity or amount; raised at decode
    └── InvariantViolated   a programmer's error: the process must stop, the state isn't trusted

A business refusal is neither: it is an event (`events.CommandRejected`) with a reason of
`messages/reasons.py`.
"""


class CoreError(Exception):
    """Root of what the core raises."""


class MalformedNumber(CoreError, ValueError):
    """The text is not a number of the unit asked for; the message can be shown to the sender."""


class InvariantViolated(CoreError):
    """A law of `proof/invariants.py`, or a precondition that only our own code can break, doesn't
    hold.
    """
