"""The Python client of the API; it imports nothing of ours."""
