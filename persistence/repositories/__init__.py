"""Rows of people and of history, one file a table family."""
