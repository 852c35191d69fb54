"""API keys and the nonces of calls that were signed with them."""
