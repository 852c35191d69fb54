"""Cancel every open order in a market."""

import os

import requests

PROBITY = "http://localhost:8080"
headers = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
query = {"market": "rain"}
answer = requests.delete(f"{PROBITY}/api/v1/orders", params=query, headers=headers, timeout=10)
answer.raise_for_status()
print("cancelled", answer.json()["data"]["cancelled"])
