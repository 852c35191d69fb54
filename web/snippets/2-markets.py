"""Print five open markets."""

import requests

PROBITY = "http://localhost:8080"
query = {"platform": "exchange", "status": "OPEN", "limit": 5}
answer = requests.get(f"{PROBITY}/api/v1/markets", params=query, timeout=10)
answer.raise_for_status()
for market in answer.json()["data"]:
    print(market["slug"], market["question"])
