"""Markets of other venues as they move: followed by the venue's socket, or by asking again.

Reading order: `followed.py` (one market, numbered by us), `line.py` (one venue), `following.py`
(all of them, for whoever listens in this process).
"""
