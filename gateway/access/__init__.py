"""Who calls and how often: principals, rate limits, client addresses."""
