"""The rules of Probity: a pure, synchronous, deterministic exchange core.

State + command -> events.  Nothing in this package does I/O, reads a clock, draws a random number,
uses a float or iterates over a set: the same commands give the same bytes on every machine, under
every PYTHONHASHSEED, for ever.  Time and sequence are stamped on a command before it runs
(`engine.py`).

Read it in this order: `bounds`, `units`, `terms`, `commands`, `events`, `execution`, `reasons`,
`errors` (the words); `accounts`, `order_book`, `market`, `idempotency`, `state` (what is
remembered); `fees`, `escrow`, `matching`, `netting` (the arithmetic); `placing`, `cancelling`,
`ending`, `funding`, `market_admin`, `settlement` (who decides); `transitions`, `order_transitions`,
`marks` (what each event changes, and nothing else changes anything); `engine` (the door);
`invariants`, `ledger`, `running_balances`, `state_hash` (the proof); `compiled` (which build of it
all this is).
"""
