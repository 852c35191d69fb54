"""A strategy as a bot against a running exchange: the same class that a backtest runs.

Reading order: `line.py` (Socket.IO over one connection), `session.py` (who one is there), `book.py`
(what others have), `desk.py` (the strategy's orders, and what it may know), `running.py` (one
connection after the other).
"""
