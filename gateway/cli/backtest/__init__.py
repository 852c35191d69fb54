"""`probity backtest`: the command, what it loads, and what it shows."""
