"""The rows of other venues: markets, events, what is searched, snapshots, how jobs stand."""
