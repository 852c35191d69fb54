"""Kalshi's socket: what it says, what it means, and how it is held open.

Reading order: `frames.py`, `subscriptions.py` and `protocol.py` (all the rules, without a
connection), `stream.py`.
"""
