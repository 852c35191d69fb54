"""Buy YES by a limit order, and print its status."""

import os

import requests

PROBITY = "http://localhost:8080"
headers = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
order = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": "0.40", "quantity": "10"}
answer = requests.post(f"{PROBITY}/api/v1/orders/rain", json=order, headers=headers, timeout=10)
if not answer.ok:
    raise SystemExit(answer.json()["error"])
print(answer.json()["data"]["order"]["status"])
