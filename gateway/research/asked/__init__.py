"""Backtests that are asked for over the API: taken, run in a process of their own, told.

Reading order: `bodies.py` and `plan.py` (what is asked for), `routes.py`, `jobs.py` (whose turn it
is), `child.py` and `process.py` (the process, from outside and inside), `views.py` (what came of
it), `telling.py`. Only the strategies that are built in run here: what somebody writes runs from
the command line alone, on the machine of whoever wrote it.
"""
