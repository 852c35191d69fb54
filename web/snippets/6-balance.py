"""Print what is free and what open orders lock."""

import os

import requests

PROBITY = "http://localhost:8080"
headers = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
answer = requests.get(f"{PROBITY}/api/v1/user/balance", headers=headers, timeout=10)
answer.raise_for_status()
balance = answer.json()["data"]
print("available", balance["available"], "locked", balance["locked"])
