"""Rows in, rows out: the hash chain, the layouts, the tip."""
