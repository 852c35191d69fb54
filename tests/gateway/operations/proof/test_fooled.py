"""Whoever wants to fool the example that checks a proof: what is signed by the right key and yet
is not what is owed, another's leaf, another exchange, another time. Each is refused, in a line.
"""

import base64
import copy
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.messages.units import format_money
from gateway.accounts.sessions.keys import KeyRing
from gateway.operations.proof.routes import ProofNodeView
from gateway.wire.scalars import iso_millis
from persistence.clock import MICROSECONDS
from persistence.proof.solvency.tree import Node, leaf, part_levels, path
from tests.gateway.operations.proof.test_from_outside import SCRIPT

ANN: Final = 7
BOB: Final = 8
NOW: Final = 1_900_000_000 * MICROSECONDS
CREDIT: Final = 1_000_000
SALTS: Final = {ANN: b"a" * 32, BOB: b"b" * 32}
Change = Callable[[dict[str, Any]], None]


class Exchange:
    """An exchange of two accounts with the same balance, which says what it is told to say."""

    def __init__(self, database_id: str = "an-exchange") -> None:
        self.key = Ed25519PrivateKey.generate()
        self.ring = KeyRing.of(self.key)
        leaves = [leaf(salt, who, 30 * CREDIT, 0, 10 * CREDIT) for who, salt in SALTS.items()]
        self.levels = part_levels(leaves)
        self.said: dict[str, Any] = {
            "version": 1,
            "proofId": "3",
            "databaseId": database_id,
            "madeAt": NOW,
            "seq": 40,
            "chainHead": "ab" * 32,
            "accounts": 2,
            "levels": 10,
            **self.of_root(self.levels[-1][0]),
            "fees": "1.000000",
            "issued": "81.000000",
            "markets": [
                {"marketId": "1", "collateral": "12.000000"},
                {"marketId": "2", "collateral": "5.000000"},
            ],
            "otherMarkets": {"count": 1, "collateral": "3.000000"},
        }

    @staticmethod
    def of_root(root: Node) -> dict[str, str]:
        """What is said of a root."""
        names = ("available", "locked", "collateral")
        sums = {name: format_money(getattr(root, name)) for name in names}
        return {"root": root.hash.hex(), **sums}

    def signed(self, typ: str = "probity-proof+jws", alg: str = "EdDSA") -> str:
        """Sign what is said."""
        headers = {"typ": typ, "kid": self.ring.signing().kid}
        key: Ed25519PrivateKey | str = self.key if alg == "EdDSA" else ""
        return jwt.PyJWS().encode(
            json.dumps(self.said).encode(), key, algorithm=alg, headers=headers
        )

    def own(self, who: int, number: int = 0) -> dict[str, Any]:
        """One's own place."""
        view = [ProofNodeView.of(node) for node in path(self.levels, number)]
        amounts = {"available": "30.000000", "locked": "0.000000", "collateral": "10.000000"}
        return {
            "proofId": self.said["proofId"],
            "accountId": str(who),
            "salt": SALTS[who].hex(),
            **amounts,
            "place": number,
            "path": [{name: getattr(node, name) for name in ("hash", *amounts)} for node in view],
        }

    def answers(self, mine: dict[str, Any] | None = None, **signing: str) -> dict[str, Any]:
        """Return what it answers, by the names that a folder has them under."""
        said = {name: self.said[name] for name in self.said if name not in _SIGNED_ALONE}
        made_at = self.said["madeAt"]
        shown = {"id": self.said["proofId"], "madeAt": iso_millis(made_at), **said}
        key = self.ring.signing()
        public = {"kty": "OKP", "crv": "Ed25519", "kid": key.kid, "x": key.x}
        found: dict[str, Any] = {
            "jwks": {"keys": [public]},
            "proof": {"data": {**shown, "jws": self.signed(**signing)}},
        }
        return found if mine is None else {**found, "me": {"data": mine}}


_SIGNED_ALONE: Final = ("version", "proofId", "databaseId", "madeAt", "levels")


def saved(folder: Path, answers: dict[str, Any]) -> str:
    """Put answers into a folder."""
    folder.mkdir(exist_ok=True)
    for name, content in answers.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return str(folder)


def check(*places: str, **environment: str) -> tuple[int, str]:
    """Run the example; it never dies of what it reads."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *places],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def test_what_is_as_it_must_be_holds(tmp_path: Path) -> None:
    made = Exchange()
    place = saved(tmp_path / "now", made.answers(made.own(BOB, 1)))
    code, said = check(place, PROBITY_ACCOUNT=str(BOB))
    assert code == 0, said
    assert "2030-03-17T17:46:40.000Z" in said
    assert "an-exchange" in said
    made.said |= {"proofId": "4", "madeAt": NOW + 1, "seq": 41, "chainHead": "cd" * 32}
    later = saved(tmp_path / "later", made.answers())
    assert check(later, place)[0] == 0


def _said(**changes: object) -> Change:
    return lambda said: said.update(changes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_said(issued="80.000000"), "80.000000 were issued, it is 81.000000"),
        # Less is owed by a negative part.
        (_said(fees="-1.000000", issued="79.000000"), "-1.000000 is no amount"),
        (_said(locked="-1.000000", issued="80.000000"), "-1.000000 is no amount"),
        (
            _said(markets=[{"marketId": "1", "collateral": "18.000000"}]),
            "the markets' collateral isn't that of all",
        ),
        (
            _said(
                markets=[
                    {"marketId": "1", "collateral": "12.000000"},
                    {"marketId": "1", "collateral": "5.000000"},
                ]
            ),
            "a market is named twice",
        ),
        (_said(otherMarkets={"count": 1, "collateral": "-3.000000"}), "-3.000000 is no amount"),
        (_said(root="00" * 32), "the path leads to another root"),
        (_said(available="59.000000", issued="80.000000"), "the path leads to other sums"),
        (_said(levels=11), "the path isn't as long as the tree is high"),
        (_said(levels=10**9), "the path isn't as long as the tree is high"),
        (_said(version=2), "this doesn't know version 2"),
        (_said(available=60), "it isn't made as a proof is"),
        (_said(markets=None), "it isn't made as a proof is"),
        (lambda said: said.pop("issued"), "it isn't made as a proof is"),
    ],
)
def test_what_is_signed_has_to_hold_itself(tmp_path: Path, change: Change, words: str) -> None:
    made = Exchange()
    change(made.said)
    code, said = check(saved(tmp_path / "now", made.answers(made.own(ANN))))
    assert (code, said.startswith(f"WRONG: {words}")) == (1, True), said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "4"),
        ("madeAt", "2031-01-01T00:00:00.000Z"),
        ("seq", 41),
        ("chainHead", "cd" * 32),
        ("accounts", 3),
        ("markets", []),
        ("otherMarkets", {"count": 2, "collateral": "3.000000"}),
    ],
)
def test_what_is_shown_is_what_is_signed(tmp_path: Path, name: str, value: object) -> None:
    answers = Exchange().answers()
    answers["proof"]["data"][name] = value
    code, said = check(saved(tmp_path / "now", answers))
    assert (code, said) == (1, f"WRONG: {name} is shown as another than it is signed\n")


def test_only_a_proof_that_a_key_of_the_exchange_has_signed_is_one(tmp_path: Path) -> None:
    made, other = Exchange(), Exchange()
    wrong = {
        "signed as": made.answers(typ="JWT"),
        "signed as {'alg'": made.answers(alg="none"),
        "the exchange has no key": made.answers() | {"jwks": other.answers()["jwks"]},
    }
    for words, answers in wrong.items():
        code, said = check(saved(tmp_path / "now", answers))
        assert (code, words in said) == (1, True), said
    # Another's key under the name of ours.
    stolen = other.answers()["jwks"]
    stolen["keys"][0]["kid"] = made.ring.signing().kid
    code, said = check(saved(tmp_path / "now", made.answers() | {"jwks": stolen}))
    assert (code, said) == (1, "WRONG: the signature is wrong\n")
    stolen["keys"][0] |= {"kty": "RSA", "n": "AQAB", "e": "AQAB"}
    code, said = check(saved(tmp_path / "now", made.answers() | {"jwks": stolen}))
    assert (code, "the exchange has no key" in said) == (1, True), said


def test_a_leaf_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """Both have the same: one leaf for the two would halve what is owed."""
    made = Exchange()
    swapped = saved(tmp_path / "now", made.answers(made.own(ANN)))
    assert check(swapped)[0] == 0
    code, said = check(swapped, PROBITY_ACCOUNT=str(BOB))
    assert (code, said) == (1, "WRONG: the leaf is account 7's, and not account 8's\n")
    renamed = made.own(ANN) | {"accountId": str(BOB)}
    code, said = check(saved(tmp_path / "now", made.answers(renamed)), PROBITY_ACCOUNT=str(BOB))
    assert (code, "leads to another root" in said) == (1, True), said
    moved = made.own(ANN) | {"place": 2**10}
    assert check(saved(tmp_path / "now", made.answers(moved)))[0] == 1
    for place in ("0", None, 1.0):
        odd = made.own(ANN) | {"place": place}
        code, said = check(saved(tmp_path / "now", made.answers(odd)))
        assert (code, said.startswith("WRONG: ")) == (1, True), said


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("-20.000000", "-20.000000 is no amount"),
        # What 8 bytes make of less than nothing; and more than there is.
        (format_money(2**64 - 20 * CREDIT), "is no amount"),
        ("9999999999999.999999", "a sum is larger than there can be money"),
    ],
)
def test_a_branch_that_owes_less_than_nothing_is_refused(
    tmp_path: Path, amount: str, words: str
) -> None:
    made = Exchange()
    for height in (0, 5, 9):
        mine = made.own(ANN)
        mine["path"][height]["available"] = amount
        code, said = check(saved(tmp_path / "now", made.answers(mine)))
        assert (code, said.startswith("WRONG: ") and words in said) == (1, True), said


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_said(databaseId="another"), "it is of another exchange than what was kept: another"),
        (_said(proofId="2"), "proofId goes back: 2, what was kept has 3"),
        (_said(proofId="4", madeAt=NOW - 1), "madeAt goes back"),
        (_said(proofId="4", seq=39), "seq goes back: 39, what was kept has 40"),
        (_said(proofId="4", chainHead="cd" * 32), "the journal is another one than what was kept"),
        (_said(fees="2.000000", issued="82.000000"), "it says something else than what was kept"),
    ],
)
def test_a_proof_of_another_exchange_or_time_is_refused_by_one_that_was_kept(
    tmp_path: Path, change: Change, words: str
) -> None:
    made = Exchange()
    kept = saved(tmp_path / "kept", made.answers())
    change(made.said)
    code, said = check(saved(tmp_path / "now", made.answers()), kept)
    assert (code, said.startswith(f"WRONG: {words}")) == (1, True), said


@contextmanager
def serving(answers: dict[str, Any]) -> Iterator[str]:
    """Answer as an exchange does; what is in `answers` may be changed meanwhile."""
    names = {"/.well-known/jwks.json": "jwks", "/api/v1/proof": "proof", "/api/v1/proof/me": "me"}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(answers[names.get(self.path, "proof")]).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is there
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_exchange_that_is_asked_has_to_say_what_it_owes_now_and_to_whom_it_is_asked() -> None:
    made = Exchange()
    now = time.time_ns() // 1_000
    claims = base64.urlsafe_b64encode(json.dumps({"sub": str(BOB)}).encode()).decode()
    token = f"head.{claims.rstrip('=')}.signature"
    answers: dict[str, Any] = {}
    with serving(answers) as url:
        for made_at, words in (
            (now, "ok: proof 3 of "),
            (now - 86_500 * MICROSECONDS, "WRONG: it was made at "),
            (now + 3_600 * MICROSECONDS, "WRONG: it was made at "),
        ):
            made.said["madeAt"] = made_at
            answers.update(made.answers())
            code, said = check(url)
            assert said.startswith(words), said
            assert code == (0 if words.startswith("ok") else 1)
        made.said["madeAt"] = now
        answers.update(made.answers(made.own(BOB, 1)))
        assert check(url, PROBITY_TOKEN=token)[0] == 0
        answers.update(made.answers(made.own(ANN)))
        code, said = check(url, PROBITY_TOKEN=token)
        assert (code, said) == (1, "WRONG: the leaf is account 7's, and not account 8's\n")
        # Of a proof of before.
        old = copy.deepcopy(made.own(BOB, 1)) | {"proofId": "2"}
        answers.update(made.answers(old))
        code, said = check(url, PROBITY_TOKEN=token)
        assert (code, said) == (1, "WRONG: the path is of another proof\n")
