"""Check from outside that an exchange's proof holds, and that one's own account is in it.

    python check_proof.py https://exchange.example            # the proof alone
    PROBITY_TOKEN=... python check_proof.py https://exchange.example
    python check_proof.py FOLDER                              # what was saved from there
    python check_proof.py https://exchange.example FOLDER     # and against what was saved before

A folder holds `jwks.json`, `proof.json` and, to find one's account, `me.json`: what
`/.well-known/jwks.json`, `/api/v1/proof` and `/api/v1/proof/me` answered. With a second place both
are checked, and that the first is a later proof of the same exchange. A token says whose account it
has to be; beside a folder PROBITY_ACCOUNT does. An exchange that is asked has to have a proof of
the last day. Exit code 0 if all holds, 1 if something doesn't, 2 if there is nothing to check.
It takes Python's standard library and `cryptography`. How a proof is made: docs/reference/proof.md.
"""

import base64
import hashlib
import json
import os
import re
import sys
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TYPE = "probity-proof+jws"
SUMS = ("available", "locked", "collateral")
SHOWN = ("seq", "chainHead", "root", "accounts", *SUMS, "fees", "issued", "markets", "otherMarkets")
MOST = 2**63 - 1
ANSWERED_S = 30.0
OLDEST_S = 86_400
CLOCKS_S = 300
Sums = tuple[int, ...]


class Wrong(Exception):
    """Something doesn't hold."""


class Place(NamedTuple):
    """What is to be checked: keys, a proof, one's own place in it, and whose that has to be."""

    jwks: Any
    proof: Any
    mine: Any
    account: str | None


def unbase64(text: str) -> bytes:
    """Return the bytes of a part of what is signed."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def units(amount: str) -> int:
    """Return a number of 1/1 000 000 credits; nothing below 0 is one."""
    if not re.fullmatch(r"[0-9]{1,13}\.[0-9]{6}", amount):
        raise Wrong(f"{amount} is no amount")
    return int(amount.replace(".", ""))


def hash_of(text: str) -> bytes:
    """Return the 32 bytes of a hash or a salt."""
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise Wrong(f"{text} is no hash")
    return bytes.fromhex(text)


def statement(proof: dict[str, Any], jwks: dict[str, Any]) -> dict[str, Any]:
    """Return what the exchange has signed; raises Wrong if it hasn't."""
    try:
        head, body, signature = proof["jws"].split(".")
        header, said = json.loads(unbase64(head)), json.loads(unbase64(body))
    except ValueError:
        raise Wrong("what is signed can't be read") from None
    if header.get("alg") != "EdDSA" or header.get("typ") != TYPE:
        raise Wrong(f"it is signed as {header}")
    key = next((key for key in jwks["keys"] if key["kid"] == header.get("kid")), None)
    if key is None or (key["kty"], key["crv"]) != ("OKP", "Ed25519"):
        raise Wrong(f"the exchange has no key {header.get('kid')}")
    public = Ed25519PublicKey.from_public_bytes(unbase64(key["x"]))
    try:
        public.verify(unbase64(signature), f"{head}.{body}".encode())
    except InvalidSignature:
        raise Wrong("the signature is wrong") from None
    if said["version"] != 1:
        raise Wrong(f"this doesn't know version {said['version']}")
    result: dict[str, Any] = said
    return result


def check_sums(said: dict[str, Any]) -> None:
    """Raise Wrong if what is signed doesn't add up."""
    total = sum(units(said[name]) for name in (*SUMS, "fees"))
    if total != units(said["issued"]):
        raise Wrong(f"{said['issued']} were issued, it is {total / 1e6:.6f}")
    markets = [*said["markets"], said["otherMarkets"]]
    if sum(units(market["collateral"]) for market in markets) != units(said["collateral"]):
        raise Wrong("the markets' collateral isn't that of all")
    if len({market["marketId"] for market in said["markets"]}) != len(said["markets"]):
        raise Wrong("a market is named twice")


def made_at(said: dict[str, Any]) -> str:
    """Return when the proof was made as answers say it, to the millisecond."""
    seconds, micros = divmod(said["madeAt"], 1_000_000)
    made = datetime.fromtimestamp(seconds, UTC)
    return f"{made:%Y-%m-%dT%H:%M:%S}.{micros // 1_000:03}Z"


def check_same(proof: dict[str, Any], said: dict[str, Any]) -> None:
    """Raise Wrong if the proof is shown with something else than what is signed."""
    signed = {name: said[name] for name in SHOWN}
    for name, value in (signed | {"id": said["proofId"], "madeAt": made_at(said)}).items():
        if proof[name] != value:
            raise Wrong(f"{name} is shown as another than it is signed")


def check_time(said: dict[str, Any], now: float) -> None:
    """Raise Wrong for a proof that is no longer, or not yet, what the exchange owes."""
    age_s = now - said["madeAt"] / 1_000_000
    if not -CLOCKS_S <= age_s <= OLDEST_S:
        raise Wrong(f"it was made at {made_at(said)}, which isn't of the last day")


def check_later(said: dict[str, Any], kept: dict[str, Any]) -> None:
    """Raise Wrong unless a proof goes on from one that was kept."""
    if said["databaseId"] != kept["databaseId"]:
        raise Wrong(f"it is of another exchange than what was kept: {said['databaseId']}")
    names = ("proofId", "madeAt", "seq")
    order = [(int(one["proofId"]), one["madeAt"], one["seq"]) for one in (kept, said)]
    for name, before, now in zip(names, *order, strict=True):
        if now < before:
            raise Wrong(f"{name} goes back: {now}, what was kept has {before}")
    if said["seq"] == kept["seq"] and said["chainHead"] != kept["chainHead"]:
        raise Wrong("the journal is another one than what was kept, at the same command")
    if said["proofId"] == kept["proofId"] and said != kept:
        raise Wrong("it says something else than what was kept under its number")


def packed(node_hash: bytes, sums: Sums) -> bytes:
    """Return a node as it is hashed."""
    return node_hash + b"".join(amount.to_bytes(8, "big") for amount in sums)


def check_own(mine: dict[str, Any], said: dict[str, Any], own: str | None) -> None:
    """Raise Wrong unless one's own leaf leads to the root that is signed, with its sums."""
    if mine["proofId"] != said["proofId"]:
        raise Wrong("the path is of another proof")
    # Two with the same balance could be shown one leaf.
    if own is not None and mine["accountId"] != own:
        raise Wrong(f"the leaf is account {mine['accountId']}'s, and not account {own}'s")
    if len(mine["path"]) != said["levels"] or not 0 <= mine["place"] < 2 ** said["levels"]:
        raise Wrong("the path isn't as long as the tree is high")
    sums: Sums = tuple(units(mine[name]) for name in SUMS)
    account = int(mine["accountId"]).to_bytes(8, "big")
    amounts = b"".join(amount.to_bytes(8, "big") for amount in sums)
    here = hashlib.sha256(b"\x00" + hash_of(mine["salt"]) + account + amounts).digest()
    for height, node in enumerate(mine["path"]):
        other, others = hash_of(node["hash"]), tuple(units(node[name]) for name in SUMS)
        pair = [packed(here, sums), packed(other, others)]
        if mine["place"] >> height & 1:
            pair.reverse()
        here = hashlib.sha256(b"\x01" + b"".join(pair)).digest()
        sums = tuple(one + two for one, two in zip(sums, others, strict=True))
        if max(sums) > MOST:
            raise Wrong("a sum is larger than there can be money")
    if here != hash_of(said["root"]):
        raise Wrong("the path leads to another root than the one that is signed")
    if sums != tuple(units(said[name]) for name in SUMS):
        raise Wrong("the path leads to other sums than those that are signed")


def get(url: str, token: str | None = None) -> Any:
    """Return what the exchange answers."""
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - of http, by `read`
    with urllib.request.urlopen(request, timeout=ANSWERED_S) as answer:  # noqa: S310 - the same
        return json.load(answer)


def account_of(token: str) -> str | None:
    """Return whose an access token is, None for a token of another kind."""
    try:
        claims = json.loads(unbase64(token.split(".")[1]))
        return str(claims["sub"])
    except (ValueError, LookupError, TypeError):
        return None


def read(place: str) -> Place:
    """Return what is to be checked there."""
    own = os.environ.get("PROBITY_ACCOUNT")
    if not place.startswith(("http://", "https://")):
        kept = {name: Path(place, f"{name}.json") for name in ("jwks", "proof", "me")}
        found: dict[str, Any] = {
            name: json.loads(file.read_text("utf-8")) if file.exists() else None
            for name, file in kept.items()
        }
        mine = (found["me"] or {}).get("data")
        return Place(found["jwks"], found["proof"]["data"], mine, own)
    token, mine, name = os.environ.get("PROBITY_TOKEN"), None, ""
    if token is not None:
        mine = get(f"{place}/api/v1/proof/me", token)["data"]
        own = own or account_of(token)
        # A newer one may be made just now.
        name = f"/{mine['proofId']}"
    proof = get(f"{place}/api/v1/proof{name}")["data"]
    return Place(get(f"{place}/.well-known/jwks.json"), proof, mine, own)


def checked(place: Place) -> dict[str, Any]:
    """Return what is signed there; raises Wrong unless all of it holds."""
    try:
        said = statement(place.proof, place.jwks)
        check_same(place.proof, said)
        check_sums(said)
        if place.mine is not None:
            check_own(place.mine, said, place.account)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise Wrong(f"it isn't made as a proof is: {error!r}") from None
    return said


def main() -> int:
    """Check what the arguments name."""
    places = [place.rstrip("/") for place in sys.argv[1:]]
    if not places or len(places) > 2 or places[0].startswith("-"):  # noqa: PLR2004 - and before
        print(__doc__)
        return 2
    try:
        found, *before = [read(place) for place in places]
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        print(f"it can't be read: {error}")
        return 2
    try:
        said = checked(found)
        if places[0].startswith("http"):
            check_time(said, time.time())
        for kept in before:
            check_later(said, checked(kept))
    except Wrong as wrong:
        print(f"WRONG: {wrong}")
        return 1
    print(f"ok: proof {said['proofId']} of {made_at(said)}, as of command {said['seq']},")
    print(f"    {said['accounts']} accounts of exchange {said['databaseId']}")
    print(f"    {said['available']} free, {said['locked']} locked, {said['collateral']} in markets")
    if found.mine is not None:
        amounts = ", ".join(f"{found.mine[name]} {name}" for name in SUMS)
        print(f"    account {found.mine['accountId']} is in it with {amounts}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
