"""The way to a venue: the one client over HTTP, the one socket that is held open.

Reading order: `bounds.py` (what is never exceeded), `bucket.py` and `breaker.py` (when to ask at
all), `bodies.py` and `validators.py` (what an answer holds), `client.py` (asking),
`reconnecting.py` (listening). Nothing here knows a venue; nothing of a venue opens a connection by
itself.
"""
