"""To other processes: journal rows over Redis, and the view that follows them."""
