"""Orders at a steady pace, from a process of its own, and how long each waited for its answer.

    python -m tests.faults.venues.order_probe URL TOKEN SLUG PER_SECOND FILE

Laws: an order is due by the clock, whether or not the one before was answered in time, and waits
from then; a line of the file is (due, seconds waited), both by the machine's monotonic clock, which
all processes share. It ends with its standard input.
"""

import http.client
import json
import select
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

ORDER = json.dumps({
    "side": "BUY", "outcome": "YES", "type": "LIMIT", "timeInForce": "IOC", "price": "0.01",
    "quantity": "1",
}).encode()  # fmt: skip


def main(url: str, token: str, slug: str, per_second: str, file: str) -> None:
    """Place orders until nobody listens."""
    line = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    step = 1 / float(per_second)
    due = time.monotonic()
    with Path(file).open("w", encoding="utf-8", buffering=1) as told:
        while not select.select([sys.stdin], [], [], max(0.0, due - time.monotonic()))[0]:
            line.request("POST", f"/api/v1/orders/{slug}", ORDER, headers)
            answer = line.getresponse()
            body = answer.read()
            if answer.status != http.client.CREATED:
                raise SystemExit(f"{answer.status} {body[:300]!r}")
            told.write(f"{due:.6f} {time.monotonic() - due:.6f}\n")
            due += step


if __name__ == "__main__":
    main(*sys.argv[1:])
