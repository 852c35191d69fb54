"""The same question on several platforms: found by likeness, decided by people, priced by both.

Reading order: `likeness.py` and `arbitrage.py` (pure), then the job and the rows.
"""
