"""What the wallets' libraries do to the process as they are imported: nothing."""

import subprocess
import sys

from gateway.accounts.wallets import libraries

IMPORTS = """
import sys
limit = sys.getrecursionlimit()
setter = sys.setrecursionlimit
import gateway.bootstrap.routes
assert not {"eth_account", "py_ecc", "base58"} & sys.modules.keys(), "imported too early"
from gateway.accounts.wallets import libraries
libraries.solana()
libraries.ethereum()
assert "py_ecc" in sys.modules, "it isn't the library of before: is this still needed?"
assert sys.getrecursionlimit() == limit, sys.getrecursionlimit()
assert sys.setrecursionlimit is setter
import msgspec
from gateway.wire.errors import ValidationFailed
from gateway.wire.strict_json import EMPTY_BODY, decode
import json
for text in (b"[" * 60_000, b'{"a":' * 3_000):
    try:
        decode(text, EMPTY_BODY)
    except ValidationFailed as error:
        print(error)
    try:
        json.loads(text)
    except RecursionError:
        print("bounded")
"""


def test_the_recursion_limit_stays_and_deep_json_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:4] == ["body: is nested too deeply", "bounded"] * 2


def test_a_limit_that_was_changed_past_the_door_is_put_back() -> None:
    limit, setter = sys.getrecursionlimit(), sys.setrecursionlimit
    with libraries.recursion_limit_kept():
        sys.setrecursionlimit(9)
        setter(limit + 1)
    assert (sys.getrecursionlimit(), sys.setrecursionlimit) == (limit, setter)
