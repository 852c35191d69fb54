"""A backtest: the exchange's own engine, in which a tape and a strategy's orders meet.

Reading order: `ground.py` (the engine with one trader in it), `prints.py` and `flow.py` (the two
fill models), `desk.py` (the strategy's orders on their way), `run.py` (the loop), `formulas.py` and
`figures.py` (what became of it).
"""
