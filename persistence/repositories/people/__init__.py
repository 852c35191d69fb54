"""Rows of people: who there is, how they sign in, what was mailed to them, what is kept of them."""
