"""Register, and print the line that puts the access token into TOKEN."""

import requests

PROBITY = "http://localhost:8080"
person = {"email": "ada@example.org", "password": "correct horse"}
answer = requests.post(f"{PROBITY}/api/v1/auth/register", json=person, timeout=10)
answer.raise_for_status()
print("export TOKEN=" + answer.json()["data"]["accessToken"])
