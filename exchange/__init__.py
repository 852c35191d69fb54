"""The rules of Probity: a pure, synchronous, deterministic exchange core.

State + command -> events.  Nothing in this package does I/O, reads a clock, draws a random number,
uses a float or iterates over a set: the same commands give the same bytes on every machine, under
every PYTHONHASHSEED, for ever.  Time and sequence are stamped on a command before it runs
(`engine.py`).

Read it room by room, and in a room in this order:

    messages      the words: `bounds`, `units`, `terms`, `conditions`, `limits`, `command_bases`,
                  `commands`, `group_commands`, `limit_commands`, `events`, `account_events`,
                  `waiting_events`, `group_events`, `limit_events`, `execution`, `reasons`,
                  `errors`; `completeness` (none of them forgotten)
    model         what is remembered: `order_book`, `waiting`, `slices`, `order_groups`, `accounts`,
                  `market`, `price_window`, `idempotency`, `timers`, `state`
    rules         who decides: `fees`, `escrow`, `matching`, `netting` (the arithmetic), `entries`,
                  `means`, `liquidity`, `placing`, `cancelling`, `ending`, `market_admin`,
                  `settlement`; `accounts`: their money, standing and switches; `waiting`: orders
                  that wait for a price, and pairs; `groups`: what ends a market maker's quotes at a
                  limit; `limits`: before the trade
    transitions   what each event changes, and nothing else changes anything: `transitions`,
                  `order_transitions`, `waiting_transitions`, `waiting_index`, `switch_transitions`,
                  `group_transitions`, `limit_transitions`, `marks`
    engine        the door
    proof         that it holds: `invariants`, `indexes`, `ledger`, `running_balances`, `state_hash`
    projections   what follows from events alone: of one account `account_records`, `account_replay`
                  and `touches` (whom a command touches), `account_image`, `account_segments`

`compiled` says which build of it all this is.
"""
