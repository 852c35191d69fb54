"""What proves the rest: ledger, running balances, invariants, state hash."""
