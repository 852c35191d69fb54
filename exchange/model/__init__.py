"""What is remembered: orders, books, markets, accounts, ids, the state."""
