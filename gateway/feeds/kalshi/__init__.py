"""Kalshi: a regulated US exchange of YES/NO contracts, one dollar each, over trade-api v2.

Reading order: `answers.py` (what it sends), `numbers.py` (in which two forms), `markets.py`,
`books.py`, `candles.py` (what becomes of it), `signing.py` and `sessions.py` (who asks),
`client.py` (asking), `socket/` (listening). docs/feeds.md has the mapping field by field.
"""
