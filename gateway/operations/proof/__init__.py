"""Proofs of what is owed to whom: made at an interval, signed, and checked by anybody from outside.

jobs      the job that makes them
routes    the newest and older ones, and one's own place in them
"""
