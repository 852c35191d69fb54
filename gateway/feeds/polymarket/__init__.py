"""Polymarket: markets from Gamma, books and prices from the CLOB, trades from the Data-API.

Reading order: `settings.py`, `answers.py` (its JSON), `markets.py` and `books.py` (into the one
format), `client.py` (asking), `token_book.py` and `socket.py` (listening).  The first outcome of a
market is YES, whatever it is called; each outcome is a token, and the NO token's book is the
complement of the YES token's.
"""
