"""The steps, in the order of their numbers. See `migrations` for how one is written."""
