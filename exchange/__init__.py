"""The rules of Probity: a pure, synchronous, deterministic exchange core.

State + command -> events.  Nothing in this package does I/O, reads a clock, draws a random number,
uses a float or iterates over a set: the same commands give the same bytes on every machine, under
every PYTHONHASHSEED, for ever.  Time and sequence are stamped on a command before it runs
(`engine.py`).

Read it in this order: `units`, `terms`, `commands`, `events`, `reasons` (the words); `accounts`,
`order_book`, `market`, `state` (what is remembered); `fees`, `escrow`, `matching` (the arithmetic);
`placing`, `cancelling`, `market_admin`, `settlement`, `netting` (who decides); `transitions` (what
each event changes, and nothing else changes anything); `engine` (the door); `invariants`, `ledger`,
`state_hash` (the proof).
"""
