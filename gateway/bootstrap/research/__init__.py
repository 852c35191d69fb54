"""Research, put together."""
