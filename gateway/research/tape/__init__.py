"""What a backtest is fed with: events in the order of time, from files, our journal, or made up.

Reading order: `events.py` (the four kinds), `files.py` (a tape as a file), `prints.py` (a tape of
prints alone), `synthetic.py` (one that is made up).
"""
