"""The words: units, terms, bounds, commands, events, reasons.

A new term of an order is a field of `conditions`; a new command, event or reason is in its union or
Enum, and `completeness` names at import whoever has no row for it yet.
"""
