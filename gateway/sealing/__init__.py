"""Secrets at rest: what a table holds and nobody who reads the table may know."""
