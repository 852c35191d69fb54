"""Processes that have one part of the exchange each and no public API, put together."""
