"""Who decides: each command asked everything, then turned into events."""
