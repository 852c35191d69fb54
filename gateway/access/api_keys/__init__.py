"""Calls that are signed with an API key: what is signed, and how the key stands."""
