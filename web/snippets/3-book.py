"""Print the best levels of a book."""

import requests

PROBITY = "http://localhost:8080"
query = {"outcome": "YES", "depth": 5}
answer = requests.get(f"{PROBITY}/api/v1/markets/rain/orderbook", params=query, timeout=10)
answer.raise_for_status()
book = answer.json()["data"]
print("bids", book["bids"], "asks", book["asks"])
