"""Pages for people: the front page, the terminal, and their parts.

`reference/` has what the exchange says of itself to who writes programs.
"""
