"""Which client ids were used before: a filter in memory, so that the store is asked for few."""
