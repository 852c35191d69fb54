"""Ideas tested before they cost credits: backtests on the engine that matches live orders.

Reading order: `strategy.py` (what a strategy sees and may do), `tape/` (what it is fed with),
`backtest/` (the engine that the tape and the strategy's orders meet in, and what became of it),
`strategies/` (five to learn from), `playing.py` (what it may be played on), `asked/` (backtests
over the API), `live/` (the same strategies against a running exchange).
"""
