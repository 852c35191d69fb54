"""The rows of the route table about proofs of what is owed: for everybody, and one's own place.

Laws: what is signed are the very bytes that were stored when the proof was made; they are signed
when they are asked for, by the key that signs access tokens then (`/.well-known/jwks.json`), so a
proof can be checked as long as it is kept, whatever became of older keys. The header's `typ` makes
it no access token, as those have one of their own. Nobody is told another's leaf: a path has hashes
and sums alone.
"""

from typing import Final, TypeVar

import jwt
import msgspec

from exchange.messages.units import format_money
from gateway.access.api_keys.standing import Scope
from gateway.accounts.sessions.keys import KeyRing
from gateway.accounts.sessions.tokens import ALGORITHM
from gateway.http.request import Request, UpTo
from gateway.http.routing import Access, Route
from gateway.wire.errors import NotFound, NotYetReached
from gateway.wire.scalars import iso_millis
from gateway.wire.strict_json import AnswerStruct
from persistence.proof.solvency.making import (
    MarketCollateral,
    OtherMarkets,
    Statement,
    place_of,
    salt_of,
)
from persistence.proof.solvency.tree import PART_LEVELS, Node, part_levels, path, unpacked
from persistence.repositories.checks.proofs import Proofs, StoredProof

TYPE: Final = "probity-proof+jws"
COST: Final = 5
"""Calls that one's own place counts as: it takes some thousand hashes."""
T = TypeVar("T")
_sign: Final = jwt.PyJWS().encode


class ProofView(AnswerStruct, frozen=True):
    """A proof: what `jws` has signed, as it can be read. `seq` is the command that it was made
    behind and `chainHead` the journal's hash there; `available` and `locked` are everybody's cash,
    `collateral` that of all markets: with the `fees` they are what was `issued`.
    """

    id: str
    made_at: str
    seq: int
    chain_head: str
    root: str
    accounts: int
    available: str
    locked: str
    collateral: str
    fees: str
    issued: str
    markets: list[MarketCollateral]
    other_markets: OtherMarkets
    jws: str


class ProofNodeView(AnswerStruct, frozen=True):
    """A node beside the way to the root: its hash, and the sums below it."""

    hash: str
    available: str
    locked: str
    collateral: str

    @classmethod
    def of(cls, node: Node) -> "ProofNodeView":
        """Return the view of a node."""
        return cls(
            node.hash.hex(),
            format_money(node.available),
            format_money(node.locked),
            format_money(node.collateral),
        )


class OwnProofView(AnswerStruct, frozen=True):
    """One's own leaf in the newest proof, and the nodes beside its way to the root, from below. Bit
    n of `place` says on which side the n-th of them stands: 1 means left.
    """

    proof_id: str
    account_id: str
    salt: str
    available: str
    locked: str
    collateral: str
    place: int
    path: list[ProofNodeView]


class ProofRoutes:
    """Shows proofs."""

    def __init__(self, proofs: Proofs, keys: KeyRing) -> None:
        self._proofs = proofs
        self._keys = keys
        self._last: tuple[StoredProof, str, ProofView] | None = None
        """The newest proof that was shown, signed by the key of this name."""

    async def newest(self, request: Request[None, None]) -> UpTo[ProofView]:
        """Return the newest proof."""
        number = await self._proofs.newest()
        if number is None:
            raise NotFound("No proof has been made yet")
        view = await self._signed(number)
        return _reaching(request, view, view.seq)

    async def one(self, request: Request[None, None]) -> UpTo[ProofView]:
        """Return a proof as long as it is kept."""
        view = await self._signed(request.path_id("id"))
        return _reaching(request, view, view.seq)

    async def own(self, request: Request[None, None]) -> UpTo[OwnProofView]:
        """Return where the caller's account is in the newest proof."""
        number = await self._proofs.newest()
        proof = None if number is None else await self._found(number)
        if proof is None:
            raise NotFound("No proof has been made yet")
        salt = salt_of(proof.secret, request.user_id)
        part = await self._proofs.part(proof.id, salt)
        place = None if part is None else place_of(part.owners, request.user_id)
        if part is None or place is None:
            raise NotFound("The newest proof was made before there was this account")
        leaves = list(unpacked(part.leaves))
        siblings = [*path(part_levels(leaves), place), *unpacked(part.path)]
        leaf = leaves[place]
        view = OwnProofView(
            str(proof.id),
            str(request.user_id),
            salt.hex(),
            format_money(leaf.available),
            format_money(leaf.locked),
            format_money(leaf.collateral),
            part.place << PART_LEVELS | place,
            [ProofNodeView.of(node) for node in siblings],
        )
        return _reaching(request, view, proof.seq)

    async def _found(self, number: int) -> StoredProof | None:
        if self._last is not None and self._last[0].id == number:
            return self._last[0]
        return await self._proofs.find(number)

    async def _signed(self, number: int) -> ProofView:
        key = self._keys.signing()
        if self._last is not None and (self._last[0].id, self._last[1]) == (number, key.kid):
            return self._last[2]
        proof = await self._proofs.find(number)
        if proof is None:
            raise NotFound("There is no such proof, or it is kept no longer")
        headers = {"typ": TYPE, "kid": key.kid}
        signed = _sign(proof.statement, key.private, algorithm=ALGORITHM, headers=headers)
        view = _view(proof, signed)
        if self._last is None or self._last[0].id <= number:
            self._last = proof, key.kid, view
        return view

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/proof",
                handler=self.newest,
                access=Access.PUBLIC,
                answer=ProofView,
                errors=(NotFound,),
                summary="Show the newest proof of what the exchange owes and holds, signed",
                tag="system",
            ),
            Route(
                method="GET",
                path="/proof/me",
                handler=self.own,
                access=Access.USER,
                scope=Scope.READ,
                answer=OwnProofView,
                errors=(NotFound,),
                cost=COST,
                summary="Show that one's own balance is in the newest proof",
                tag="user",
            ),
            Route(
                method="GET",
                path="/proof/{id}",
                handler=self.one,
                access=Access.PUBLIC,
                answer=ProofView,
                errors=(NotFound,),
                summary="Show an older proof as long as it is kept, signed",
                tag="system",
            ),
        )


def _reaching(request: Request[None, None], view: T, seq: int) -> UpTo[T]:
    """Return what holds the commands up to `seq`; raises NotYetReached where more is asked for."""
    if request.min_seq > seq:
        raise NotYetReached.of(request.min_seq, seq)
    return UpTo(view, seq)


def _view(proof: StoredProof, signed: str) -> ProofView:
    said = msgspec.json.decode(proof.statement, type=Statement)
    return ProofView(
        str(proof.id),
        iso_millis(said.made_at),
        said.seq,
        said.chain_head,
        said.root,
        said.accounts,
        said.available,
        said.locked,
        said.collateral,
        said.fees,
        said.issued,
        said.markets,
        said.other_markets,
        signed,
    )
