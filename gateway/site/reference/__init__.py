"""What the exchange says of itself to who writes programs: errors, sockets, snippets.

`error_texts.py` and `refusal_texts.py` (words), `error_catalogue.py` (the rows and their route).
"""
