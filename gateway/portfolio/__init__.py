"""What one has: balance, positions, escrow, ledger."""
