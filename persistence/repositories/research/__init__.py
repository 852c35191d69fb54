"""What people try and ask: backtests, and questions that are researched on the web."""
